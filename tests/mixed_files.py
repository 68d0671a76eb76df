"""Files as devices make them, two hundred of them, and what their pixels are.

The pictures are those of the simulated modality, cut and scaled; every format, mode and quirk
that a folder source takes is among them, and the Part 10 files that pydicom carries.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from passerelle_hw import pictures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True)
class MixedFile:
    """A file, and what any decoder must find in the object made of it."""

    name: str
    content: bytes
    frames: list[NDArray[Any]]  #: upright, grey or RGB
    is_verbatim: bool = False  #: the object holds the file's own JPEG bit stream


def mixed_files(count: int, seed: int = 1) -> Iterator[MixedFile]:
    """So many files, every kind in turn; equal seeds give equal files."""
    random = np.random.default_rng(seed)
    scenes = [
        pictures.ultrasound(random, phase=0.2).convert("RGB"),
        pictures.endoscopy(random).convert("RGB"),
    ]
    deep = np.asarray(pictures.radiograph(random)).astype(np.uint16)
    kinds = [*_RGB_KINDS, *_DEEP_KINDS]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        rows, columns = (int(size) for size in random.integers(33, 400, 2))
        if kind in _DEEP_KINDS:
            yield _DEEP_KINDS[kind](f"{number:03}-{kind}", _cut(deep, rows, columns, random))
        else:
            scene = _cut(np.asarray(scenes[number % 2]), rows, columns, random)
            yield _RGB_KINDS[kind](f"{number:03}-{kind}", Image.fromarray(scene))


def _cut(scene: NDArray[Any], rows: int, columns: int, random: np.random.Generator) -> NDArray[Any]:
    top = int(random.integers(0, scene.shape[0] - rows))
    left = int(random.integers(0, scene.shape[1] - columns))
    return np.ascontiguousarray(scene[top : top + rows, left : left + columns])


def _saved(picture: Image.Image, form: str, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _pixels(content: bytes, mode: str) -> NDArray[Any]:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert(mode))


def _png(mode: str, shown: str) -> Any:  # noqa: ANN401 - a function below
    def make(name: str, scene: Image.Image) -> MixedFile:
        picture = scene.convert(mode)
        return MixedFile(
            f"{name}.png", _saved(picture, "PNG"), [np.asarray(picture.convert(shown))]
        )

    return make


def _alpha(name: str, scene: Image.Image) -> MixedFile:
    picture = scene.copy()
    picture.putalpha(255)
    return MixedFile(f"{name}.png", _saved(picture, "PNG"), [np.asarray(scene)])


def _bmp(name: str, scene: Image.Image) -> MixedFile:
    return MixedFile(f"{name}.bmp", _saved(scene, "BMP"), [np.asarray(scene)])


def _gif(name: str, scene: Image.Image) -> MixedFile:
    content = _saved(scene.quantize(200), "GIF")
    return MixedFile(f"{name}.gif", content, [_pixels(content, "RGB")])


def _tiff(compression: str) -> Any:  # noqa: ANN401 - a function below
    def make(name: str, scene: Image.Image) -> MixedFile:
        content = _saved(scene, "TIFF", compression=compression)
        return MixedFile(f"{name}.tif", content, [np.asarray(scene)])

    return make


def _pages(name: str, scene: Image.Image) -> MixedFile:
    pages = [scene.convert("L"), scene.convert("L").transpose(Image.Transpose.ROTATE_180)]
    content = _saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    return MixedFile(f"{name}.tiff", content, [np.asarray(page) for page in pages])


def _jpeg(mode: str, **options: Any) -> Any:  # noqa: ANN401 - a function below
    def make(name: str, scene: Image.Image) -> MixedFile:
        content = _saved(scene.convert(mode), "JPEG", **options)
        verbatim = mode in {"L", "RGB"} and not options.get("progressive")
        shown = "L" if mode == "L" else "RGB"
        return MixedFile(f"{name}.jpg", content, [_pixels(content, shown)], is_verbatim=verbatim)

    return make


def _turned(orientation: int) -> Any:  # noqa: ANN401 - a function below
    def make(name: str, scene: Image.Image) -> MixedFile:
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = _saved(scene, "JPEG", exif=exif, quality=90)
        with Image.open(io.BytesIO(content)) as picture:
            plain = np.asarray(picture.convert("RGB"))
        return MixedFile(f"{name}.jpg", content, [_UPRIGHT[orientation](plain)])

    return make


def _deep_png(name: str, scene: NDArray[Any]) -> MixedFile:
    return MixedFile(f"{name}.png", _saved(Image.fromarray(scene), "PNG"), [scene])


def _deep_tiff(name: str, scene: NDArray[Any]) -> MixedFile:
    return MixedFile(f"{name}.tif", _saved(Image.fromarray(scene), "TIFF"), [scene])


_UPRIGHT: dict[int, Any] = {
    3: lambda p: p[::-1, ::-1],
    6: lambda p: np.rot90(p, -1),
    8: lambda p: np.rot90(p, 1),
    5: lambda p: np.swapaxes(p, 0, 1),
}
_RGB_KINDS: dict[str, Any] = {
    "grey": _png("L", "L"),
    "bilevel": _png("1", "L"),
    "palette": _png("P", "RGB"),
    "rgb": _png("RGB", "RGB"),
    "opaque": _alpha,
    "bmp": _bmp,
    "gif": _gif,
    "lzw": _tiff("tiff_lzw"),
    "packbits": _tiff("packbits"),
    "pages": _pages,
    "baseline": _jpeg("RGB", quality=85),
    "baseline444": _jpeg("RGB", quality=92, subsampling=0),
    "baseline422": _jpeg("RGB", quality=80, subsampling=1),
    "baselinegrey": _jpeg("L", quality=88),
    "progressive": _jpeg("RGB", quality=85, progressive=True),
    "cmyk": _jpeg("CMYK", quality=90),
    "turned3": _turned(3),
    "turned5": _turned(5),
    "turned6": _turned(6),
    "turned8": _turned(8),
}
_DEEP_KINDS: dict[str, Any] = {"deep": _deep_png, "deeptiff": _deep_tiff}
