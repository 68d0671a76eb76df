"""Pillow, with its limits and errors made ours: from a picture's file to samples."""

from __future__ import annotations

import errno
import struct
import warnings
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from passerelle.dicom.media import open_media
from passerelle.errors import Changed, EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from passerelle.dicom.picture import Samples

_SIDE: Final = 0xFFFF  # Rows and Columns are US (PS3.3 C.7.6.3)
_FRAME_PIXELS: Final = 1 << 28
_TOTAL_PIXELS: Final = 1 << 30
_PLAUSIBLE: Final = 4  # pixels per byte of file beyond which a file is a bomb
Image.MAX_IMAGE_PIXELS = _FRAME_PIXELS  # Pillow refuses above twice as many; `check_size` before

#: Whatever Pillow's readers were seen or may be expected to raise about damaged data.
_FAULTS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    struct.error,
    Image.DecompressionBombError,
)
#: What a position that damaged data give leads to; any other errno is the disk's or the share's.
_DAMAGE: Final = (None, errno.EINVAL, errno.EOVERFLOW)
_TRANSPARENT: Final = frozenset({"LA", "PA", "RGBA", "La", "RGBa"})
_GREY: Final = frozenset({"1", "L", "LA", "La"})
_GREY_16: Final = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_COLOUR: Final = frozenset({"RGB", "RGBX", "RGBA", "RGBa", "PA", "P", "CMYK", "YCbCr"})
_OPAQUE: Final = 255
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def check_size(kind: str, rows: int, columns: int, *, frames: int = 1, size: int) -> None:
    """Refuse by the header alone what would take too much to decode.

    Args:
        kind: The format, for the text.
        rows: Of a frame.
        columns: Of a frame.
        frames: How many.
        size: Bytes of the file: what is as large packed as unpacked is no bomb.

    Raises:
        EncodingError: It is too large, or empty.
    """
    pixels = rows * columns
    if not pixels:
        msg = f"{kind}: has no pixels"
        raise EncodingError(msg)
    if max(rows, columns) > _SIDE:
        msg = f"{kind}: {columns} x {rows} pixels: DICOM holds at most {_SIDE} a side"
        raise EncodingError(msg)
    if pixels > _FRAME_PIXELS:
        msg = f"{kind}: {columns} x {rows} pixels are more than is taken ({_FRAME_PIXELS})"
        raise EncodingError(msg)
    if pixels * frames > _TOTAL_PIXELS and pixels * frames > _PLAUSIBLE * size:
        msg = f"{kind}: {frames} frames of {columns} x {rows} pixels are more than is taken"
        raise EncodingError(msg)


@contextmanager
def translated(kind: str) -> Iterator[None]:
    """Turn what Pillow raises into our errors, without its texts: they may name the file.

    Raises:
        EncodingError: The file is damaged or cut off.
        Changed: The file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            yield
    except _FAULTS as fault:
        if isinstance(fault, OSError) and fault.errno not in _DAMAGE:
            msg = f"{kind}: cannot be read: {fault.strerror}"
            raise Changed(msg) from fault
        msg = f"{kind}: {_reason(fault)}"
        raise EncodingError(msg) from fault


def _reason(fault: BaseException) -> str:
    if isinstance(fault, Image.DecompressionBombError):
        return f"more pixels than is taken ({_FRAME_PIXELS})"
    if isinstance(fault, EOFError) or "runcat" in str(fault):  # "truncated", "Truncated"
        return "the data end before the picture does"
    return f"damaged, cut off or of a kind that is not taken ({type(fault).__name__})"


@contextmanager
def opened(file: IO[bytes], kind: str) -> Iterator[Image.Image]:
    """Open the file as the format it is, and as no other.

    Raises:
        EncodingError: It is damaged.
        Changed: It cannot be read.
    """
    with translated(kind), Image.open(file, formats=[kind]) as image:
        yield image


def decoded(
    media: Path, kind: str, numbers: Iterable[int], taken: Callable[[Image.Image], Samples]
) -> Generator[Samples]:
    """What `taken` makes of each of these frames of the file, decoded one at a time.

    Raises:
        EncodingError: It is damaged.
        Changed: It cannot be read.
    """
    # Nothing of `translated` may last while the caller has a frame: it would meet its errors.
    with open_media(media) as file:
        with translated(kind):
            image = Image.open(file, formats=[kind])
        for number in numbers:
            with translated(kind):
                image.seek(number)
                image.load()
                frame = taken(image)
            yield frame


def is_transparent(image: Image.Image) -> bool:
    """Some part of a decoded picture lets the background through."""
    if not _has_alpha(image):
        return False
    lowest, _ = _with_alpha(image).getchannel("A").getextrema()
    return isinstance(lowest, int | float) and lowest < _OPAQUE


def is_grey(image: Image.Image) -> bool:
    """The picture needs no colour: it has none, or its palette has none."""
    if image.mode != "P":
        return image.mode in _GREY or image.mode in _GREY_16
    palette = image.getpalette("RGB") or []
    return palette[::3] == palette[1::3] == palette[2::3]


def samples(image: Image.Image, *, colour: bool) -> Samples:
    """The samples of a decoded picture: 8 bits of grey or colour, or 16 bits of grey.

    What is transparent is shown on black, as a device's screen is dark where it draws nothing.

    Raises:
        EncodingError: DICOM has no place for such samples without loss.
    """
    if image.mode in _GREY_16 and not colour:
        return np.asarray(image, dtype=np.uint16)
    if image.mode not in _GREY and image.mode not in _COLOUR:
        msg = f"{image.format or 'picture'}: samples of the kind {image.mode} are not taken"
        raise EncodingError(msg)
    if _has_alpha(image):
        above = _with_alpha(image)
        image = Image.new("RGBA", image.size, (0, 0, 0, _OPAQUE))
        image.alpha_composite(above)
    mode = "RGB" if colour else "L"
    return np.asarray(image if image.mode == mode else image.convert(mode))


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as its file wants it shown (EXIF orientation 1 to 8)."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _has_alpha(image: Image.Image) -> bool:
    if image.mode in _GREY_16:  # one grey that stands for nothing drawn: it stays what it is
        return False
    return image.mode in _TRANSPARENT or "transparency" in image.info


def _with_alpha(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGBA" else image.convert("RGBA")
