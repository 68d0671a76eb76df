from __future__ import annotations

import errno
import hashlib
import io
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, parse_basic_offsets

from passerelle.dicom import part10
from passerelle.dicom.coding import EXPLICIT, IMPLICIT, JPEG_LS
from passerelle.errors import EncodingError, SpoolFull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = (b"one.", b"three", b"", b"fifteen")


def dataset() -> Dataset:
    made = Dataset()
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    made.SOPInstanceUID = "2.25.1"
    made.NumberOfFrames = len(FRAMES)
    return made


def encapsulated(**fields: int) -> part10.Encapsulated:
    return part10.Encapsulated(
        frames=iter(FRAMES), **{"count": len(FRAMES), "largest": 100, **fields}
    )


def test_the_basic_offset_table_points_at_every_frame(tmp_path: Path) -> None:
    file = part10.write(tmp_path / "a", dataset(), JPEG_LS, encapsulated()).file

    value = dcmread(file).PixelData
    offsets = parse_basic_offsets(value)
    fragments = value[8 + 4 * len(FRAMES) :]
    assert [fragments[at : at + 4] for at in offsets] == [b"\xfe\xff\x00\xe0"] * len(FRAMES)
    assert [frame.rstrip(b"\0") for frame in generate_frames(value, number_of_frames=4)] == [
        *FRAMES
    ]


def test_where_four_bytes_cannot_point_the_extended_table_does(tmp_path: Path) -> None:
    bulk = encapsulated(offset_limit=400)

    file = part10.write(tmp_path / "a", dataset(), JPEG_LS, bulk).file

    read = dcmread(file)
    assert parse_basic_offsets(read.PixelData) == []
    extended = (read.ExtendedOffsetTable, read.ExtendedOffsetTableLengths)
    frames = generate_frames(read.PixelData, number_of_frames=4, extended_offsets=extended)
    assert tuple(frames) == FRAMES


def test_below_that_limit_there_is_no_extended_table(tmp_path: Path) -> None:
    bulk = encapsulated(offset_limit=4 * (8 + 100 + 1))

    read = dcmread(part10.write(tmp_path / "a", dataset(), JPEG_LS, bulk).file)

    assert "ExtendedOffsetTable" not in read


@pytest.mark.parametrize("limit", [100, 1_000_000])
def test_the_digest_is_of_the_file_as_it_is_in_the_end(tmp_path: Path, limit: int) -> None:
    written = part10.write(tmp_path / "a", dataset(), JPEG_LS, encapsulated(offset_limit=limit))

    data = written.file.read_bytes()
    assert (written.sha256, written.size) == (hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_native_pixels_are_padded_to_an_even_length(tmp_path: Path, syntax: str) -> None:
    bulk = part10.Native(blocks=(b"abc", b"de"), size=5, vr="OB")

    written = part10.write(tmp_path / "a", dataset(), syntax, bulk)

    assert dcmread(written.file).PixelData == b"abcde\0"
    assert written.sha256 == hashlib.sha256(written.file.read_bytes()).hexdigest()


def test_elements_behind_the_long_value_are_written_behind_it(tmp_path: Path) -> None:
    made = dataset()
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"  # (0042,0012)
    bulk = part10.Native(blocks=(b"%PDF",), size=4, vr="OB", tag=0x00420011)

    read = dcmread(part10.write(tmp_path / "a", made, EXPLICIT, bulk).file)

    assert [element.tag for element in read][-2:] == [0x00420011, 0x00420012]
    assert read.EncapsulatedDocument == b"%PDF"


def test_the_file_names_its_maker_and_nothing_of_the_library(tmp_path: Path) -> None:
    bulk = part10.Native(blocks=(b"ab",), size=2, vr="OB")

    meta = dcmread(part10.write(tmp_path / "a", dataset(), EXPLICIT, bulk).file).file_meta

    assert meta.ImplementationClassUID == part10.IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == part10.IMPLEMENTATION_VERSION_NAME
    assert meta.MediaStorageSOPInstanceUID == "2.25.1"


@pytest.mark.parametrize("count", [3, 5])
def test_other_than_the_announced_frames_leave_no_file(tmp_path: Path, count: int) -> None:
    with pytest.raises(EncodingError, match=f"4 frames came of the {count}"):
        part10.write(tmp_path / "a", dataset(), JPEG_LS, encapsulated(count=count))

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [4, 6])
def test_other_than_the_announced_bytes_leave_no_file(tmp_path: Path, size: int) -> None:
    bulk = part10.Native(blocks=(b"abcde",), size=size, vr="OB")

    with pytest.raises(EncodingError, match="not as long as"):
        part10.write(tmp_path / "a", dataset(), EXPLICIT, bulk)

    assert not list(tmp_path.iterdir())


def test_more_than_an_element_holds_is_refused_before_it_is_written(tmp_path: Path) -> None:
    bulk = part10.Native(blocks=(), size=1 << 32, vr="OW")

    with pytest.raises(EncodingError, match="more than an element can hold"):
        part10.write(tmp_path / "a", dataset(), EXPLICIT, bulk)


def test_a_full_disk_is_told_as_such_and_leaves_no_file(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"ab"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SpoolFull):
        part10.write(
            tmp_path / "a", dataset(), EXPLICIT, part10.Native(blocks=blocks(), size=4, vr="OB")
        )

    assert not list(tmp_path.iterdir())


def test_a_frame_is_written_before_the_next_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a"
    seen = []

    def frames() -> Iterator[bytes]:
        for number in range(3):
            seen.append(file.stat().st_size)
            yield bytes([number]) * io.DEFAULT_BUFFER_SIZE * 4

    bulk = part10.Encapsulated(frames=frames(), count=3, largest=1 << 20)
    part10.write(file, dataset(), JPEG_LS, bulk)

    assert seen[0] < seen[1] < seen[2]
