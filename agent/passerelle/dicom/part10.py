"""Writes a Part 10 file (PS3.10 7) whose frames pass through one at a time."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import UID

import passerelle
from passerelle.dicom.coding import IMPLICIT
from passerelle.errors import EncodingError, SpoolFull
from passerelle.model import derived_uid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset

PIXEL_DATA: Final = 0x7FE00010
IMPLEMENTATION_CLASS_UID: Final = derived_uid("passerelle", "implementation")
IMPLEMENTATION_VERSION_NAME: Final = f"PASSERELLE_{passerelle.__version__}"[:16]

BLOCK: Final = 1 << 20  #: bytes copied at a time
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_LARGEST: Final = 0xFFFFFFFE  # of a value with a defined length (PS3.5 7.1.1)
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = b"\xfe\xff\x00\xe0"
_END_OF_SEQUENCE: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"
_ITEM_HEADER: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A Part 10 file that is complete, but not yet durable."""

    file: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A long value as it is: pixel data that are not encoded, or a document."""

    blocks: Iterable[bytes]
    size: int  #: bytes of all blocks together
    vr: str
    tag: int = PIXEL_DATA
    is_delimited: bool = False  #: fragments already, with the delimiter that ends them


@dataclass(frozen=True, slots=True, kw_only=True)
class Encapsulated:
    """Frames that are encoded, each becoming one fragment (PS3.5 A.4)."""

    frames: Iterable[bytes]
    count: int
    largest: int  #: bytes that one encoded frame may take at most
    together: int | None = None  #: bytes of all frames, where that is known
    offset_limit: int = _UNDEFINED  #: above it a Basic Offset Table cannot point
    tag: int = PIXEL_DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """All frames encoded as one stream, behind an empty offset table (PS3.5 A.4)."""

    blocks: Iterable[bytes]
    size: int  #: bytes of all blocks together
    fragment: int = _LARGEST  #: bytes of each fragment but the last; even
    tag: int = PIXEL_DATA


Bulk = Native | Encapsulated | Stream


def write(file: Path, dataset: Dataset, syntax: str, bulk: Bulk | None) -> Written:
    """Write `dataset` and one long value; what is not finished is removed.

    Raises:
        EncodingError: The value is too long, or not what was announced.
        SpoolFull: The disk is full.
    """
    with created(file) as output:
        if bulk is None:
            output.write(header(dataset, syntax))
            return output.finished()
        output.write(header(dataset[: bulk.tag], syntax))
        if isinstance(bulk, Native):
            _write_native(output, bulk, is_implicit=syntax == IMPLICIT)
        elif isinstance(bulk, Stream):
            _write_stream(output, bulk)
        else:
            _write_encapsulated(output, bulk)
        output.write(_encoded(dataset[bulk.tag + 1 :], syntax))
        return output.finished()


@contextmanager
def created(file: Path) -> Iterator[Output]:
    """A new file; when the block fails, none.

    Raises:
        SpoolFull: The disk is full.
    """
    try:
        with file.open("w+b") as opened:
            yield Output(file, opened)
    except BaseException as error:
        file.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            msg = "worker: no room for a new object"
            raise SpoolFull(msg) from error
        raise


def header(dataset: Dataset, syntax: str) -> bytes:
    """The preamble, the file meta information (PS3.10 7.1) and these elements."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    dataset.file_meta = meta
    dataset.preamble = b"\0" * 128
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _encoded(dataset: Dataset, syntax: str) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = syntax == IMPLICIT
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def _write_native(output: Output, bulk: Native, *, is_implicit: bool) -> None:
    length = bulk.size + bulk.size % 2
    if bulk.is_delimited:
        length = _UNDEFINED
    elif length > _LARGEST:
        msg = f"pixel data: {bulk.size} bytes are more than an element can hold unencoded"
        raise EncodingError(msg)
    output.write(_element(bulk.tag, "" if is_implicit else bulk.vr, length))
    written = 0
    for block in bulk.blocks:
        output.write(block)
        written += len(block)
    if written != bulk.size:
        msg = "pixel data: they are not as long as their file announced"
        raise EncodingError(msg)
    output.write(b"\0" * (bulk.size % 2))


