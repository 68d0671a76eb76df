"""TIFF: pages of any depth that DICOM can hold."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from PIL import TiffImagePlugin as Tag

from passerelle.dicom.decoding import check_size, decoded, is_grey, opened, samples
from passerelle.dicom.media import open_media
from passerelle.dicom.metadata import Exif, icc_profile
from passerelle.dicom.picture import Picture
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

    from passerelle.dicom.picture import Samples
    from passerelle.model import Value

_SUBFILE_TYPE: Final = 254
_PREVIEW_OR_MASK: Final = 0b101
_LOSSY: Final = frozenset({"tiff_jpeg", "jpeg", "webp"})
_SIGNED: Final = 2
_FLOAT: Final = 3
_WHITE_IS_ZERO: Final = 0
_REMARKS: Final = {
    **dict.fromkeys(("LA", "La", "PA", "RGBA", "RGBa"), "transparent parts are shown on black"),
    "CMYK": "CMYK was converted to RGB without its colour profile",
}
_BYTE: Final = 8
_WORD: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What makes pages alike enough to be frames of one object."""

    rows: int
    columns: int
    colour: bool
    bits: int  #: of a sample; 8 where the file has fewer, as Pillow spreads them
    bilevel: bool
    signed: bool
    inverted: bool  #: white is zero, and Pillow leaves it so
    lossy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One page and its place in the file."""

    number: int
    look: _Look
    packed: int  #: bytes that its picture takes in the file
    profile: object
    remark: str


def read_tiff(media: Path) -> list[Picture]:
    """The pages: one picture when all are alike, else one picture a page.

    Previews and masks that accompany a page are no pages.

    Raises:
        EncodingError: It is damaged, cut off, too large, or of a kind that DICOM cannot hold.
        Changed: The file cannot be read.
    """
    with open_media(media) as file, opened(file, "TIFF") as image:
        size = os.fstat(file.fileno()).st_size
        attributes = Exif(image.getexif(), is_scan=True).attributes()
        pages, left_out = _pages(image, size)
    notes = [f"{left_out} previews or masks were left out"] if left_out else []
    if len({page.look for page in pages}) == 1:
        return [_picture(media, pages, attributes, notes)]
    return [_picture(media, [page], attributes, notes) for page in pages]


def _pages(image: Image, size: int) -> tuple[list[_Page], int]:
    pages: list[_Page] = []
    count = cast("Tag.TiffImageFile", image).n_frames
    for number in range(count):
        image.seek(number)
        check_size("TIFF", image.height, image.width, frames=len(pages) + 1, size=size)
        if count == 1 or not _number(_tags(image), _SUBFILE_TYPE, 0) & _PREVIEW_OR_MASK:
            pages.append(_page(image, number))
    if not pages:
        msg = "TIFF: holds previews and masks only"
        raise EncodingError(msg)
    return pages, count - len(pages)


def _tags(image: Image) -> Tag.ImageFileDirectory_v2:
    return cast("Tag.TiffImageFile", image).tag_v2


def _number(tags: Tag.ImageFileDirectory_v2, tag: int, default: int) -> int:
    value = tags.get(tag, default)
    while isinstance(value, tuple):
        value = max(value, default=default)
    return value if isinstance(value, int) else default


def _page(image: Image, number: int) -> _Page:
    tags = _tags(image)
    bits = _number(tags, Tag.BITSPERSAMPLE, 1)
    kind = _number(tags, Tag.SAMPLEFORMAT, 1)
    bands = len(image.getbands())
    _check_depth(bits, kind, bands if image.mode != "P" else 1)
    colour = not is_grey(image) and image.mode not in ("I", "F")
    look = _Look(
        rows=image.height,
        columns=image.width,
        colour=colour,
        bits=max(bits, _BYTE),
        bilevel=image.mode == "1",
        signed=kind == _SIGNED and not colour,
        inverted=bits > _BYTE
        and _number(tags, Tag.PHOTOMETRIC_INTERPRETATION, 1) == _WHITE_IS_ZERO,
        lossy=image.info.get("compression") in _LOSSY,
    )
    return _Page(
        number=number,
        look=look,
        packed=_packed(tags),
        profile=image.info.get("icc_profile"),
        remark=_REMARKS.get(image.mode, ""),
    )


def _check_depth(bits: int, kind: int, bands: int) -> None:
    if kind == _FLOAT:
        msg = "TIFF: samples in floating point are not taken; export 8 or 16 bits"
        raise EncodingError(msg)
    if bits > _WORD:
        msg = f"TIFF: {bits} bits a sample are more than DICOM pictures hold; export 16"
        raise EncodingError(msg)
    if bits > _BYTE and bands > 1:
        msg = (
            f"TIFF: {bits} bits a sample with colour or transparency: DICOM would lose some of "
            "them; export 8 bits, or 16 bits of grey"
        )
        raise EncodingError(msg)


def _packed(tags: Tag.ImageFileDirectory_v2) -> int:
    counts = tags.get(Tag.STRIPBYTECOUNTS) or tags.get(Tag.TILEBYTECOUNTS) or ()
    return sum(counts) if isinstance(counts, tuple) else int(counts)


def _picture(
    media: Path, pages: Sequence[_Page], attributes: dict[str, Value], notes: Sequence[str]
) -> Picture:
    look = pages[0].look
    numbers = [page.number for page in pages]
    bands = 3 if look.colour else 1
    profile, complaint = icc_profile(pages[0].profile, samples=bands)
    spoken = (*notes, complaint, *sorted({page.remark for page in pages}))
    packed = sum(page.packed for page in pages)
    unpacked = look.rows * look.columns * bands * len(pages)
    return Picture(
        format="TIFF",
        rows=look.rows,
        columns=look.columns,
        samples=bands,
        bits_allocated=_BYTE if look.bits == _BYTE else _WORD,
        bits_stored=look.bits,
        photometric="RGB" if look.colour else "MONOCHROME2",
        frames=lambda: decoded(media, "TIFF", numbers, partial(_samples, look=look)),
        frame_count=len(pages),
        is_bilevel=look.bilevel,
        was_lossy=look.lossy,
        lossy_ratio=round(unpacked / packed, 2) if look.lossy and packed else None,
        rescale_intercept=-(1 << look.bits - 1) if look.signed else 0,
        attributes=attributes,
        icc_profile=profile,
        notes=tuple(filter(None, spoken)),
    )


def _samples(image: Image, look: _Look) -> Samples:
    frame = _unsigned(image, look.bits) if look.signed else samples(image, colour=look.colour)
    if frame.shape[:2] != (look.rows, look.columns):
        msg = "TIFF: damaged (the pixels are not as many as the header says)"
        raise EncodingError(msg)
    return ((1 << look.bits) - 1 - frame).astype(frame.dtype) if look.inverted else frame


def _unsigned(image: Image, bits: int) -> Samples:
    """Signed samples shifted up so that the least is zero."""
    if bits == _BYTE:  # Pillow gives two's complement as if it were unsigned
        return np.asarray(image) ^ np.uint8(0x80)
    return (np.asarray(image).astype(np.int32) + (1 << bits - 1)).astype(np.uint16)
