"""Invented pictures that look like those of real devices; nobody was examined for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float64]
    Generator = np.random.Generator

# numpy and Pillow are imported where something is drawn: a device that only waits needs neither.

_PANEL: Final = (9, 11, 15)
_TEXT: Final = (196, 206, 214)
_FAINT: Final = (112, 124, 134)


def ultrasound(random: Generator, phase: float = 0.0) -> Image:
    """A sector scan of a beating chamber, with the device's own lettering, 800 by 600."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    rows, columns = np.mgrid[0:600, 0:800].astype(float)
    across, down = columns - 360.0, rows - 46.0
    depth, angle = np.hypot(across, down), np.arctan2(across, down)
    grey = _echoes(random, across, down, depth, phase)
    # Speckle is drawn along the beams, so it widens with depth as a real probe's does.
    beams = _smooth(random.standard_normal((540, 300)), 1.2, 1.6)
    speckle = beams[
        np.clip(depth, 0, 539).astype(int), np.clip((angle + 0.72) * 208, 0, 299).astype(int)
    ]
    grey *= np.exp(0.55 * speckle / speckle.std())
    grey = 255 * np.clip(grey, 0, 1) ** 0.62
    edge = np.clip((0.70 - np.abs(angle)) * depth, 0, 1) * np.clip(530 - depth, 0, 1)
    edge *= np.clip(depth - 14, 0, 1)
    tint = np.array([0.96, 0.98, 1.0])
    picture = (grey * edge)[..., None] * tint + np.array(_PANEL) * (1 - edge[..., None])
    image = Image.fromarray(picture.astype(np.uint8))
    _letter(image, phase)
    return image


def _echoes(random: Generator, across: Floats, down: Floats, depth: Floats, phase: float) -> Floats:
    import numpy as np  # noqa: PLC0415

    beat = 1 + 0.10 * np.sin(2 * np.pi * phase)
    tissue = 0.17 + 0.05 * np.sin(across / 31 + down / 47) + 0.03 * np.sin(down / 13)
    tilted = across * 0.94 + (down - 270) * 0.30
    along = (down - 270) * 0.94 - across * 0.30
    chambers = (
        (-52, -20, 46 * beat, 118 * beat),
        (58, -34, 40 * beat, 92 * beat),
        (4, 168, 76, 52),
    )
    for x, y, width, height in chambers:
        radius = np.hypot((tilted - x) / width, (along - y) / height)
        tissue += 0.45 * np.exp(-(((radius - 1.10) / 0.10) ** 2))
        tissue *= 1 - 0.93 / (1 + np.exp((radius - 1) * 22))
    for x, y, slope in ((-30, 110, 0.55), (36, 96, -0.5)):  # the leaflets of a valve
        leaf = (along - y) - slope * beat * (tilted - x)
        tissue += 0.6 * np.exp(-((leaf / 5) ** 2) - (((tilted - x) / 30) ** 2))
    wall = np.hypot(across / 1.35, down - 60)
    tissue += 0.7 * np.exp(-(((wall - 425) / 9) ** 2)) + 0.35 * np.exp(-(((wall - 452) / 22) ** 2))
    near = 0.5 * np.exp(-((depth / 42) ** 2)) + 0.2 * np.exp(-(((depth - 66) / 7) ** 2))
    shadow = 1 - 0.5 * np.exp(
        -(((np.arctan2(across, down) - random.normal(0.45, 0.02)) / 0.05) ** 2)
    )
    faded: Floats = (tissue + near) * shadow * np.exp(-depth / 900)
    return faded


def _letter(image: Image, phase: float) -> None:
    import math  # noqa: PLC0415

    from PIL import ImageDraw  # noqa: PLC0415

    draw = ImageDraw.Draw(image)
    lines = (
        "SIMULATED",
        "Adult heart",
        "2.5 MHz",
        "Depth 16 cm",
        "Gain 58 %",
        "MI 1.1  TI 0.6",
        "25 fps",
    )
    for number, line in enumerate(lines):
        draw.text((18, 18 + 19 * number), line, fill=_TEXT if number < 2 else _FAINT)  # noqa: PLR2004 - headings
    for level in range(160):
        draw.line((762, 60 + level, 776, 60 + level), fill=(int(255 * (1 - level / 159)),) * 3)
    for centimetre in range(17):
        y = 46 + centimetre * 33
        draw.line((736 - (8 if centimetre % 5 == 0 else 4), y, 736, y), fill=_FAINT)
        if centimetre % 5 == 0 and centimetre:
            draw.text((744, y - 6), str(centimetre), fill=_FAINT)
    trace = [
        (18 + x, 576 - 22 * math.exp(-((((x / 92 - phase) % 1 - 0.3) / 0.025) ** 2)) + 5
         * math.exp(-((((x / 92 - phase) % 1 - 0.36) / 0.02) ** 2)))
        for x in range(180)
    ]  # fmt: skip
    draw.line(trace, fill=(92, 214, 132))


