"""A Part 10 file opened for reading: its elements in memory, its pixel data where they lie."""

from __future__ import annotations

import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.encaps import generate_frames
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.uid import UID

from passerelle.dicom.coding import NATIVE, VIDEO, FrameShape
from passerelle.dicom.media import open_media
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

    from pydicom.dataset import Dataset, FileMetaDataset


BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_PIXEL_DATA: Final = 0x7FE00010
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_END_OF_SEQUENCE: Final = 0xFFFEE0DD
_BLOCK: Final = 1 << 20
_BYTE: Final = 8

#: Whatever pydicom's readers were seen or may be expected to raise about damaged data.
_FAULTS: Final = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where pixel data lie in their file."""

    start: int  #: of the element's header
    value: int  #: of its value
    end: int  #: one past its value and delimiter
    fragments: int | None  #: items after the offset table; None when it is not encapsulated

    @property
    def size(self) -> int:
        """Bytes of the value, with what delimits it."""
        return self.end - self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A complete Part 10 file."""

    file: Path
    meta: FileMetaDataset
    preamble: bytes
    header: Dataset  #: everything before the pixel data, or all there is
    pixels: Place | None

    @property
    def syntax(self) -> str:
        """Its transfer syntax UID."""
        return str(self.meta.get("TransferSyntaxUID", ""))

    @property
    def frame_count(self) -> int:
        """Frames in its pixel data."""
        return int(self.header.get("NumberOfFrames") or 1)

    @property
    def shape(self) -> FrameShape:
        """Of each frame."""
        header = self.header
        return FrameShape(
            rows=header.Rows,
            columns=header.Columns,
            samples=header.SamplesPerPixel,
            bits_allocated=header.BitsAllocated,
            bits_stored=header.BitsStored,
        )

    def raw_pixels(self) -> Iterator[bytes]:
        """The value of the pixel data, byte for byte, in blocks."""
        if self.pixels is None:
            return
        left = self.pixels.size
        with open_media(self.file) as file:
            file.seek(self.pixels.value)
            while left and (block := file.read(min(_BLOCK, left))):
                left -= len(block)
                yield block

    def frames(self) -> Iterator[bytes]:
        """Each encapsulated frame, encoded as it is (PS3.5 A.4).

        Raises:
            EncodingError: The fragments do not make up the frames.
        """
        if self.pixels is None:
            return
        tables = (
            self.header.get("ExtendedOffsetTable"),
            self.header.get("ExtendedOffsetTableLengths"),
        )
        extended = tables if all(tables) else None
        with open_media(self.file) as file:
            file.seek(self.pixels.value)
            with understood():
                yield from generate_frames(
                    file, number_of_frames=self.frame_count, extended_offsets=extended
                )


@contextmanager
def understood() -> Iterator[None]:
    """Tell what the library raises about a damaged file as damage.

    It reads a value only when it is asked for, so whoever asks does it within this.

    Raises:
        EncodingError: The file is damaged.
    """
    try:
        yield
    except _FAULTS as fault:
        msg = "DICOM: the file is damaged: its elements cannot be read"
        raise EncodingError(msg) from fault
    except RecursionError:
        _damaged("its sequences are nested too deeply")


def open_stored(file: Path) -> Stored:
    """Read a Part 10 file and see that it is complete.

    Raises:
        EncodingError: It is no Part 10 file, damaged or cut off.
        Changed: It cannot be opened.
    """
    with open_media(file) as source, understood():
        return _read(file, source, os.fstat(source.fileno()).st_size)


def _read(file: Path, source: BufferedReader, size: int) -> Stored:
    header = read_partial(source, stop_when=lambda tag, _vr, _length: tag in _PIXELS)
    meta, preamble = header.file_meta, header.preamble or b"\0" * 128
    if meta.get("TransferSyntaxUID") == DEFLATED:
        source.seek(0)
        header, place = dcmread(source), None
        _check_whole(header)
    else:
        end = _check_whole(header)
        place = _place(source, header, size)
        if place is None:
            _check_end(header, end, size)
    stored = Stored(file=file, meta=meta, preamble=preamble, header=header, pixels=place)
    if place and place.fragments is None:
        _check_native(stored, place)
    elif place and (place.fragments or 0) < (1 if stored.syntax in VIDEO else stored.frame_count):
        _damaged("it holds fewer frames than it announces")
    return stored


