"""Whether a TIFF or BigTIFF holds everything that its directories point to (TIFF 6.0, 2)."""

from __future__ import annotations

import operator
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from passerelle.sources.content import CutOff, TooLong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle.sources.content import Content

#: Bytes of a value, by field type; 13 is a directory, 16 to 18 are BigTIFF's.
_WIDTHS: Final = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), start=1)) | {
    16: 8,
    17: 8,
    18: 8,
}
_UNSIGNED: Final = {3: "H", 4: "I", 16: "Q"}
_PIECES: Final = ((273, 279), (324, 325))  # offsets and byte counts of strips, of tiles
_BIG_VERSION: Final = 43
_DIRECTORIES: Final = 65_536
_ENTRIES: Final = 65_535
_BLOCK: Final = 4096


@dataclass(frozen=True, slots=True)
class _Layout:
    order: str
    offset: str  # struct code of an offset
    count: str  # struct code of the number of entries

    def number(self, content: Content, position: int, code: str) -> int:
        found: int = struct.unpack(
            self.order + code, content.at(position, struct.calcsize("=" + code))
        )[0]
        return found


_CLASSIC: Final = ("I", "H")
_BIG: Final = ("Q", "Q")


class _Entry(NamedTuple):
    kind: int
    length: int  # in values
    position: int


def check_tiff(content: Content) -> None:
    """Follow every directory and every strip or tile it names.

    Raises:
        CutOff: One of them lies beyond the end of the file.
        TooLong: There are more than anyone needs.
    """
    head = content.at(0, 4)
    big = _BIG_VERSION in head
    layout = _Layout("<" if head[:2] == b"II" else ">", *(_BIG if big else _CLASSIC))
    start = layout.number(content, 8 if big else 4, layout.offset)
    if start == 0:
        msg = "no directory yet"
        raise CutOff(msg)
    for position in _directories(content, layout, start):
        entries = _entries(content, layout, position)
        for offsets, counts in _PIECES:
            if offsets in entries:
                _check_pieces(content, layout, entries[offsets], entries.get(counts))


def _directories(content: Content, layout: _Layout, position: int) -> Iterator[int]:
    seen: set[int] = set()
    entry_size = 4 + 2 * struct.calcsize("=" + layout.offset)
    while position:
        if position in seen or len(seen) >= _DIRECTORIES:
            raise TooLong
        seen.add(position)
        yield position
        count = layout.number(content, position, layout.count)
        after = position + struct.calcsize("=" + layout.count) + count * entry_size
        position = layout.number(content, after, layout.offset)


def _entries(content: Content, layout: _Layout, position: int) -> dict[int, _Entry]:
    form = struct.Struct(f"{layout.order}HH{layout.offset}{layout.offset}")
    inline = struct.calcsize("=" + layout.offset)
    count = layout.number(content, position, layout.count)
    if count > _ENTRIES:
        raise TooLong
    position += struct.calcsize("=" + layout.count)
    table = content.at(position, count * form.size)
    found = {}
    for number, (tag, kind, length, value) in enumerate(form.iter_unpack(table)):
        size = _WIDTHS.get(kind, 0) * length
        place = value if size > inline else position + (number + 1) * form.size - inline
        if size > inline and place + size > content.size:
            msg = "a directory's values lie beyond the end"
            raise CutOff(msg)
        found[tag] = _Entry(kind, length, place)
    return found


def _check_pieces(
    content: Content, layout: _Layout, offsets: _Entry, counts: _Entry | None
) -> None:
    lengths = _blocks(content, layout, counts) if counts else iter(())
    for starts in _blocks(content, layout, offsets):
        ends = map(operator.add, starts, next(lengths, (1,) * len(starts)))
        if max(ends) > content.size:
            msg = "a part of the picture lies beyond the end"
            raise CutOff(msg)


def _blocks(content: Content, layout: _Layout, entry: _Entry) -> Iterator[tuple[int, ...]]:
    code = _UNSIGNED.get(entry.kind)
    if code is None:
        return
    width = _WIDTHS[entry.kind]
    for first in range(0, entry.length, _BLOCK):
        count = min(_BLOCK, entry.length - first)
        data = content.at(entry.position + first * width, count * width)
        yield struct.unpack(f"{layout.order}{count}{code}", data)