def endoscopy(random: Generator) -> Image:
    """The inside of a tube with folds and vessels, behind a round mask, 720 by 576."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    rows, columns = np.mgrid[0:576, 0:720].astype(float)
    across, down = columns - 360 - random.normal(34, 8), rows - 288 + random.normal(24, 8)
    radius, angle = np.hypot(across, down), np.arctan2(down, across)
    far = 1 / (1 + (radius / 64) ** 1.7)  # of the light, the deeper the less comes back
    wobble = 0.35 * np.sin(3 * angle + 0.6) + 0.16 * np.sin(5 * angle)
    folds = np.sin(8.2 * np.log(radius + 22) + wobble * 2.6)
    light = (1 - far) * (0.74 + 0.20 * folds) * np.exp(-((np.maximum(radius - 240, 0) / 380) ** 2))
    texture = _smooth(random.standard_normal((576, 720)), 5, 5)
    light *= 1 + 0.03 * texture / texture.std()
    noise = _smooth(random.standard_normal((576, 720)), 15, 15)
    vessels = np.exp(-((noise / noise.std() / 0.06) ** 2)) * np.clip((radius - 90) / 140, 0, 1)
    region = _smooth(random.standard_normal((576, 720)), 26, 26)
    vessels *= np.clip(region / region.std() - 0.1, 0, 1)  # they come and go under the surface
    colour = np.stack([light * 248, light**1.25 * 150, light**1.35 * 122], axis=-1)
    colour *= 1 - vessels[..., None] * np.array([0.12, 0.34, 0.30])
    wet = _smooth(random.standard_normal((576, 720)), 4, 4)
    shine = np.clip((wet / wet.std() + 0.9 * folds - 3.05) * 2.2, 0, 1) * (light > 0.5)  # noqa: PLR2004
    colour += shine[..., None] * (np.array([255, 250, 244]) - colour) * 0.9
    corner = np.hypot(
        np.maximum(np.abs(columns - 360) - 190, 0), np.maximum(np.abs(rows - 288) - 150, 0)
    )
    colour *= np.clip(118 - corner, 0, 1)[..., None]
    return Image.fromarray(np.clip(colour, 0, 255).astype(np.uint8))


def radiograph(random: Generator) -> Image:
    """A chest as a detector would give it, 12 of 16 bits, air bright, 640 by 720."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    rows, columns = np.mgrid[0:720, 0:640].astype(float)
    x, y = (columns - 320) / 320, (rows - 360) / 360
    body = _soft(np.hypot(x / (0.80 + 0.12 * y), (y - 0.25) / 1.22), 0.06)
    body = np.maximum(body, _soft(np.hypot(x / 0.22, (y + 0.9) / 0.5), 0.1))
    thickness = 1.1 * body
    for side in (-1, 1):
        lung = np.hypot((side * x - 0.37 - 0.06 * y) / 0.26, (y + 0.02) / (0.62 - 0.06 * side))
        thickness -= 0.74 * _soft(lung, 0.06)
        for number in range(9):
            middle = (
                -0.60 + 0.142 * number + 0.30 * (side * x - 0.32) ** 2 + 0.24 * (side * x - 0.3)
            )
            rib = np.exp(-(((y - middle) / 0.021) ** 2)) * _soft(
                np.abs(side * x - 0.36) / 0.31, 0.1
            )
            thickness += 0.15 * rib * body
        collar = (y + 0.66 + 0.22 * (side * x - 0.3)) / 0.026
        thickness += 0.24 * np.exp(-(collar**2)) * _soft(np.abs(side * x - 0.36) / 0.30, 0.1) * body
    thickness += 0.50 * _soft(np.hypot((x - 0.10) / 0.30, (y - 0.24) / 0.33), 0.10)
    spine = np.exp(-((x / 0.075) ** 2)) * (1 + 0.16 * np.sin(y * 44))
    thickness += 0.36 * spine * body
    branches = _smooth(random.standard_normal((720, 640)), 5, 5)
    thickness += 0.030 * np.abs(branches / branches.std()) * body
    thickness += 0.42 * _soft((0.62 + 0.5 * np.abs(np.abs(x) - 0.36) - y) / 0.1 + 1, 0.4) * body
    exposure = 3900 * np.exp(-1.75 * np.maximum(thickness, 0))
    exposure += random.standard_normal(exposure.shape) * np.sqrt(exposure) * 0.35
    return Image.fromarray(np.clip(exposure, 0, 4095).astype(np.uint16))


def _soft(distance: Floats, edge: float) -> Floats:
    """1 inside a distance of 1, 0 outside, with a soft edge."""
    import numpy as np  # noqa: PLC0415

    inside: Floats = 1 / (1 + np.exp(np.clip((distance - 1) / (edge / 4), -60, 60)))
    return inside


def _smooth(noise: Floats, down: float, across: float) -> Floats:
    """`noise` through a Gaussian of these widths in pixels."""
    import numpy as np  # noqa: PLC0415

    def kernel(length: int, width: float) -> Any:  # noqa: ANN401 - numpy imported here
        return np.exp(-2 * (np.pi * width * np.fft.fftfreq(length)) ** 2)

    gain = np.outer(kernel(noise.shape[0], down), kernel(noise.shape[1], across))
    smooth: Floats = np.fft.ifft2(np.fft.fft2(noise) * gain).real
    return smooth
