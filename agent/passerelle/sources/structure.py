"""Whether a file is whole, as far as its structure tells without decoding it.

Each format is followed from its start, segment by segment, so that an embedded thumbnail, a
trailer of the device's own or space reserved in advance cannot pass for the end.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from passerelle.sources.content import Content, CutOff, TooLong
from passerelle.sources.part10 import check_part10
from passerelle.sources.tiff import check_tiff

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

_BLOCK: Final = 1 << 16
_SEGMENTS: Final = 10_000


def complaint(path: Path, raw_suffixes: Collection[str] = ()) -> str:
    """Why the file cannot be whole yet, for people; "" when nothing speaks against it.

    A file whose suffix is one of `raw_suffixes`, or whose kind is unknown, is whole unless empty.

    Raises:
        OSError: It cannot be opened or read.
    """
    with Content(path) as content:
        if content.size == 0:
            return "empty: the file has no content"
        if path.suffix.casefold() in {suffix.casefold() for suffix in raw_suffixes}:
            return ""
        kind, check = _kind(content.head(132), path.suffix.casefold())
        try:
            check(content)
        except CutOff as fault:
            return f"{kind}: {fault}: the file is cut off or still being written"
        except TooLong:
            return ""  # whoever decodes it will tell
        return ""


def _kind(head: bytes, suffix: str) -> tuple[str, Callable[[Content], None]]:
    # First: a preamble may hold the start of a TIFF, so that both kinds of reader can open it.
    if head[128:132] == b"DICM":
        return "DICOM", check_part10
    if head[4:8] == b"ftyp":  # ISO/IEC 14496-12 4.3
        return "MP4", _mp4
    if suffix in _CLIPS and head.startswith(b"\xff\xd8"):
        return "MJPEG", _mjpeg
    for kind, (magics, check) in _KINDS.items():
        if head.startswith(magics):
            return kind, check
    return "", _anything


def _anything(content: Content) -> None:
    """Nothing is known of it."""


def _png(content: Content) -> None:
    position = 8
    while True:
        if position == content.size:
            msg = "no IEND chunk"
            raise CutOff(msg)
        length, kind = struct.unpack(">I4s", content.at(position, 8))
        if not kind.isalpha():
            msg = "no chunk where the next one should be"
            raise CutOff(msg)
        position += 12 + length
        if position > content.size:
            msg = "a chunk ends beyond the file"
            raise CutOff(msg)
        if kind == b"IEND":
            return


# FF 00 is a byte of the picture; TEM, RSTn and SOI have no length (ISO/IEC 10918-1 B.1.1.3).
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_END_OF_IMAGE: Final = 0xD9


def _jpeg(content: Content) -> None:
    position = 2
    for _ in range(_SEGMENTS):
        marker, position = _next_marker(content, position)
        if marker == _END_OF_IMAGE:
            return
        (length,) = struct.unpack(">H", content.at(position, 2))
        position += max(length, 2)
    raise TooLong


def _next_marker(content: Content, position: int) -> tuple[int, int]:
    while position + 1 < content.size:
        block = content.at(position, min(_BLOCK, content.size - position))
        found = _MARKER.search(block)
        if found:
            return found[1][0], position + found.end()
        position += len(block) - 1  # a marker may lie across two blocks
    msg = "no end of image"
    raise CutOff(msg)


_CLIPS: Final = frozenset({".mjpeg", ".mjpg", ".mjp"})
_PADDING: Final = 1 << 16


def _mjpeg(content: Content) -> None:
    """See that the last of many JPEGs is whole; following all would read gigabytes."""
    if not content.tail(_PADDING).rstrip(b"\0").endswith(b"\xff\xd9"):
        msg = "no end of the last frame"
        raise CutOff(msg)


def _mp4(content: Content) -> None:
    """Follow the boxes to the end; the table of contents must be there (ISO/IEC 14496-12)."""
    position, kinds = 0, set()
    while position < content.size:
        size, kind = struct.unpack(">I4s", content.at(position, 8))
        if size == 1:
            (size,) = struct.unpack(">Q", content.at(position + 8, 8))
        elif size == 0:  # to the end of the file
            size = content.size - position
        if size < 8 or not any(kind):  # noqa: PLR2004 - size and kind themselves
            msg = "no box where the next one should be"
            raise CutOff(msg)
        kinds.add(kind)
        position += size
    if position > content.size:
        msg = "a box ends beyond the file"
        raise CutOff(msg)
    if not kinds & {b"moov", b"meta"}:  # of a film, of a picture
        msg = "no table of contents (moov)"
        raise CutOff(msg)


_GIF_TRAILER: Final = 0x3B
_GIF_IMAGE: Final = 0x2C
_GIF_EXTENSION: Final = 0x21


def _gif(content: Content) -> None:
    position = 13 + _colour_table(content.at(10, 1)[0])
    while True:
        introducer = content.at(position, 1)[0]
        if introducer == _GIF_TRAILER:
            return
        if introducer == _GIF_IMAGE:
            position += 11 + _colour_table(content.at(position + 9, 1)[0])
        elif introducer == _GIF_EXTENSION:
            position += 2
        else:
            msg = "no block where the next one should be"
            raise CutOff(msg)
        while length := content.at(position, 1)[0]:
            position += 1 + length
        position += 1


def _colour_table(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


_CORE_HEADER: Final = 12
_UNCOMPRESSED: Final = (0, 3)  # BI_RGB and BI_BITFIELDS: the size follows from the header


def _bmp(content: Content) -> None:
    stated, pixels, header = struct.unpack("<2xI4xII", content.at(0, 18))
    if header == _CORE_HEADER:
        width, height, bits = struct.unpack("<HH2xH", content.at(18, 8))
        compression = 0
    else:
        width, height, bits, compression = struct.unpack("<ii2xHI", content.at(18, 16))
    if compression in _UNCOMPRESSED:  # some devices state a wrong size, or none
        stated = pixels + (width * bits + 31) // 32 * 4 * abs(height)
    if stated > content.size:
        msg = "fewer pixels than the header says"
        raise CutOff(msg)


_PDF_TAIL: Final = 2048


def _pdf(content: Content) -> None:
    if b"%%EOF" not in content.tail(_PDF_TAIL):
        msg = "no %%EOF at the end"
        raise CutOff(msg)


_KINDS: Final[dict[str, tuple[bytes | tuple[bytes, ...], Callable[[Content], None]]]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n", _png),
    "JPEG": (b"\xff\xd8\xff", _jpeg),
    "GIF": ((b"GIF87a", b"GIF89a"), _gif),
    "BMP": (b"BM", _bmp),
    "TIFF": ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), check_tiff),
    "PDF": (b"%PDF-", _pdf),
}