def _write_encapsulated(output: Output, bulk: Encapsulated) -> None:
    """Write fragments behind an offset table, whose place is kept and filled in at the end.

    The table is the Basic one; where that could not point so far it stays empty and the Extended
    Offset Table (PS3.3 C.7.6.3.1.8) takes its place.
    """
    all_frames = bulk.count * bulk.largest if bulk.together is None else bulk.together
    worst = bulk.count * (_ITEM_HEADER + 1) + all_frames
    extended = bulk.count > 1 and worst > bulk.offset_limit
    at = output.size
    tables = _extended_tables([0] * bulk.count, [0] * bulk.count) if extended else b""
    output.write(tables + _element(PIXEL_DATA, "OB", _UNDEFINED))
    basic = output.size
    output.write(_item(b"" if extended else b"\0" * 4 * bulk.count))
    offsets, lengths = _write_fragments(output, bulk.frames)
    output.write(_END_OF_SEQUENCE)
    if len(offsets) != bulk.count:
        msg = (
            f"pixel data: {len(offsets)} frames came of the {bulk.count} that their file announced"
        )
        raise EncodingError(msg)
    if extended:
        output.patch(at, _extended_tables(offsets, lengths))
    elif bulk.count > 1:
        output.patch(basic, _item(struct.pack(f"<{bulk.count}I", *offsets)))


def _write_stream(output: Output, bulk: Stream) -> None:
    output.write(_element(bulk.tag, "OB", _UNDEFINED) + _item(b""))
    left, room = bulk.size, 0
    for block in bulk.blocks:
        rest = memoryview(block)
        while rest:
            if not room:
                room = min(left, bulk.fragment)
                output.write(_ITEM + struct.pack("<I", room + room % 2))
            if not room:
                break
            room -= len(part := rest[:room])
            left -= output.write(part)
            rest = rest[len(part) :]
        if rest:
            left = -1
            break
    if left:
        msg = "pixel data: they are not as long as their file announced"
        raise EncodingError(msg)
    output.write(b"\0" * (bulk.size % 2) + _END_OF_SEQUENCE)


def _write_fragments(output: Output, frames: Iterable[bytes]) -> tuple[list[int], list[int]]:
    first = output.size
    offsets, lengths = [], []
    for frame in frames:
        if len(frame) > _LARGEST:
            msg = "pixel data: an encoded frame is more than a DICOM fragment can hold"
            raise EncodingError(msg)
        offsets.append(output.size - first)
        lengths.append(len(frame))
        output.write(_ITEM + struct.pack("<I", len(frame) + len(frame) % 2))
        output.write(frame)
        output.write(b"\0" * (len(frame) % 2))
    return offsets, lengths


def _extended_tables(offsets: list[int], lengths: list[int]) -> bytes:
    format_ = f"<{len(offsets)}Q"
    return b"".join(
        _element(tag, "OV", 8 * len(values)) + struct.pack(format_, *values)
        for tag, values in ((0x7FE00001, offsets), (0x7FE00002, lengths))
    )


def _item(value: bytes) -> bytes:
    return _ITEM + struct.pack("<I", len(value)) + value


def _element(tag: int, vr: str, length: int) -> bytes:
    """The header of an element with a long length (PS3.5 7.1.2, 7.1.3)."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    return head + (vr.encode("ascii") + b"\0\0" if vr else b"") + struct.pack("<I", length)


class Output:
    """A file being written, hashed on the way as long as nothing is changed behind."""

    def __init__(self, path: Path, file: io.BufferedRandom) -> None:
        """Write to `file`, which lies at `path`."""
        self.size = 0
        self._path = path
        self._file = file
        self._digest = hashlib.sha256()
        self._is_patched = False

    def write(self, block: bytes | memoryview) -> int:
        """Append."""
        self._file.write(block)
        self._digest.update(block)
        self.size += len(block)
        return len(block)

    def patch(self, position: int, block: bytes) -> None:
        """Overwrite what was written before."""
        self._file.seek(position)
        self._file.write(block)
        self._file.seek(0, os.SEEK_END)
        self._is_patched = True

    def finished(self) -> Written:
        """Everything is written."""
        self._file.flush()
        if self._is_patched:
            self._file.seek(0)
            self._digest = hashlib.file_digest(self._file, "sha256")
        return Written(file=self._path, sha256=self._digest.hexdigest(), size=self.size)
