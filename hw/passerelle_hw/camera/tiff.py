"""TIFF 6.0 of uncompressed pages, one a frame, written as they come."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Final, Literal

from passerelle_hw.camera.folder import write_all

#: An offset has 32 bits; the last directory must fit below.
LIMIT_BYTES: Final = (1 << 32) - (1 << 16)
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_HEADER: Final = struct.pack("<2sHI", b"II", 42, 0)
_FIRST_POINTER: Final = 4

Mode = Literal["L", "I;16", "RGB"]  #: as Pillow spells it


@dataclass(frozen=True, slots=True)
class Samples:
    """How the bytes of a page are laid out: grey of 8 or 16 bits, or RGB of 8; no padding."""

    columns: int
    rows: int
    mode: Mode

    @property
    def bytes(self) -> int:
        """Of a page."""
        each = {"L": 1, "I;16": 2, "RGB": 3}[self.mode]
        return self.columns * self.rows * each


class Pages:
    """Adds pages to a file, which is whole after each of them."""

    def __init__(self, file: IO[bytes]) -> None:
        self.offsets: list[int] = []  #: where each page's samples begin
        self.end = len(_HEADER)  #: where the last whole page ends
        self._file = file
        self._pointer = _FIRST_POINTER
        write_all(file, _HEADER)

    def has_room_for(self, samples: Samples) -> bool:
        """Whether another page fits below what 32 bits can address."""
        return self.end + samples.bytes <= LIMIT_BYTES

    def add(self, data: bytes, samples: Samples) -> None:
        """Write one page, and have the page before point to it.

        Raises:
            OSError: The disk has no room or is gone.
            ValueError: There are not as many bytes as the page has.
        """
        if len(data) != samples.bytes:
            msg = f"{len(data)} bytes are not a page of {samples.bytes}"
            raise ValueError(msg)
        start = self.end
        self._file.seek(start)  # a page before may have found no room
        directory_at = start + len(data) + len(data) % 2
        directory = _directory(samples, start, directory_at)
        write_all(self._file, data)
        write_all(self._file, bytes(len(data) % 2) + directory)
        self._file.seek(self._pointer)
        write_all(self._file, struct.pack("<I", directory_at))
        self.end = directory_at + len(directory)
        self._pointer = directory_at + _pointer_in(directory)
        self.offsets.append(start)


def _directory(samples: Samples, data_at: int, directory_at: int) -> bytes:
    """The image file directory of a page, and the values that do not fit into it (section 2)."""
    is_rgb = samples.mode == "RGB"
    bits = 16 if samples.mode == "I;16" else 8
    count = 13
    beyond_at = directory_at + 2 + 12 * count + 4
    depth = (3, beyond_at) if is_rgb else (1, bits)
    entries = (
        (256, _LONG, 1, samples.columns),
        (257, _LONG, 1, samples.rows),
        (258, _SHORT, *depth),
        (259, _SHORT, 1, 1),  # not compressed
        (262, _SHORT, 1, 2 if is_rgb else 1),  # RGB, or black is zero
        (273, _LONG, 1, data_at),
        (277, _SHORT, 1, 3 if is_rgb else 1),
        (278, _LONG, 1, samples.rows),
        (279, _LONG, 1, samples.bytes),
        (282, _RATIONAL, 1, beyond_at + 8),
        (283, _RATIONAL, 1, beyond_at + 8),
        (284, _SHORT, 1, 1),
        (296, _SHORT, 1, 1),  # no unit of resolution
    )
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    beyond = struct.pack("<4H", 8, 8, 8, 0) + struct.pack("<2I", 1, 1)
    return struct.pack("<H", count) + table + bytes(4) + beyond


def _pointer_in(directory: bytes) -> int:
    (count,) = struct.unpack_from("<H", directory)
    return int(2 + 12 * count)
