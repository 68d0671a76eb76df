"""Files as an ultrasound console, an endoscope and a detector would export them, invented."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_HD = (1080, 1920)
_DETECTOR = (2048, 2048)
#: So many different scenes are drawn; the files between are these, moved and with other noise.
_SCENES = 4


def png(count: int) -> Iterator[bytes]:
    """RGB of 1920 by 1080, 8 bits."""
    for scene in _colour(count):
        yield _saved(scene, "PNG", compress_level=3)


def jpeg(count: int) -> Iterator[bytes]:
    """The same as baseline JPEG."""
    for scene in _colour(count):
        yield _saved(scene, "JPEG", quality=92)


def deep_png(count: int) -> Iterator[bytes]:
    """Grey of 2048 by 2048, 12 of 16 bits."""
    chance = np.random.default_rng(3)
    scenes = [_radiograph(chance) for _ in range(_scenes(count))]
    for number in range(count):
        yield _saved(np.roll(scenes[number % len(scenes)], 17 * number, axis=1), "PNG",
                     compress_level=1)  # fmt: skip


KINDS: Mapping[str, tuple[str, Callable[[int], Iterator[bytes]]]] = {
    "png": ("png", png),
    "jpeg": ("jpg", jpeg),
    "png16": ("png", deep_png),
}


def _colour(count: int) -> Iterator[NDArray[np.uint8]]:
    chance = np.random.default_rng(7)
    drawn = (_ultrasound, _endoscopy)
    scenes = [drawn[number % 2](chance) for number in range(_scenes(count))]
    for number in range(count):
        scene = np.roll(scenes[number % len(scenes)], 2 * number, axis=0)
        scene[1000:1040, 1700:1900] = chance.integers(0, 255, (40, 200, 3))  # no two are the same
        yield scene


def _scenes(count: int) -> int:
    return min(_SCENES, 1 + count // 10)


def _saved(pixels: NDArray[Any], form: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def _ultrasound(chance: np.random.Generator) -> NDArray[np.uint8]:
    """A sector of speckle with a box of colour flow, on a black console."""
    rows, columns = np.mgrid[0 : _HD[0], 0 : _HD[1]].astype(float)
    depth = np.hypot(columns - 900, rows + 40) / 1040
    angle = np.arctan2(columns - 900, rows + 40) / 0.62
    tissue = np.exp(1.6 * _clouds(chance, 26)) * np.exp(-1.1 * depth)
    beams = np.hypot(_smoothed(chance.normal(size=(512, 256)), 1.2, 0.8),
                     _smoothed(chance.normal(size=(512, 256)), 1.2, 0.8))  # fmt: skip
    along = np.clip(depth * 511, 0, 511).astype(int)
    across = np.clip((angle + 1) * 127, 0, 255).astype(int)
    echo = beams[along, across] / beams.mean() * tissue
    grey = np.clip(60 + 34 * np.log(echo + 1e-3), 0, 255)
    grey[(depth > 1) | (depth < 0.1) | (np.abs(angle) > 1)] = 0
    colour = np.repeat(grey[..., None], 3, axis=2)
    flow = _clouds(chance, 14)
    inside = (np.abs(rows - 560) < 150) & (np.abs(columns - 900) < 170) & (np.abs(flow) > 0.8)
    colour[inside] = np.stack([140 + 60 * flow, 70 + 0 * flow, 140 - 60 * flow], -1)[inside]
    colour[40:300:16, 24:220] = 210  # lettering
    shown: NDArray[np.uint8] = np.clip(colour, 0, 255).astype(np.uint8)
    return shown


def _endoscopy(chance: np.random.Generator) -> NDArray[np.uint8]:
    """A wet wall behind a round mask, with the correlated noise of a demosaiced sensor."""
    rows, columns = np.mgrid[0 : _HD[0], 0 : _HD[1]].astype(float)
    radius = np.hypot(columns - 960, rows - 540) / 620
    wall = 120 + 26 * _clouds(chance, 60) + 9 * _clouds(chance, 9) + 4 * _clouds(chance, 3)
    light = np.clip(1.25 - 0.6 * radius**2, 0, 1.2)
    colour = (wall * light)[..., None] * np.array([1.45, 0.82, 0.68])
    noise = chance.normal(0, 1.6, (*_HD, 3))
    colour += (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 1.73
    colour[radius > 1] = 0
    shown: NDArray[np.uint8] = np.clip(colour, 0, 255).astype(np.uint8)
    return shown


def _radiograph(chance: np.random.Generator) -> NDArray[np.uint16]:
    """A chest behind a collimator: photons counted, 12 bits."""
    rows, columns = np.mgrid[0 : _DETECTOR[0], 0 : _DETECTOR[1]] / _DETECTOR[0]
    thickness = 1.2 * np.exp(-(((columns - 0.5) / 0.35) ** 4 + ((rows - 0.55) / 0.5) ** 6))
    thickness += 0.15 * np.cos(78 * (rows - 0.12 * (columns - 0.5) ** 2)) ** 16  # ribs
    thickness += 0.5 * np.exp(-(((columns - 0.5) / 0.035) ** 2))
    thickness += 0.04 * _clouds(chance, 8, _DETECTOR)
    photons = chance.poisson(np.clip(900 * np.exp(-1.7 * thickness), 1, None)).astype(float)
    blurred = (photons + np.roll(photons, 1, 0) + np.roll(photons, 1, 1)) / 3
    picture: NDArray[np.uint16] = np.clip(blurred / blurred.max() * 4095, 0, 4095).astype(np.uint16)
    picture[:51] = 0
    picture[:, :40] = 0
    return picture


def _clouds(chance: np.random.Generator, width: float, shape: tuple[int, int] = _HD) -> Floats:
    """Smooth noise of unit deviation whose blobs are about `width` pixels wide."""
    clouds = _smoothed(chance.normal(size=shape), width, width)
    scaled: Floats = clouds / clouds.std()
    return scaled


def _smoothed(noise: Floats, down: float, across: float) -> Floats:
    gain = np.outer(*(
        np.exp(-2 * (np.pi * width * np.fft.fftfreq(length)) ** 2)
        for length, width in zip(noise.shape, (down, across), strict=True)
    ))  # fmt: skip
    smooth: Floats = np.fft.irfft2(np.fft.rfft2(noise) * gain[:, : noise.shape[1] // 2 + 1])
    return smooth
