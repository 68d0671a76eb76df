"""Whether a DICOM file holds all of its elements (PS3.10 7, PS3.5 7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from passerelle.sources.content import CutOff, TooLong

if TYPE_CHECKING:
    from passerelle.sources.content import Content

_LONG: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # PS3.5 7.1.2
_IMPLICIT: Final = b"1.2.840.10008.1.2"
_BIG_ENDIAN: Final = b"1.2.840.10008.1.2.2"
_DEFLATED: Final = b"1.2.840.10008.1.2.1.99"
_UNDEFINED: Final = 0xFFFFFFFF
_DEEPEST: Final = 1024
_ITEMS: Final = 0xFFFE  # the group of items and delimiters (PS3.5 7.5)
_DELIMITERS: Final = (0xE00D, 0xE0DD)
_META: Final = 2  # the group of the file meta information, always explicit little endian
_TRANSFER_SYNTAX: Final = 0x0010


class _Header(NamedTuple):
    group: int
    element: int
    vr: bytes  # b"" where the syntax has none
    length: int
    size: int  # bytes of the header itself


def check_part10(content: Content) -> None:
    """Walk the elements, stepping over values and into what has no length of its own.

    Raises:
        CutOff: The last element, sequence or fragment is not all there.
        TooLong: It is nested or divided beyond what anyone needs.
    """
    syntax, position = _meta(content)
    if position == content.size:
        msg = "no data set"
        raise CutOff(msg)
    if syntax != _DEFLATED:
        _walk(
            content, position, ">" if syntax == _BIG_ENDIAN else "<", implicit=syntax == _IMPLICIT
        )


def _meta(content: Content) -> tuple[bytes, int]:
    """The transfer syntax, and where the data set begins."""
    syntax, position = b"", 132
    while position < content.size:
        if struct.unpack("<H", content.at(position, 2)) != (_META,):
            break
        header = _header(content, position, "<", implicit=False)
        position += header.size
        if header.element == _TRANSFER_SYNTAX:
            syntax = content.at(position, min(header.length, 64)).rstrip(b"\0 ")
        position += header.length
    return syntax, position


def _walk(content: Content, position: int, order: str, *, implicit: bool) -> None:
    outside: list[bool] = []  # for each open sequence or item: how its surroundings are coded
    while position < content.size:
        header = _header(content, position, order, implicit=implicit)
        position += header.size
        if header.group == _ITEMS and header.element in _DELIMITERS:
            implicit = outside.pop() if outside else implicit
        elif header.length != _UNDEFINED:
            position += header.length
        elif len(outside) == _DEEPEST:
            raise TooLong
        else:
            outside.append(implicit)
            implicit = implicit or header.vr == b"UN"  # PS3.5 6.2.2, note 2
    if position > content.size or outside:
        msg = "its last element is not all there"
        raise CutOff(msg)


def _header(content: Content, position: int, order: str, *, implicit: bool) -> _Header:
    head = content.at(position, 8)
    group, element, vr, short = struct.unpack(order + "HH2sH", head)
    (length,) = struct.unpack(order + "I", head[4:])
    if group == element == 0:
        msg = "zeros where the next element should be"
        raise CutOff(msg)
    if implicit or group == _ITEMS:
        return _Header(group, element, b"", length, 8)
    if not (vr.isalpha() and vr.isupper()):
        msg = "no element where the next one should be"
        raise CutOff(msg)
    if vr not in _LONG:
        return _Header(group, element, vr, short, 8)
    (length,) = struct.unpack(order + "I", content.at(position + 8, 4))
    return _Header(group, element, vr, length, 12)
