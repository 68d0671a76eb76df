"""What can be told of a frame cheaply: whether it is whole, and whether it shows anything."""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera.jpeg import size_of, without_padding

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import Format, Frame

_BEGIN: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
#: Of luma: a uniform picture has none, the darkest real one has noise and lettering.
_LEAST_DEVIATION: Final = 1.5
_PADDING_LIMIT: Final = 64 << 10
_SPARSE: Final = 8  # every so many columns and rows of a raw frame are looked at
#: Bytes of a line between two samples of luma, and before the first.
_LUMA: Final = {
    "YUYV": (2, 0),
    "UYVY": (2, 1),
    "NV12": (1, 0),
    "GREY": (1, 0),
    "RGB3": (3, 1),
    "BGR3": (3, 1),
}
#: Bits of those with two bytes a sample.
_DEEP: Final = {"Y10": 10, "Y12": 12, "Y16": 16}


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture shows, by its luma."""

    mean: float  #: 0 to 255
    deviation: float

    @property
    def is_blank(self) -> bool:
        """One colour from edge to edge, as grabbers show when they have no signal."""
        return self.deviation < _LEAST_DEVIATION


def prepare() -> None:
    """Import what the first look needs."""
    from PIL import ImageStat, JpegImagePlugin  # noqa: F401, PLC0415 - as below


def whole(frame: Frame) -> bytes | None:
    """The frame's bytes without what was put behind them; None when it is cut off.

    A cut JPEG comes as a good frame from every UVC driver: only its own end tells.
    """
    given = frame.format
    if given.pixels != "MJPG":
        return frame.data if len(frame.data) >= _size(given) else None
    data = without_padding(frame.data)
    is_ended = data.endswith(_END) and len(frame.data) - len(data) <= _PADDING_LIMIT
    return data if data.startswith(_BEGIN) and is_ended and size_of(data) else None


def digest(frame: Frame) -> bytes:
    """What two frames of a live picture never share, of a part of each raw one."""
    data, given = memoryview(frame.data), frame.format
    found = blake2b(digest_size=16)
    if not given.stride:
        found.update(data)
    else:
        for row in range(0, given.rows, _SPARSE):
            found.update(data[row * given.stride : (row + 1) * given.stride])
    return found.digest()


def look(data: bytes, given: Format) -> Look | None:
    """How bright and how varied a whole frame is; None when it cannot be decoded."""
    from PIL import Image, ImageStat  # noqa: PLC0415 - only in a process that watches a camera

    if given.pixels != "MJPG":
        histogram = Image.frombytes("L", *_sparse_luma(data, given)).histogram()
    else:
        try:
            with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
                picture.draft("L", (given.columns // 8, given.rows // 8))
                histogram = picture.convert("L").histogram()
        except (OSError, SyntaxError, ValueError):
            return None
    figures = ImageStat.Stat(histogram)
    return Look(figures.mean[0], figures.stddev[0])


def _sparse_luma(data: bytes, given: Format) -> tuple[tuple[int, int], bytes]:
    """Size and samples of a small picture of the luma."""
    rows = range(0, given.rows, _SPARSE)
    if given.pixels in _DEEP:
        excess, words = _DEEP[given.pixels] - 8, memoryview(data).cast("H")
        lines = [
            bytes(
                words[at] >> excess & 255
                for at in range(
                    row * given.stride // 2, row * given.stride // 2 + given.columns, _SPARSE
                )
            )
            for row in rows
        ]
    else:
        step, first = _LUMA[given.pixels]
        starts = (row * given.stride for row in rows)
        lines = [data[at + first : at + given.columns * step : step * _SPARSE] for at in starts]
    return (len(lines[0]), len(lines)), b"".join(lines)


def _size(given: Format) -> int:
    size = given.stride * given.rows
    return size * 3 // 2 if given.pixels == "NV12" else size
