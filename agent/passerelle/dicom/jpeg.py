"""The structure of a JPEG stream, followed marker by marker (ISO/IEC 10918-1 annex B)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from passerelle.dicom.huffman import STANDARD_TABLES
from passerelle.errors import EncodingError

_SOI: Final = b"\xff\xd8"
_SOS: Final = 0xDA
_EOI: Final = 0xD9
_DRI: Final = 0xDD
_DHT: Final = 0xC4
_APP0: Final = 0xE0
_APP1: Final = 0xE1
_APP2: Final = 0xE2
_APP14: Final = 0xEE
_TELLING: Final = frozenset({*range(0xE0, 0xF0), 0xFE})  # APPn and COM
_DHP: Final = 0xDE
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC between
_LOSSLESS: Final = frozenset({0xC3, 0xCB})
_BASELINE: Final = 0xC0
_SEQUENTIAL: Final = (0xC0, 0xC1)
_ALONE: Final = (0x01, 0xD8)  # TEM and a second SOI have no length
# Not \xff+: only for a pattern that starts with one byte does re search as fast as memchr.
_MARKER: Final = re.compile(rb"\xff\xff*([^\x00\xff\xd0-\xd7])", re.DOTALL)
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")
_EXIF: Final = b"Exif\0\0"
_YCBCR: Final = "YBR_FULL_422"
_ADOBE: Final = {0: "RGB", 1: _YCBCR}
_FACTORS: Final = range(1, 5)  # B.2.2
_PRECISIONS: Final = range(2, 17)  # B.2.2, lossless included


class Incomplete(EncodingError):
    """The data end before the picture does."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a frame (B.2.2)."""

    id: int
    horizontal: int  #: sampling factors
    vertical: int


@dataclass(slots=True, kw_only=True)
class Stream:
    """What the markers of a JPEG stream say."""

    process: int = 0  #: the frame's marker: 0xC0 is baseline
    precision: int = 0
    rows: int = 0
    columns: int = 0
    components: tuple[Component, ...] = ()
    has_jfif: bool = False
    adobe_transform: int | None = None
    exif: bytes = b""  #: the TIFF structure inside APP1
    restart_interval: int = 0
    scans: int = 0
    first_scan: int = 0  #: where the marker of the first scan is
    has_huffman: bool = False  #: brings Huffman tables of its own
    is_regular: bool = True  #: nothing lies between the segments
    dropped: list[tuple[int, int]] = field(default_factory=list)  #: of segments about the picture
    end: int = 0  #: just after EOI

    @property
    def is_lossless(self) -> bool:
        """Nothing of the picture was lost in compression."""
        return self.process in _LOSSLESS

    @property
    def lacks_tables(self) -> bool:
        """It relies on its decoder to know the tables of annex K.3, as cameras' "MJPG" does."""
        return self.process in _SEQUENTIAL and not self.has_huffman

    @property
    def photometric(self) -> str | None:
        """The Photometric Interpretation of the stream as it is; None when it cannot stay so.

        Only a regular stream of JPEG Baseline (Process 1) can (PS3.5 A.4.1).
        PS3.5 table 8.2.1-1 allows YBR_FULL_422 and RGB for three components of JPEG Baseline
        and no YBR_FULL, and PS3.3 C.7.6.3.1.2 says that the subsampling inside the stream may
        differ from what YBR_FULL_422 describes, so 4:4:4 and 4:2:0 are called so as well.
        """
        if (self.process, self.precision, self.is_regular) != (_BASELINE, 8, True):
            return None
        match self.sampling:
            case (_,):
                return "MONOCHROME2"
            case ((1 | 2, 1 | 2) as first, (1, 1), (1, 1)):
                space = self._colour_space
                return space if space != "RGB" or first == (1, 1) else None
            case _:
                return None

    @property
    def sampling(self) -> tuple[tuple[int, int], ...]:
        """The sampling factors, across and down, of each component."""
        return tuple((component.horizontal, component.vertical) for component in self.components)

    @property
    def _colour_space(self) -> str | None:
        """Of three components; None when JFIF and Adobe's segment contradict each other."""
        adobe = _ADOBE.get(self.adobe_transform) if self.adobe_transform is not None else None
        if self.adobe_transform is None and not self.has_jfif:
            letters = bytes(component.id for component in self.components)
            return "RGB" if letters == b"RGB" else _YCBCR
        if self.has_jfif and self.adobe_transform is not None:
            return adobe if adobe == _YCBCR else None
        return _YCBCR if self.has_jfif else adobe


def parse(data: bytes) -> Stream:
    """Follow the stream from its start to its end.

    Raises:
        Incomplete: It ends before the picture does.
        EncodingError: It is no JPEG that can be followed.
    """
    if not data.startswith(_SOI):
        msg = "JPEG: does not start like one (no SOI)"
        raise EncodingError(msg)
    stream = Stream()
    position = len(_SOI)
    while not stream.end:
        found = _MARKER.search(data, position)
        if found is None:
            msg = "JPEG: the data end before the picture does (no EOI)"
            raise Incomplete(msg)
        if found.start() != position:
            stream.is_regular = False
        position = _follow(stream, data, found)
    if not stream.scans:
        msg = "JPEG: holds no picture (no scan before EOI)"
        raise EncodingError(msg)
    return stream


