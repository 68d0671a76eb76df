"""PNG, GIF and BMP, still or animated."""

from __future__ import annotations

import os
import zlib
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from passerelle.dicom.decoding import (
    check_size,
    decoded,
    is_grey,
    is_transparent,
    opened,
    samples,
    upright,
)
from passerelle.dicom.media import open_media
from passerelle.dicom.metadata import Exif, icc_profile
from passerelle.dicom.picture import Picture
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image


_ON_BLACK: Final = "transparent parts are shown on black"
_HASTE_MS: Final = 100.0  # how viewers show a frame that says no time of its own


def read_still(media: Path, kind: str) -> list[Picture]:
    """The picture of a PNG, GIF or BMP; an animated one becomes several frames.

    Raises:
        EncodingError: It is damaged, cut off, too large, or deeper than DICOM can hold.
        Changed: The file cannot be read.
    """
    with open_media(media) as file:
        size = os.fstat(file.fileno()).st_size
        if kind == "PNG":
            check_png(file)
        elif kind == "GIF":
            check_gif(file)
        file.seek(0)
        with opened(file, kind) as image:
            check_size(kind, image.height, image.width, size=size)
            count = int(getattr(image, "n_frames", 1))
            check_size(kind, image.height, image.width, frames=count, size=size)
            # The image of an APNG for those who cannot show it moving is no frame of it.
            first = int(bool(getattr(image, "default_image", False)) and count > 1)
            if count - first > 1:
                return [_moving(media, image, kind, range(first, count))]
            return [_still(image, kind)]


def _still(image: Image, kind: str) -> Picture:
    image.load()
    exif = Exif(image.getexif())
    colour = not is_grey(image)
    frame = samples(upright(image, exif.orientation), colour=colour)
    profile, complaint = icc_profile(image.info.get("icc_profile"), samples=3 if colour else 1)
    return Picture(
        format=kind,
        rows=frame.shape[0],
        columns=frame.shape[1],
        samples=3 if colour else 1,
        bits_allocated=frame.dtype.itemsize * 8,
        bits_stored=frame.dtype.itemsize * 8,
        photometric="RGB" if colour else "MONOCHROME2",
        frames=lambda: iter((frame,)),
        attributes=exif.attributes(),
        icc_profile=profile,
        notes=tuple(filter(None, (complaint, _ON_BLACK if is_transparent(image) else ""))),
    )


def _moving(media: Path, image: Image, kind: str, numbers: range) -> Picture:
    rows, columns = image.height, image.width
    colour = transparent = False
    times = []
    for number in numbers:
        image.seek(number)
        image.load()
        if image.size != (columns, rows):
            msg = f"{kind}: its frames differ in size"
            raise EncodingError(msg)
        transparent = transparent or is_transparent(image)
        colour = colour or not _shows_grey(image)
        times.append(float(image.info.get("duration") or 0))
    hasty = not all(times)
    notes = (_ON_BLACK if transparent else "", "frames without a time last 100 ms" if hasty else "")
    return Picture(
        format=kind,
        rows=rows,
        columns=columns,
        samples=3 if colour else 1,
        bits_allocated=8,
        bits_stored=8,
        photometric="RGB" if colour else "MONOCHROME2",
        frames=lambda: decoded(media, kind, numbers, partial(samples, colour=colour)),
        frame_count=len(numbers),
        frame_times_ms=tuple(time or _HASTE_MS for time in times),
        notes=tuple(filter(None, notes)),
    )


def _shows_grey(image: Image) -> bool:
    if is_grey(image):
        return True
    shown = samples(image, colour=True)
    return bool((shown == shown[..., :1]).all())


_PNG_SIGNATURE: Final = 8
_PNG_DEEP: Final = 16
_PNG_GREY: Final = 0


def check_png(file: IO[bytes]) -> None:
    """Follow the chunks, with their checksums, to the last one (ISO/IEC 15948 5.3).

    Raises:
        EncodingError: It is cut off or damaged, or deeper than DICOM can hold.
    """
    position, end = _PNG_SIGNATURE, os.fstat(file.fileno()).st_size
    kind = b""
    while kind != b"IEND":
        file.seek(position)
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        position += 12 + length
        if position > end or len(head) < 8:  # noqa: PLR2004 - length and kind
            msg = "PNG: the data end before the picture does (no IEND)"
            raise EncodingError(msg)
        if zlib.crc32(content := file.read(length), zlib.crc32(kind)) != _crc(file):
            msg = "PNG: damaged (a checksum is wrong)"
            raise EncodingError(msg)
        if kind == b"IHDR" and content[8:9] == bytes([_PNG_DEEP]) and content[9] != _PNG_GREY:
            msg = (
                "PNG: 16 bits a sample with colour or transparency: DICOM would lose half of "
                "them; export 8 bits, or 16 bits of grey"
            )
            raise EncodingError(msg)


def _crc(file: IO[bytes]) -> int:
    return int.from_bytes(file.read(4), "big")


_GIF_TRAILER: Final = 0x3B
_GIF_IMAGE: Final = 0x2C
_GIF_EXTENSION: Final = 0x21


def check_gif(file: IO[bytes]) -> None:
    """Follow the blocks to the trailer: Pillow takes a cut for the end of the sequence.

    Raises:
        EncodingError: It is cut off or damaged.
    """
    file.seek(10)
    _skip_table(file, _byte(file), fixed=2)
    while (introducer := _byte(file)) != _GIF_TRAILER:
        if introducer == _GIF_IMAGE:
            file.seek(8, os.SEEK_CUR)
            _skip_table(file, _byte(file), fixed=1)
        elif introducer == _GIF_EXTENSION:
            file.seek(1, os.SEEK_CUR)
        else:
            msg = "GIF: damaged (no block where the next one should be)"
            raise EncodingError(msg)
        while length := _byte(file):
            file.seek(length, os.SEEK_CUR)


def _byte(file: IO[bytes]) -> int:
    one = file.read(1)
    if not one:
        msg = "GIF: the data end before the picture does (no trailer)"
        raise EncodingError(msg)
    return one[0]


def _skip_table(file: IO[bytes], packed: int, *, fixed: int) -> None:
    table = 3 << (packed & 7) + 1 if packed & 0x80 else 0
    file.seek(fixed + table, os.SEEK_CUR)
