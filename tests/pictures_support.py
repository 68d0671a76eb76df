"""Pictures and their files, made for a test."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from passerelle.dicom.reading import read
from passerelle.profile import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from passerelle.dicom.picture import Picture
    from passerelle.profile import Profile

ROWS, COLUMNS = 48, 64


def colours() -> NDArray[np.uint8]:
    """A picture in which no turn or flip looks like another."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    return np.stack([x * 4, y * 5, (x + y) * 2], axis=-1).astype(np.uint8)


def greys() -> NDArray[np.uint8]:
    return np.ascontiguousarray(colours()[..., 2])


def deep(bits: int = 16) -> NDArray[np.uint16]:
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    return np.asarray((x * 1021 + y * 17) % (1 << bits), dtype=np.uint16)


def encoded(samples: NDArray[Any], kind: str, mode: str | None = None, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    """The bytes of a file that Pillow writes."""
    buffer = io.BytesIO()
    image = Image.fromarray(samples)
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def only(pictures: Iterable[Picture]) -> Picture:
    (picture,) = pictures
    return picture


def picture_of(folder: Path, name: str, data: bytes, profile: Profile = PLAIN) -> Picture:
    return only(read(written(folder, name, data), profile))


def frames(picture: Picture) -> list[NDArray[Any]]:
    """All frames at once, of a picture that is not verbatim."""
    return [np.asarray(frame) for frame in picture.frames() if not isinstance(frame, bytes)]


def tiff(
    pages: Iterable[tuple[NDArray[Any], dict[int, int]]], order: Literal["<", ">"] = "<"
) -> bytes:
    """An uncompressed grey TIFF with the tags as they are given, which Pillow would not write."""
    body = bytearray(b"II*\0\0\0\0\0" if order == "<" else b"MM\0*\0\0\0\0")
    link = 4
    for samples, tags in pages:
        data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
        rows, columns = samples.shape
        entries = {256: columns, 257: rows, 258: samples.dtype.itemsize * 8, 259: 1, 262: 1}
        entries |= {273: len(body), 277: 1, 278: rows, 279: len(data)} | tags
        body += data
        struct.pack_into(f"{order}I", body, link, len(body))
        body += struct.pack(f"{order}H", len(entries))
        for tag, value in sorted(entries.items()):
            body += struct.pack(f"{order}HHII", tag, 4, 1, value)
        link = len(body)
        body += bytes(4)
    return bytes(body)
