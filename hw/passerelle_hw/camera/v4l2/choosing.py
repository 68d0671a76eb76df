"""Which format of a device is taken, and how its frames are laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from passerelle_hw.camera.frame import CameraGone, Format, Pixels
from passerelle_hw.camera.v4l2 import abi
from passerelle_hw.camera.v4l2.node import code

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import Field, Wanted
    from passerelle_hw.camera.v4l2.node import Node

#: The camera's own compression first, then colour, then depth.
_PREFERENCE: Final[tuple[Pixels, ...]] = (
    "MJPG", "YUYV", "UYVY", "NV12", "RGB3", "BGR3", "Y16", "Y12", "Y10", "GREY",
)  # fmt: skip
_ALSO: Final = {"JPEG": "MJPG"}
_YUV: Final = frozenset({"YUYV", "UYVY", "NV12"})
_SD_COLUMNS: Final = frozenset({704, 720})
#: Of a pixel of 720 columns at 4:3, vertical and horizontal (BT.601), by rows.
_SD_ASPECT: Final = {576: (15, 16), 288: (15, 16), 480: (9, 8), 486: (9, 8), 240: (9, 8)}


def choose(node: Node, wanted: Wanted, *, timings: abi.Timings | None, standard: int) -> Format:
    """Set the format and the rate; what the driver made of it.

    Raises:
        CameraGone: It has no format that is read here, or not the one that is wanted.
    """
    pixels, number = _pixels(node, wanted.pixels)
    video = abi.VideoFormat(type=abi.CAPTURE)
    with node.telling():
        node.call(abi.G_FMT, video)
        pix = video.fmt.pix
        pix.pixelformat = number
        if timings is not None and not wanted.columns:
            pix.width, pix.height = timings.width, timings.height
        elif wanted.columns:
            pix.width, pix.height = wanted.columns, wanted.rows or pix.height
        pix.field = 0  # any: the driver knows how its lines come
        pix.bytesperline = 0
        node.call(abi.S_FMT, video)
    if pix.pixelformat != number:
        msg = f"{node.path}: gives {code(pix.pixelformat)} although it lists {pixels}"
        raise CameraGone(msg)
    return Format(
        pixels=pixels,
        columns=pix.width,
        rows=pix.height,
        stride=0 if pixels == "MJPG" else pix.bytesperline,
        field=_field(node, pix.field, standard),
        full_range=_is_full_range(pixels, pix),
        pixel_aspect=_aspect(pix.width, pix.height, standard),
        rate=_rate(node, wanted.rate),
    )


def formats(node: Node) -> dict[Pixels, int]:
    """The formats that it has and that are read here, with the driver's number of each."""
    found: dict[Pixels, int] = {}
    one = abi.FormatDescription(type=abi.CAPTURE)
    for _ in node.each(abi.ENUM_FMT, one):
        name = _ALSO.get(code(one.pixelformat), code(one.pixelformat))
        for known in get_args(Pixels):
            if name == known:
                found.setdefault(known, one.pixelformat)
    return found


def _pixels(node: Node, wanted: Pixels | None) -> tuple[Pixels, int]:
    found = formats(node)
    chosen = next((one for one in (wanted or "", *_PREFERENCE) if one in found), None)
    if chosen is None or (wanted and chosen != wanted):
        there = ", ".join(found) or "none that is read here"
        msg = f"{node.path}: has no format {wanted or 'to choose'}; it has: {there}"
        raise CameraGone(msg)
    return chosen, found[chosen]


def _field(node: Node, field: int, standard: int) -> Field:
    match field:
        case 0 | 1:
            return "progressive"
        case 8:
            return "top first"
        case 9:
            return "bottom first"
        case 4:  # by the standard: 525 lines begin with the lower field
            return "bottom first" if standard & abi.STANDARDS_525 else "top first"
        case _:
            msg = f"{node.path}: gives fields one by one, which are not put together here"
            raise CameraGone(msg)


def _is_full_range(pixels: Pixels, pix: abi.PixelFormat) -> bool:
    if pix.quantization in (abi.QUANTIZATION_FULL, abi.QUANTIZATION_LIMITED):
        return bool(pix.quantization == abi.QUANTIZATION_FULL)
    return pixels not in _YUV or pix.colorspace == abi.COLORSPACE_JPEG


def _aspect(columns: int, rows: int, standard: int) -> tuple[int, int]:
    """Only video of an analogue standard has pixels that are not square."""
    return _SD_ASPECT.get(rows, (1, 1)) if standard and columns in _SD_COLUMNS else (1, 1)


def _rate(node: Node, wanted: float) -> float:
    """Set the rate; frames a second as the driver has it, 0 where it does not say."""
    asked = abi.StreamParameters(type=abi.CAPTURE)
    if wanted:
        asked.numerator, asked.denominator = 1000, round(1000 * wanted)
        node.knows(abi.S_PARM, asked)
    told = abi.StreamParameters(type=abi.CAPTURE)
    if not node.knows(abi.G_PARM, told) or not told.numerator:
        return 0.0
    return float(told.denominator / told.numerator)
