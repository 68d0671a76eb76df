"""MP4 films: taken as they are where DICOM has a transfer syntax, else refused with the reason."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread
from pydicom.encaps import generate_fragments

from objects_support import WHOSE, faults, object_of, request
from passerelle.dicom import video
from passerelle.dicom.build import wrap
from passerelle.dicom.inspecting import inspect
from passerelle.dicom.stored import describe
from passerelle.dicom.transcode import transcode
from passerelle.errors import EncodingError
from passerelle.profile import Profile
from pictures_support import written
from support import peer
from video_support import H264, film, run_ffmpeg, stream_hash

if TYPE_CHECKING:
    from collections.abc import Callable

HEVC = (
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-tag:v",
    "hvc1",
    "-x265-params",
    "log-level=none",
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "a.mp4", *H264)


def payload(dataset: Any) -> bytes:  # noqa: ANN401 - pydicom's own
    table, *fragments = generate_fragments(dataset.PixelData)
    return b"".join([table, *fragments]) if table else b"".join(fragments)


@pytest.mark.parametrize(
    ("options", "size", "rate", "syntax"),
    [
        (H264, "160x120", 25, "102"),
        (("-movflags", "+faststart", *H264), "160x120", 25, "102"),
        ((*H264, "-level", "4.2"), "1920x1080", 60, "104"),
        (("-bf", "2", *H264), "160x120", 30, "102"),
        (HEVC, "160x120", 25, "107"),
    ],
)
def test_a_film_is_taken_as_it_is(
    tmp_path: Path, options: tuple[str, ...], size: str, rate: int, syntax: str
) -> None:
    media = film(tmp_path / "a.mp4", *options, size=size, rate=rate)

    read = object_of(media, tmp_path / "out", sop_class="VLEndoscopic")

    assert read.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2.4.{syntax}"
    assert read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.77.1.1.1"
    assert f"{read.Columns}x{read.Rows}" == size
    assert (read.NumberOfFrames, read.CineRate) == (12, rate)
    assert read.FrameTime == pytest.approx(1000 / rate, rel=1e-6)
    assert read.PhotometricInterpretation == "YBR_PARTIAL_420"
    assert read.LossyImageCompression == "01"
    method = "ISO_14496_10" if syntax != "107" else "ISO_23008_2"
    assert read.LossyImageCompressionMethod == method
    inside = written(tmp_path, "inside.mp4", payload(read)[: media.stat().st_size])
    assert stream_hash(inside) == stream_hash(media)
    stored = tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm"
    subprocess.run([peer("dcmdump"), stored], check=True, capture_output=True)
    if syntax != "107":  # dicom3tools takes HEVC's for an unknown one that is not encapsulated
        assert faults(stored) == []


@pytest.mark.parametrize(
    ("sop_class", "uid"),
    [("SecondaryCapture", "4.1"), ("VLPhotographic", "4.1"), ("VLMicroscopic", "2.1")],
)
def test_the_class_follows_the_profile(
    tmp_path: Path, plain: Path, sop_class: str, uid: str
) -> None:
    read = object_of(plain, tmp_path / "out", sop_class=sop_class)

    assert read.SOPClassUID == f"1.2.840.10008.5.1.4.1.1.77.1.{uid}"
    assert faults(tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm") == []


def test_the_offset_table_is_empty_and_one_fragment_holds_all(tmp_path: Path, plain: Path) -> None:
    read = object_of(plain, tmp_path / "out")

    assert read.PixelData[:8] == b"\xfe\xff\x00\xe0\0\0\0\0"
    assert len([part for part in generate_fragments(read.PixelData) if part]) == 1


def test_what_is_too_long_for_a_fragment_is_cut_into_several(
    tmp_path: Path, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "_FRAGMENT", 5000)
    monkeypatch.setattr(video, "_CUT", 4096)

    read = object_of(plain, tmp_path / "out")

    parts = list(generate_fragments(read.PixelData))
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.102.1"
    assert [len(part) for part in parts[1:-1]] == [4096] * (len(parts) - 2)
    media = plain.read_bytes()
    assert b"".join(parts)[: media.index(b"udta")] == media[: media.index(b"udta")]


def test_what_a_film_tells_beside_its_video_is_blanked(tmp_path: Path) -> None:
    media = film(
        tmp_path / "a.mp4", *H264, "-metadata", "title=Jane Doe", "-metadata", "location=+52+004/"
    )
    assert b"Jane Doe" in media.read_bytes()
    (tmp_path / "out").mkdir()

    answer = wrap(request(media, tmp_path / "out"))

    file = Path(answer["instances"][0]["file"])
    assert b"Jane Doe" not in file.read_bytes()
    inside = written(tmp_path, "inside.mp4", payload(dcmread(file))[: media.stat().st_size])
    assert stream_hash(inside) == stream_hash(media)
    assert len(inside.read_bytes()) == media.stat().st_size
    assert any("was blanked" in note for note in answer["notes"])


def test_an_archive_that_knows_only_high_may_refuse_a_lower_profile_and_that_is_told(
    tmp_path: Path,
) -> None:
    media = film(tmp_path / "a.mp4", "-c:v", "libx264", "-profile:v", "main", "-pix_fmt", "yuv420p")
    (tmp_path / "out").mkdir()

    answer = wrap(request(media, tmp_path / "out"))

    assert any("below High" in note for note in answer["notes"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("-c:v", "libx264", "-pix_fmt", "yuv444p"), "H.264 profile 244"),
        ((*H264, "-level", "5.1"), r"H.264 level 5\.1: DICOM goes to 4\.2"),
        (("-c:v", "mpeg4"), "coded as mp4v; H.264 and HEVC are taken"),
        ((*H264, "-movflags", "+frag_keyframe+empty_moov"), "fragmented"),
        (("-vf", "setsar=16/11", *H264), "pixels are not square"),
        (("-vf", r"select=lt(n\,4)+gt(n\,9)", "-vsync", "vfr", *H264), "do not come evenly"),
        (
            ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"),
            "10 bits a sample",
        ),
    ],
)
def test_what_dicom_has_no_transfer_syntax_for_is_refused_with_what_to_do(
    tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    media = film(tmp_path / "a.mp4", *options)

    with pytest.raises(EncodingError, match=f"^MP4: .*{reason}.*ffmpeg -i IN"):
        object_of(media, tmp_path / "out")


def test_sound_is_refused(tmp_path: Path, plain: Path) -> None:
    media = tmp_path / "loud.mp4"
    run_ffmpeg(
        "-i", plain, "-f", "lavfi", "-t", "0.4", "-i", "sine", "-c:v", "copy", "-c:a", "aac", media
    )

    with pytest.raises(EncodingError, match="MP4: it holds sound"):
        object_of(media, tmp_path / "out")


def test_two_videos_are_refused(tmp_path: Path, plain: Path) -> None:
    media = tmp_path / "two.mp4"
    run_ffmpeg("-i", plain, "-i", plain, "-map", "0", "-map", "1", "-c", "copy", media)

    with pytest.raises(EncodingError, match="one video track is taken"):
        object_of(media, tmp_path / "out")


def test_a_film_to_be_shown_turned_is_refused(tmp_path: Path, plain: Path) -> None:
    media = tmp_path / "turned.mp4"
    quarter = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    _patch(plain, media, b"tkhd", 4 + 40, quarter)

    with pytest.raises(EncodingError, match="to be shown turned"):
        object_of(media, tmp_path / "out")


def _patch(source: Path, target: Path, box: bytes, offset: int, content: bytes) -> None:
    data = bytearray(source.read_bytes())
    at = data.index(box) + offset
    data[at : at + len(content)] = content
    target.write_bytes(bytes(data))


def _avcc(number: int, value: int) -> Callable[[Path, Path], None]:
    return lambda source, target: _patch(source, target, b"avcC", 4 + number, bytes([value]))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_avcc(1, 66), "H.264 profile 66"),
        (_avcc(1, 128), "H.264 profile 128"),
        (_avcc(3, 10), None),
        (lambda s, t: _patch(s, t, b"stsz", 12, struct.pack(">I", 0)), "holds no frame"),
        (lambda s, t: _patch(s, t, b"stsz", 12, struct.pack(">I", 11)), "other frames than it has"),
        (lambda s, t: _patch(s, t, b"stco", 12, struct.pack(">I", 1 << 20)), "beyond the file's"),
        (lambda s, t: _patch(s, t, b"stsd", 8, struct.pack(">I", 2)), "coding changes midway"),
        (lambda s, t: _patch(s, t, b"elst", 12, struct.pack(">I", 100)), "edit list hides"),
        (lambda s, t: _patch(s, t, b"moov", 0, b"free"), r"no table of contents"),
        (lambda s, t: t.write_bytes(s.read_bytes()[:-5]), "cut off"),
        (lambda s, t: t.write_bytes(s.read_bytes()[:3000]), "cut off"),
    ],
)
def test_damage_is_told_and_never_guessed_around(
    tmp_path: Path, plain: Path, damage: Callable[[Path, Path], None], reason: str | None
) -> None:
    media = tmp_path / "bad.mp4"
    damage(plain, media)
    if reason is None:  # harmless
        object_of(media, tmp_path / "out")
        return

    with pytest.raises(EncodingError, match=f"^MP4: .*{reason}"):
        object_of(media, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_no_flipped_byte_of_its_tables_does_more_than_be_refused(
    tmp_path: Path, plain: Path
) -> None:
    data = plain.read_bytes()
    media = tmp_path / "bad.mp4"
    for at in range(data.index(b"moov") - 4, len(data), 3):
        broken = bytearray(data)
        broken[at] ^= 0xFF
        media.write_bytes(bytes(broken))
        try:
            video.read_video(media)
        except EncodingError as fault:
            assert str(fault).startswith("MP4: ")  # noqa: PT017 - whole files are fine, too


@pytest.mark.parametrize("sop_class", ["Ultrasound", "Ophthalmic8", "DX"])
def test_a_class_without_a_video_form_is_refused(
    tmp_path: Path, plain: Path, sop_class: str
) -> None:
    with pytest.raises(EncodingError, match=f"{sop_class} has no form for MP4"):
        object_of(plain, tmp_path / "out", sop_class=sop_class)


def test_a_profile_that_masks_refuses_what_it_cannot_mask(tmp_path: Path, plain: Path) -> None:
    masks = [{"size": [160, 120], "boxes": [[0, 0, 10, 10]]}]
    profile = Profile.model_validate({"masks": masks}, strict=False).model_dump()
    for media in (plain, written(tmp_path, "a.pdf", b"%PDF-1.7\n%%EOF\n")):
        with pytest.raises(EncodingError, match="cannot do so in"):
            object_of(media, tmp_path / "out", WHOSE, masks=profile["masks"])


def test_a_stored_film_is_read_but_never_transcoded(tmp_path: Path, plain: Path) -> None:
    read = object_of(plain, tmp_path / "out")
    file = tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm"

    assert describe(file)["frames"] == 12
    again = object_of(written(tmp_path, "again.dcm", file.read_bytes()), tmp_path / "again", {})
    assert again.PixelData == read.PixelData
    with pytest.raises(EncodingError, match="video can only be sent as it is"):
        transcode({"file": file, "into": tmp_path, "syntaxes": ["1.2.840.10008.1.2.1"]})


def test_a_profile_tried_on_a_film_shows_what_it_is(plain: Path) -> None:
    seen = inspect({"media": plain, "profile": Profile().model_dump(mode="json")})

    assert (seen["format"], seen["frames"], seen["rows"]) == ("MP4", 12, 120)
