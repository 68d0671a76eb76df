"""The boxes that MP4 files are made of (ISO/IEC 14496-12 4.2)."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTAINERS: Final = frozenset({b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl"})
_LARGEST_TABLE: Final = 64 << 20  # bytes: of a day's frames
_HEADER: Final = 8
_LONG_HEADER: Final = 16
_LONG, _TO_THE_END = 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box, where it lies, and what lies in it."""

    kind: bytes
    start: int
    content: int  #: where its content starts
    end: int
    boxes: tuple[Box, ...] = ()

    def all(self, *path: bytes) -> list[Box]:
        """The boxes that this path leads to."""
        found = [self]
        for kind in path:
            found = [box for outer in found for box in outer.boxes if box.kind == kind]
        return found

    def one(self, *path: bytes) -> Box:
        """The only box that this path leads to.

        Raises:
            EncodingError: There is none, or there are several.
        """
        found = self.all(*path)
        if len(found) != 1:
            name = path[-1].decode("latin-1")
            msg = f"MP4: damaged ({len(found)} boxes {name} where one must be)"
            raise EncodingError(msg)
        return found[0]

    def each(self) -> Iterator[Box]:
        """Every box in it, however deep."""
        for box in self.boxes:
            yield box
            yield from box.each()


def parse(file: IO[bytes]) -> Box:
    """All boxes of the file, in one that stands for the file.

    Raises:
        EncodingError: A box reaches beyond what it lies in: the file is damaged or cut off.
    """
    end = os.fstat(file.fileno()).st_size
    boxes = tuple(_boxes(file, 0, end))
    return Box(kind=b"", start=0, content=0, end=end, boxes=boxes)


def _boxes(file: IO[bytes], position: int, end: int) -> Iterator[Box]:
    while position < end:
        file.seek(position)
        head = file.read(_LONG_HEADER)
        if end - position < _HEADER or len(head) < _HEADER:
            raise _cut_off()
        size, kind = struct.unpack(">I4s", head[:_HEADER])
        content = position + _HEADER
        if size == _LONG and len(head) == _LONG_HEADER:
            (size,) = struct.unpack(">Q", head[_HEADER:])
            content = position + _LONG_HEADER
        elif size == _TO_THE_END:
            size = end - position
        if position + size > end or position + size < content or not any(kind):
            raise _cut_off()
        inner = tuple(_boxes(file, content, position + size)) if kind in _CONTAINERS else ()
        box = Box(kind=kind, start=position, content=content, end=position + size, boxes=inner)
        yield box
        position = box.end


def _cut_off() -> EncodingError:
    return EncodingError("MP4: damaged or cut off (a box reaches beyond the file)")


def content(file: IO[bytes], box: Box) -> bytes:
    """What is in a box that is small.

    Raises:
        EncodingError: It is larger than any such box is.
    """
    if box.end - box.content > _LARGEST_TABLE:
        msg = f"MP4: damaged (a box {box.kind.decode('latin-1')} of {box.end - box.content} bytes)"
        raise EncodingError(msg)
    file.seek(box.content)
    return file.read(box.end - box.content)


def unpack(layout: str, data: bytes, offset: int = 0) -> tuple[Any, ...]:
    """Numbers of a box, big endian.

    Raises:
        EncodingError: It is too short for them.
    """
    try:
        return struct.unpack_from(f">{layout}", data, offset)
    except struct.error:
        msg = "MP4: damaged (a box is too short)"
        raise EncodingError(msg) from None