def _check_whole(header: Dataset) -> int:
    """See that no value is short; where the last element ends, 0 when that cannot be told.

    The library returns the end of a file as a short value, or leaves it out, without a word.
    """
    end = 0
    for tag in sorted(header.keys()):  # iterating over elements would parse them all
        element = header.get_item(tag)
        end = 0
        if isinstance(element, RawDataElement) and element.length != _UNDEFINED:
            end = element.value_tell + element.length
            if len(element.value or b"") < element.length:
                _damaged("it ends within an element")
    return end


def _check_end(header: Dataset, end: int, size: int) -> None:
    """See that what has no pixel data should have none, and ends where its file ends."""
    if end and end != size:
        _damaged("it ends within an element")
    sop_class = UID(str(header.file_meta.get("MediaStorageSOPClassUID", "")))
    if not header:
        _damaged("it holds no data set")
    if "Rows" in header or "Image Storage" in sop_class.name:
        _damaged("it is an image without pixel data")


def _place(source: BufferedReader, header: Dataset, size: int) -> Place | None:
    start = source.tell()
    if start == size:
        return None
    is_implicit, is_little = header.original_encoding
    order = "<" if is_little else ">"
    head = source.read(8 if is_implicit else 12)
    if len(head) < (8 if is_implicit else 12):
        _damaged("it ends within an element")
    length: int = struct.unpack(order + "I", head[-4:])[0]
    value = source.tell()
    if length != _UNDEFINED:
        if value + length > size:
            _damaged("its pixel data are cut off")
        return Place(start=start, value=value, end=value + length, fragments=None)
    fragments, end = _walk(source, size)
    return Place(start=start, value=value, end=end, fragments=fragments)


def _walk(source: BufferedReader, size: int) -> tuple[int, int]:
    """Fragments after the offset table, and where the sequence ends (PS3.5 A.4)."""
    items = 0
    while len(head := source.read(_BYTE)) == _BYTE:
        group, element, length = struct.unpack("<HHI", head)
        tag = group << 16 | element
        if tag == _END_OF_SEQUENCE:
            return items - 1, source.tell()
        if tag != _ITEM or source.tell() + length > size:
            break
        source.seek(length, os.SEEK_CUR)
        items += 1
    _damaged("its pixel data are cut off")
    return None


def _check_native(stored: Stored, place: Place) -> None:
    if stored.syntax not in NATIVE | {BIG_ENDIAN}:
        return
    shape = stored.shape
    bits = shape.rows * shape.columns * shape.samples * shape.bits_allocated
    if stored.header.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3  # two samples a pixel (PS3.3 C.7.6.3.1.2)
    if place.size < (bits * stored.frame_count + 7) // 8:
        _damaged("its pixel data are shorter than its rows and columns say")


def _damaged(how: str) -> NoReturn:
    msg = f"DICOM: the file is damaged: {how}"
    raise EncodingError(msg)


@understood()
def describe(file: Path) -> dict[str, Any]:
    """The header of a Part 10 file for display: its classes, UIDs and whose it is.

    Raises:
        EncodingError: It is no Part 10 file, damaged or cut off.
        Changed: It cannot be opened.
    """
    stored = open_stored(file)
    header = stored.header
    said = {name: str(header.get(keyword, "")) for name, keyword in _SHOWN.items()}
    return {**said, "transfer_syntax_uid": stored.syntax, "frames": stored.frame_count}


_SHOWN: Final = {
    "sop_class_uid": "SOPClassUID",
    "sop_instance_uid": "SOPInstanceUID",
    "study_instance_uid": "StudyInstanceUID",
    "series_instance_uid": "SeriesInstanceUID",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "accession_number": "AccessionNumber",
    "study_date": "StudyDate",
    "modality": "Modality",
    "series_description": "SeriesDescription",
}