def without_metadata(data: bytes, stream: Stream) -> bytes:
    """The stream without segments that tell about the picture, and without what follows it.

    Only JFIF, ICC profile and Adobe's colour transform stay of the APPn segments, as decoders
    need them; EXIF, XMP, IPTC, comments and makers' own segments may name persons and places.
    Every other byte is the device's. Where it left out the Huffman tables, the standard ones are
    put in before the scan: not every decoder knows them by heart.
    """
    kept = []
    position = 0
    replaced = [(start, end, b"") for start, end in stream.dropped]
    if stream.lacks_tables:
        replaced.append((stream.first_scan, stream.first_scan, STANDARD_TABLES))
    for start, end, by in sorted(replaced):
        kept += [data[position:start], by]
        position = end
    return b"".join((*kept, data[position : stream.end]))


def _follow(stream: Stream, data: bytes, found: re.Match[bytes]) -> int:
    """Take in one segment; where the next marker should be."""
    marker, position = found[1][0], found.end()
    if marker == _EOI:
        stream.end = position
        return position
    if marker in _ALONE:
        stream.is_regular = False
        return position
    segment, end = _segment(data, position)
    if marker in _FRAMES:
        _frame(stream, marker, segment)
    elif marker == _SOS:
        stream.first_scan = stream.first_scan or found.start()
        return _scan(stream, data, segment, end)
    elif marker == _DRI:
        (stream.restart_interval,) = _unpack(">H", segment)
    elif marker == _DHT:
        stream.has_huffman = True
    elif marker == _DHP:
        msg = "JPEG: hierarchical JPEG is not taken; export baseline JPEG"
        raise EncodingError(msg)
    elif not _tell(stream, marker, segment):
        stream.dropped.append((found.start(), end))
    return end


def _segment(data: bytes, position: int) -> tuple[bytes, int]:
    length = int.from_bytes(data[position : position + 2], "big")
    end = position + length
    if length < 2 or end > len(data):  # noqa: PLR2004 - the length counts itself
        msg = "JPEG: the data end before the picture does (a segment is cut off)"
        raise Incomplete(msg)
    return data[position + 2 : end], end


def _unpack(layout: str, segment: bytes) -> tuple[int, ...]:
    if len(segment) < struct.calcsize(layout):
        msg = "JPEG: damaged (a segment is too short)"
        raise EncodingError(msg)
    return struct.unpack_from(layout, segment)


def _frame(stream: Stream, marker: int, segment: bytes) -> None:
    precision, rows, columns, count = _unpack(">BHHB", segment)
    if stream.components or not rows or not columns or not count:
        msg = "JPEG: damaged (its header does not say one size)"
        raise EncodingError(msg)
    _unpack(f">6x{3 * count}B", segment)
    stream.process, stream.precision = marker, precision
    stream.rows, stream.columns = rows, columns
    stream.components = tuple(
        Component(segment[at], segment[at + 1] >> 4, segment[at + 1] & 0xF)
        for at in range(6, 6 + 3 * count, 3)
    )
    factors = [factor for pair in stream.sampling for factor in pair]
    if precision not in _PRECISIONS or any(factor not in _FACTORS for factor in factors):
        msg = "JPEG: damaged (an impossible precision or sampling)"
        raise EncodingError(msg)


def _scan(stream: Stream, data: bytes, header: bytes, start: int) -> int:
    if not stream.components:
        msg = "JPEG: damaged (a scan before the frame's header)"
        raise EncodingError(msg)
    (count,) = _unpack(">B", header)
    found = _MARKER.search(data, start)
    end = found.start() if found else len(data)
    stream.scans += 1
    if (
        stream.restart_interval
        and stream.process in _SEQUENTIAL
        and count == len(stream.components)
    ):
        _check_restarts(stream, data, start, end)
    return end


def _check_restarts(stream: Stream, data: bytes, start: int, end: int) -> None:
    """A decoder fills missing intervals with grey and says nothing; here they are missed."""
    factors = stream.sampling if len(stream.components) > 1 else ((1, 1),)  # A.2.2
    width = 8 * max(across for across, _ in factors)
    height = 8 * max(down for _, down in factors)
    units = -(-stream.columns // width) * -(-stream.rows // height)
    intervals = -(-units // stream.restart_interval)
    present = sum(1 for _ in _RESTART.finditer(data, start, end)) + 1
    if present < intervals:
        msg = f"JPEG: incomplete: {intervals - present} of {intervals} intervals are missing"
        raise Incomplete(msg)


def _tell(stream: Stream, marker: int, segment: bytes) -> bool:
    """Note what a segment says; whether a decoder needs it."""
    if marker == _APP0:
        stream.has_jfif |= segment.startswith(b"JFIF\0")
    elif marker == _APP14 and segment.startswith(b"Adobe"):
        (stream.adobe_transform,) = _unpack(">11xB", segment)
    elif marker == _APP1 and segment.startswith(_EXIF) and not stream.exif:
        stream.exif = segment[len(_EXIF) :]
        return False
    elif marker == _APP2:
        return segment.startswith(b"ICC_PROFILE\0")
    else:
        return marker not in _TELLING
    return True
