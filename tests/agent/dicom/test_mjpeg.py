"""Clips of a camera's own JPEGs: their bytes, their times, and what is refused."""

from __future__ import annotations

import io
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames

from objects_support import by_gdcm, faults, object_of, request
from passerelle.dicom import part10
from passerelle.dicom.build import wrap
from passerelle.dicom.huffman import STANDARD_TABLES
from passerelle.dicom.mjpeg import read_mjpeg
from passerelle.errors import EncodingError, IdentityError
from pictures_support import colours, decoded, deep, encoded, greys, only, written
from video_support import TIMED, film, frames_as_jpegs, without_tables

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import Value

_VIDEO_ENDOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.1.1"


def stored_frames(dataset: Any) -> list[bytes]:  # noqa: ANN401 - pydicom's own
    count = int(dataset.NumberOfFrames)
    return list(generate_frames(dataset.PixelData, number_of_frames=count))


@pytest.mark.parametrize(
    ("sop_class", "uid"),
    [
        ("SecondaryCapture", "1.2.840.10008.5.1.4.1.1.7.4"),
        ("Ultrasound", "1.2.840.10008.5.1.4.1.1.3.1"),
        ("VLEndoscopic", _VIDEO_ENDOSCOPIC),
        ("VLMicroscopic", "1.2.840.10008.5.1.4.1.1.77.1.2.1"),
        ("VLPhotographic", "1.2.840.10008.5.1.4.1.1.77.1.4.1"),
    ],
)
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_clip_keeps_its_frames_byte_for_byte_in_every_class(
    tmp_path: Path, sop_class: str, uid: str, subsampling: int
) -> None:
    jpegs = frames_as_jpegs(5, subsampling=subsampling)
    media = written(tmp_path, "a.mjpeg", b"".join(jpegs))

    read = object_of(media, tmp_path / "out", TIMED, sop_class=sop_class)

    kept = stored_frames(read)
    assert [frame[: len(jpeg)] for frame, jpeg in zip(kept, jpegs, strict=True)] == jpegs
    assert (read.SOPClassUID, read.file_meta.TransferSyntaxUID[-3:]) == (uid, ".50")
    assert (read.FrameTime, read.FrameIncrementPointer) == (40, 0x00181063)
    assert (read.LossyImageCompression, read.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert faults(tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm") == []


def luma_of(data: bytes) -> Any:  # noqa: ANN401 - an array
    with Image.open(io.BytesIO(data)) as image:
        image.draft("YCbCr", image.size)
        return np.asarray(image)[..., 0].astype(int)


def test_other_programs_decode_a_clip_to_the_same_samples(tmp_path: Path) -> None:
    jpegs = frames_as_jpegs(3, quality=95)
    media = written(tmp_path, "a.mjpeg", b"".join(jpegs))

    read = object_of(media, tmp_path / "out", TIMED, sop_class="Ultrasound")

    raw = by_gdcm(tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm")
    luma = np.frombuffer(raw, np.uint8).reshape(3, *colours().shape)[..., 0]  # it leaves YCbCr
    ours = np.stack([luma_of(jpeg) for jpeg in jpegs])
    assert np.abs(luma.astype(int) - ours).max() <= 3, "decoders may round"


def test_a_clip_of_ffmpeg_is_taken(tmp_path: Path) -> None:
    media = film(tmp_path / "a.mjpeg", "-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-f", "mjpeg")

    read = object_of(media, tmp_path / "out", TIMED, sop_class="VLEndoscopic")

    assert (read.NumberOfFrames, read.Rows, read.Columns) == (12, 120, 160)
    assert faults(tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm") == []


def test_padding_between_frames_is_no_part_of_them(tmp_path: Path) -> None:
    jpegs = frames_as_jpegs(3)
    media = written(tmp_path, "a.mjpg", (b"\0" * 777).join([*jpegs, b""]))

    read = object_of(media, tmp_path / "out", TIMED)

    assert [len(frame) for frame in stored_frames(read)] == [len(j) + len(j) % 2 for j in jpegs]


def test_tables_that_a_camera_leaves_out_are_put_in_and_nothing_else(tmp_path: Path) -> None:
    whole = frames_as_jpegs(2)
    bare = [without_tables(jpeg) for jpeg in whole]
    media = written(tmp_path, "a.mjpeg", b"".join(bare))
    (tmp_path / "out").mkdir()

    answer = wrap(request(media, tmp_path / "out", TIMED))

    read = dcmread(answer["instances"][0]["file"])
    for frame, jpeg, shown in zip(stored_frames(read), bare, whole, strict=True):
        at = frame.index(STANDARD_TABLES)
        assert frame[:at] + frame[at + len(STANDARD_TABLES) :][: len(jpeg) - at] == jpeg
        assert (decoded(frame) == decoded(shown)).all()
    assert "leaves out the Huffman tables" in answer["notes"][0]


def test_a_still_of_such_a_camera_gets_them_too(tmp_path: Path) -> None:
    whole = encoded(colours(), "JPEG")
    media = written(tmp_path, "a.jpg", without_tables(whole))

    read = object_of(media, tmp_path / "out")

    (frame,) = generate_frames(read.PixelData, number_of_frames=1)
    assert STANDARD_TABLES in frame
    by_gdcm(tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm")


def test_the_standard_tables_are_those_of_an_encoder_that_uses_them() -> None:
    jpeg, own = frames_as_jpegs(1)[0], b""
    position = 2
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        own += jpeg[position + 4 : end] if jpeg[position + 1] == 0xC4 else b""
        position = end
    assert STANDARD_TABLES[4:] == own


def test_frames_that_the_class_cannot_keep_are_decoded(tmp_path: Path) -> None:
    jpegs = frames_as_jpegs(3, progressive=True)
    media = written(tmp_path, "a.mjpeg", b"".join(jpegs))

    read = object_of(media, tmp_path / "out", TIMED, sop_class="VLEndoscopic")

    assert (read.pixel_array == np.stack([decoded(jpeg) for jpeg in jpegs])).all()
    assert read.LossyImageCompression == "01"


def test_a_grey_clip_is_grey(tmp_path: Path) -> None:
    media = written(tmp_path, "a.mjpeg", encoded(greys(), "JPEG") * 2)

    read = object_of(media, tmp_path / "out", TIMED)

    assert read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7.2"
    assert read.PhotometricInterpretation == "MONOCHROME2"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (frames_as_jpegs(2)[0] + encoded(greys()[:24], "JPEG"), "frame 2 is 64 x 24 pixels, the"),
        (frames_as_jpegs(1)[0] + encoded(greys(), "JPEG"), "frame 2 is a JPEG of another kind"),
        (b"".join(frames_as_jpegs(2))[:-9], "frame 2: the data end before the picture does"),
        (frames_as_jpegs(1)[0] + b"maker" + frames_as_jpegs(1)[0], "frame 2: does not start like"),
    ],
)
def test_what_is_no_clip_of_one_kind_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    media = written(tmp_path, "a.mjpeg", data)

    with pytest.raises(EncodingError, match=f"^MJPEG: {reason}"):
        object_of(media, tmp_path / "out", TIMED)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_frame_whose_picture_is_damaged_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    good = frames_as_jpegs(1, quality=30)[0]
    at = good.index(b"\xff\xda") + 6
    bad = good[:at] + b"\x33" + good[at + 1 :]  # Huffman tables that it does not have
    media = written(tmp_path, "a.mjpeg", good * 3 + bad)

    with pytest.raises(EncodingError, match="JPEG"):
        object_of(media, tmp_path / "out", TIMED)
    assert list((tmp_path / "out").iterdir()) == []


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    frame = encoded(np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8), "JPEG")
    most = []
    for count in (40, 400):
        media = written(tmp_path, "a.mjpeg", frame * count)
        tracemalloc.start()
        seen = sum(1 for _ in only(read_mjpeg(media, "VLEndoscopic")).frames())
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == count
    assert most[1] < most[0] * 1.2


def test_the_offset_table_stays_basic_as_long_as_it_can_point(tmp_path: Path) -> None:
    """A viewer need not know the extended one where the frames are small enough."""
    dataset = object_of(written(tmp_path, "a.png", encoded(greys(), "PNG")), tmp_path / "out")
    del dataset.PixelData
    for together, expected in ((300, False), (5000, True)):
        bulk = part10.Encapsulated(
            frames=[b"\0" * 100] * 3, count=3, largest=4000, together=together, offset_limit=4500
        )
        target = tmp_path / "a.dcm"
        part10.write(target, dataset, "1.2.840.10008.1.2.4.50", bulk)
        assert ("ExtendedOffsetTable" in dcmread(target)) is expected


def test_a_clip_without_times_is_held(tmp_path: Path) -> None:
    media = written(tmp_path, "a.mjpeg", b"".join(frames_as_jpegs(3)))

    with pytest.raises(IdentityError, match="FrameTimeVector or FrameTime must be said"):
        object_of(media, tmp_path / "out")


def test_a_clip_takes_its_times_from_the_profile_unless_the_sidecar_says_more(
    tmp_path: Path,
) -> None:
    media = written(tmp_path, "a.mjpeg", b"".join(frames_as_jpegs(3)))
    profile = {"attributes": {"FrameTime": 20}}

    plain = object_of(media, tmp_path / "out", **profile)
    told: dict[str, Value] = {"PatientID": "1", "FrameTimeVector": [0, 33.3, 100]}
    exact = object_of(media, tmp_path / "out", told, **profile)

    assert plain.FrameTime == 20
    assert list(exact.FrameTimeVector) == [0, 33.3, 100]
    assert "FrameTime" not in exact


def test_even_times_become_one(tmp_path: Path) -> None:
    media = written(tmp_path, "a.mjpeg", b"".join(frames_as_jpegs(3)))

    read = object_of(media, tmp_path / "out", {"PatientID": "1", "FrameTimeVector": [0, 40, 40]})

    assert read.FrameTime == 40
    assert "FrameTimeVector" not in read


@pytest.mark.parametrize(
    ("vector", "reason"), [([0, 40], "2 times for 3 frames"), ([0, 40, -1], "back in time")]
)
def test_times_that_do_not_fit_are_refused(
    tmp_path: Path, vector: list[float], reason: str
) -> None:
    media = written(tmp_path, "a.mjpeg", b"".join(frames_as_jpegs(3)))

    with pytest.raises(EncodingError, match=reason):
        object_of(media, tmp_path / "out", {"PatientID": "1", "FrameTimeVector": vector})


def test_pages_of_a_tiff_with_times_are_a_clip(tmp_path: Path) -> None:
    pages = [Image.fromarray(deep()), Image.fromarray(deep())]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    media = written(tmp_path, "a.tif", buffer.getvalue())

    read = object_of(media, tmp_path / "out", TIMED)

    assert (read.FrameTime, read.FrameIncrementPointer) == (40, 0x00181063)
