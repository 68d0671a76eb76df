"""What a worker is asked in tests: requests, and a file of every kind."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from passerelle.profile import PLAIN, Profile
from pictures_support import colours, deep, encoded, greys, tiff, written

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_EQUIPMENT = {
    "modality": "OT",
    "manufacturer": "",
    "model_name": "",
    "device_serial_number": "",
    "station_name": "",
    "institution_name": "",
    "department_name": "",
}


def wrapping(media: Path, profile: Profile = PLAIN, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    sha256 = hashlib.sha256(media.read_bytes()).hexdigest()
    into = media.parent / "into"
    into.mkdir(exist_ok=True)
    return {
        "media": str(media),
        "sha256": sha256,
        "origin": {
            "agent": "ward",
            "source": "camera",
            "name": media.name,
            "sha256": sha256,
            "sidecar_sha256": "",
        },
        "attributes": {"PatientID": "42", "PatientName": "Müller^Änne"},
        "equipment": _EQUIPMENT,
        "profile": profile.model_dump(mode="json"),
        "into": str(into),
        "number": 7,
        "acquired_at": "2026-01-31T23:59:58.5+01:00",
        **changes,
    }


def wrapping_of(media: Path, profile: Profile) -> dict[str, Any]:
    """As `wrapping`, of a file too large to read at once."""
    with media.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    body = wrapping(written(media.parent, "small", b"x"), profile)
    return body | {"media": str(media), "sha256": sha256}


def _pages(*images: NDArray[Any]) -> bytes:
    first, *others = [Image.fromarray(image) for image in images]
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


def _moving(*images: NDArray[Any]) -> bytes:
    first, *others = [Image.fromarray(image) for image in images]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=[40, 60])
    return buffer.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif.update({0x010F: "ACME", 0x0110: "Camera", 0x0131: "1.0"})
    exif.get_ifd(0x8769).update({0x9003: "2026:01:30 10:11:12", 0x829A: 0.008, 0x8827: 400})
    return exif


FILES = {
    "a.png": encoded(colours(), "PNG"),
    "grey.png": encoded(greys(), "PNG"),
    "deep.png": encoded(deep(), "PNG"),
    "bits.png": encoded(greys(), "PNG", "1"),
    "palette.png": encoded(colours(), "PNG", "P"),
    "alpha.png": encoded(colours(), "PNG", "RGBA"),
    "444.jpg": encoded(colours(), "JPEG", subsampling=0),
    "420.jpg": encoded(colours(), "JPEG", subsampling=2),
    "odd.jpg": encoded(np.ascontiguousarray(colours()[1:, 1:]), "JPEG"),
    "rgb.jpg": encoded(colours(), "JPEG", keep_rgb=True, subsampling=0),
    "grey.jpg": encoded(greys(), "JPEG"),
    "exif.jpg": encoded(colours(), "JPEG", exif=_exif()),
    "progressive.jpg": encoded(colours(), "JPEG", progressive=True),
    "cmyk.jpg": encoded(colours(), "JPEG", "CMYK"),
    "a.bmp": encoded(colours(), "BMP"),
    "moving.gif": _moving(greys(), greys()[::-1]),
    "pages.tif": _pages(deep(), deep()[::-1]),
    "mixed.tif": _pages(deep(), greys(), colours()),
    "signed.tif": tiff([(deep().astype(np.int16), {339: 2})]),
    "lossy.tif": encoded(colours(), "TIFF", compression="jpeg"),
    "dot.png": encoded(np.zeros((1, 1), np.uint8), "PNG"),
}


#: What the other two classes have no place for: more than 8 bits, or values below zero.
DEEP = frozenset({"deep.png", "pages.tif", "mixed.tif", "signed.tif"})
