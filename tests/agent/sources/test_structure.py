"""What is cut off is told from what is whole, whatever the file claims."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folder_support import deflated, part10, picture, whole_files
from passerelle.sources.structure import complaint
from video_support import H264, film

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = whole_files()
CUT_MARKS = (0.999, 0.9, 0.5, 0.2)
#: Bytes at the end that hold nothing: a line's end after %%EOF, padding after the last page.
SLACK = {"a.pdf": 8, "pages.tif": 8}


def told(tmp_path: Path, data: bytes, name: str = "file.x") -> str:
    path = tmp_path / name
    path.write_bytes(data)
    return complaint(path)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_has_no_complaint(tmp_path: Path, name: str) -> None:
    assert told(tmp_path, WHOLE[name]) == ""


@pytest.mark.parametrize("share", CUT_MARKS)
@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_cut_off_has_one(tmp_path: Path, name: str, share: float) -> None:
    data = WHOLE[name]
    cut = min(int(len(data) * share), len(data) - SLACK.get(name, 1))
    assert "cut off or still being written" in told(tmp_path, data[:cut])


@pytest.mark.parametrize("name", [name for name in WHOLE if not name.endswith((".bmp", ".tif"))])
def test_room_reserved_in_advance_is_no_content(tmp_path: Path, name: str) -> None:
    data = WHOLE[name]
    assert told(tmp_path, data[: len(data) // 2].ljust(len(data) + 4096, b"\0"))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "thumbnail.jpg", "a.gif", "a.bmp", "a.tif"])
def test_what_a_device_appends_after_the_end_does_not_matter(tmp_path: Path, name: str) -> None:
    assert told(tmp_path, WHOLE[name] + b"\0" * 999 + b"maker's trailer") == ""


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(tmp_path: Path) -> None:
    data = WHOLE["thumbnail.jpg"]
    assert data.count(b"\xff\xd9") == 2
    assert told(tmp_path, data[: data.rindex(b"\xff\xd9")]).startswith("JPEG: no end of image")


def test_a_marker_is_found_across_two_blocks(tmp_path: Path) -> None:
    for length in range(65_528, 65_540):
        scan = b"\xff\xd8\xff\xda\0\2" + b"\1" * length
        assert told(tmp_path, scan + b"\xff\xd9") == ""
        assert told(tmp_path, scan + b"\xff")


def test_a_tiff_whose_directory_is_not_written_yet_is_not_whole(tmp_path: Path) -> None:
    assert told(tmp_path, b"II*\0\0\0\0\0" + b"\1" * 100).startswith("TIFF: no directory yet")


def test_a_tiff_is_followed_to_its_last_page_and_strip(tmp_path: Path) -> None:
    pages = WHOLE["pages.tif"]
    assert all(told(tmp_path, pages[:cut]) for cut in range(8, len(pages) - 8, 37))


def test_a_tiff_whose_directories_form_a_ring_ends(tmp_path: Path) -> None:
    ring = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 256, 3, 1, 1, 8)
    assert told(tmp_path, ring) == ""


def test_the_header_of_a_deflated_object_is_enough(tmp_path: Path) -> None:
    assert told(tmp_path, deflated()) == ""


def test_a_dicom_file_that_ends_with_its_header_is_not_whole(tmp_path: Path) -> None:
    data = part10()
    (meta,) = struct.unpack_from("<I", data, 140)
    assert told(tmp_path, data[: 144 + meta]).startswith("DICOM: no data set")


@pytest.mark.parametrize("zeros", [8, 16, 800])
def test_zeros_are_no_elements(tmp_path: Path, zeros: int) -> None:
    assert "zeros where the next element" in told(tmp_path, WHOLE["implicit.dcm"] + bytes(zeros))


def test_elements_of_an_unknown_sequence_are_implicit(tmp_path: Path) -> None:
    nested = struct.pack("<HH2sHI", 9, 0x1001, b"UN", 0, 0xFFFFFFFF)
    nested += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    nested += struct.pack("<HHI", 0x10, 0x20, 4) + b"0042"
    ends = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    after = struct.pack("<HH2sH", 0x10, 0x20, b"LO", 4) + b"0043"
    meta = bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", 20)
    meta += b"1.2.840.10008.1.2.1\0"
    assert told(tmp_path, meta + nested + ends + after) == ""
    assert told(tmp_path, meta + nested + ends[:8])


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    assert told(tmp_path, b"") == "empty: the file has no content"


def test_unknown_kinds_and_raw_samples_are_whole(tmp_path: Path) -> None:
    assert told(tmp_path, b"MZ\x90 something else") == ""
    raw = tmp_path / "frame.RAW"
    raw.write_bytes(picture("PNG")[:100])
    assert complaint(raw, (".raw", ".bin")) == ""
    assert complaint(raw)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name, fault in (("pipe", "not a regular file"), ("link", "symbolic links")):
        with pytest.raises(OSError, match=fault):
            complaint(tmp_path / name)


@given(
    name=st.sampled_from(sorted(WHOLE)),
    cut=st.floats(0, 1),
    place=st.floats(0, 1),
    noise=st.binary(max_size=24),
)
@settings(
    max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_files_neither_raise_nor_hang(
    tmp_path: Path, name: str, cut: float, place: float, noise: bytes
) -> None:
    data = bytearray(WHOLE[name][: int(len(WHOLE[name]) * cut) + 1])
    at = int(len(data) * place)
    data[at : at + len(noise)] = noise
    assert isinstance(told(tmp_path, bytes(data)), str)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sI", 0, b"aaaa", 0) * 1_000_000,
        b"\xff\xd8\xff\xe0" + b"\0\2\0\xff\xe0" * 2_000_000,
        b"GIF89a" + bytes(7) + b"!\xf9" + b"\1\0" * 4_000_000,
        b"II*\0"
        + struct.pack("<IH", 8, 1)
        + struct.pack("<HHII", 273, 4, 4_000_000, 8) * 1_400_000,
    ],
    ids=["chunks", "segments", "blocks", "strips"],
)
def test_a_file_made_to_keep_us_busy_does_not(tmp_path: Path, data: bytes) -> None:
    told(tmp_path, data)  # seconds at most: what is read, and how often, has a limit


def test_a_part_10_file_whose_preamble_starts_like_a_tiff_is_judged_as_part_10(
    tmp_path: Path,
) -> None:
    whole = part10()
    file = tmp_path / "dual.dcm"
    file.write_bytes(b"II*\0\x54\x18\x08\0" + whole[8:])
    assert complaint(file) == ""
    file.write_bytes(b"II*\0\x54\x18\x08\0" + whole[8:-1])
    assert complaint(file).startswith("DICOM: ")


def test_a_clip_of_jpegs_is_whole_when_its_last_frame_is(tmp_path: Path) -> None:
    clip = WHOLE["a.jpg"] * 3
    assert told(tmp_path, clip, "a.mjpeg") == ""
    assert told(tmp_path, clip + bytes(900), "a.MJPG") == ""
    assert told(tmp_path, clip[:-1], "a.mjpeg").startswith("MJPEG: no end of the last frame")
    assert told(tmp_path, clip + bytes(1 << 17), "a.mjpeg").startswith("MJPEG: "), "room reserved"


def test_a_film_is_whole_when_its_boxes_are(tmp_path: Path) -> None:
    for options in (H264, (*H264, "-movflags", "+faststart")):
        data = film(tmp_path / "film.mp4", *options).read_bytes()
        assert told(tmp_path, data, "a.mp4") == ""
        for length in (len(data) - 1, len(data) // 2, 40, 12):
            assert told(tmp_path, data[:length], "a.mp4").startswith("MP4: ")
        assert told(tmp_path, data + bytes(4096), "a.mp4").startswith("MP4: no box where")
    assert "no table of contents" in told(tmp_path, data[:32] + data[32:].replace(b"moov", b"free"))


def test_a_large_film_and_a_box_to_the_end_are_followed(tmp_path: Path) -> None:
    head = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + struct.pack(">I4s", 8, b"moov")
    assert told(tmp_path, head + struct.pack(">I4sQ", 1, b"mdat", 20) + bytes(4)) == ""
    assert told(tmp_path, head + struct.pack(">I4s", 0, b"mdat") + bytes(9)) == ""
    assert told(tmp_path, head + struct.pack(">I4sQ", 1, b"mdat", 30) + bytes(4))
