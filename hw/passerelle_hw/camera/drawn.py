"""Pictures of a synthetic camera: endoscopy-like, with something that moves and a number."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera.frame import Format

if TYPE_CHECKING:
    from PIL.Image import Image

    from passerelle_hw.camera.frame import Pixels, Wanted

# Pillow is imported where something is drawn: a camera that exists needs none.

_FRAMES: Final = 30
_LOOP_BYTES: Final = 48 << 20
_LINE_BYTES: Final[dict[Pixels, int]] = {"MJPG": 0, "GREY": 1, "Y16": 2, "YUYV": 2, "RGB3": 3}
_BLUE: Final = (16, 16, 180)


def format_for(wanted: Wanted) -> Format:
    """What a synthetic camera delivers when this is wanted of it."""
    pixels = wanted.pixels if wanted.pixels in _LINE_BYTES else None
    columns = (wanted.columns or 1280) // 2 * 2  # YUYV has a colour for two columns
    return Format(
        pixels=pixels or "MJPG",
        columns=columns,
        rows=wanted.rows or 720,
        stride=columns * _LINE_BYTES[pixels or "MJPG"],
        full_range=pixels != "YUYV",
        rate=wanted.rate or 30.0,
    )


def halved(given: Format) -> Format:
    """The same with half the columns and rows."""
    columns, rows = given.columns // 4 * 2, given.rows // 2
    return replace(given, columns=columns, rows=rows, stride=columns * _LINE_BYTES[given.pixels])


@dataclass(frozen=True, slots=True)
class Loop:
    """Frames to be shown one after the other, again and again, as a camera gives them."""

    frames: tuple[bytes, ...]
    blue: bytes  #: what a cheap grabber shows without a signal

    @classmethod
    def of(cls, given: Format, seed: int = 0) -> Loop:
        """Draw them, a second's worth, or as many as fit into a few dozen MB."""
        from PIL import Image  # noqa: PLC0415

        size = (given.columns, given.rows)
        count = _FRAMES
        if given.stride:
            count = max(2, min(_FRAMES, _LOOP_BYTES // (given.stride * given.rows)))
        scene = _scene(size, Random(seed))  # noqa: S311 - a picture, not a key
        frames = tuple(
            _encoded(_moment(scene, number, count), given.pixels) for number in range(count)
        )
        return cls(frames, _encoded(Image.new("RGB", size, _BLUE), given.pixels))


def _scene(size: tuple[int, int], chance: Random) -> Image:
    """A round field of view into a tube of tissue, with folds and vessels."""
    from PIL import Image, ImageDraw, ImageFilter  # noqa: PLC0415

    side = 360
    depth = Image.radial_gradient("L").resize((side, side))
    scene = Image.merge(
        "RGB",
        (
            depth.point(lambda value: min(255, 70 + value)),
            depth.point(lambda value: min(255, 18 + value * 5 // 9)),
            depth.point(lambda value: min(255, 14 + value * 4 // 9)),
        ),
    )
    pen = ImageDraw.Draw(scene)
    for _ in range(40):
        angle, reach = chance.uniform(0, 2 * math.pi), chance.uniform(50, 170)
        path = [
            (
                side / 2 + (reach + step * 9) * math.cos(angle + chance.uniform(-0.1, 0.1)),
                side / 2 + (reach + step * 9) * math.sin(angle + chance.uniform(-0.1, 0.1)),
            )
            for step in range(5)
        ]
        pen.line(path, fill=(150, 40, 38), width=1)
    for fold in range(4):
        radius = 40 + 34 * fold
        box = (side / 2 - radius, side / 2 - radius, side / 2 + radius, side / 2 + radius)
        pen.ellipse(box, outline=(226, 150, 128), width=3)
    # Not Pillow's own noise: it has no seed.
    speckle = Image.frombytes("L", (side, side), chance.randbytes(side * side)).convert("RGB")
    scene = Image.blend(scene.filter(ImageFilter.GaussianBlur(1.2)), speckle, 0.05)
    picture = Image.new("RGB", size, (4, 4, 5))
    across = min(size[1], size[0])
    mask = Image.new("L", (across, across), 0)
    ImageDraw.Draw(mask).ellipse((2, 2, across - 3, across - 3), fill=255)
    left = (size[0] - across) // 2, (size[1] - across) // 2
    picture.paste(scene.resize((across, across)), left, mask)
    return picture


def _moment(scene: Image, number: int, count: int) -> Image:
    """The scene with an instrument that goes round, its gleam, and the frame's number."""
    from PIL import ImageDraw, ImageFont  # noqa: PLC0415

    picture = scene.copy()
    pen = ImageDraw.Draw(picture)
    columns, rows = picture.size
    angle = 2 * math.pi * number / count
    radius, unit = min(columns, rows) / 4, max(2, rows // 60)
    x, y = columns / 2 + radius * math.cos(angle), rows / 2 + radius * math.sin(angle)
    pen.line((columns * 0.7, rows * 0.98, x, y), fill=(170, 176, 182), width=2 * unit)
    pen.ellipse((x - 3 * unit, y - 3 * unit, x + 3 * unit, y + 3 * unit), fill=(236, 238, 240))
    font = ImageFont.load_default(max(8, rows // 24))
    pen.text((2 * unit, 2 * unit), f"TEST {number:04}", fill=(230, 230, 230), font=font)
    return picture


def _encoded(picture: Image, pixels: Pixels) -> bytes:
    if pixels == "MJPG":
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=88, subsampling="4:2:2")
        return file.getvalue()
    if pixels == "RGB3":
        return picture.tobytes()
    if pixels == "YUYV":
        return _yuyv(picture)
    grey = picture.convert("L").tobytes()
    if pixels == "GREY":
        return grey
    wide = bytearray(2 * len(grey))
    # 65535 / 255 = 257: both bytes alike; a little less noise than a sensor of 16 bits.
    wide[0::2] = wide[1::2] = grey
    return bytes(wide)


def _yuyv(picture: Image) -> bytes:
    """Luma of 16 to 235 and half the columns of chroma, as video has it (BT.601)."""
    from PIL import Image  # noqa: PLC0415

    luma, blue, red = picture.convert("YCbCr").split()
    half = (picture.width // 2, picture.height)
    bands = [
        luma.point([16 + round(value * 219 / 255) for value in range(256)]),
        *(
            band.resize(half, Image.Resampling.BOX).point(
                [128 + round((value - 128) * 224 / 255) for value in range(256)]
            )
            for band in (blue, red)
        ),
    ]
    data = bytearray(2 * picture.width * picture.height)
    data[0::2], data[1::4], data[3::4] = (band.tobytes() for band in bands)
    return bytes(data)
