"""JPEG files: baseline ones keep their own bytes, all others are decoded."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from passerelle.dicom import jpeg
from passerelle.dicom.decoding import check_size, is_grey, opened, samples, translated, upright
from passerelle.dicom.media import open_media
from passerelle.dicom.metadata import Exif, icc_profile
from passerelle.dicom.picture import Picture
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.dicom.picture import Samples
    from passerelle.profile import SopClassName

_BASELINE: Final = "1.2.840.10008.1.2.4.50"
#: Ultrasound and VL classes allow RGB without loss only (PS3.3 C.8.5.6.1.2, C.8.12.1.1.1).
_TAKES_RGB: Final = "SecondaryCapture"
_LIMIT: Final = 256 << 20
_BYTE: Final = 8
_UPRIGHT: Final = 1
_INKS: Final = 4


def read_jpeg(media: Path, sop_class: SopClassName) -> list[Picture]:
    """The picture of a JPEG file, for an object of this class.

    Baseline, upright and of a colour space that the class has: the device's own bytes, less
    what tells about the picture, after one decoding that shows that they can be decoded. All
    else is decoded and turned upright.

    Raises:
        EncodingError: It is damaged, cut off, too large, or of a kind that cannot be decoded.
        Changed: The file cannot be read.
    """
    with open_media(media) as file, translated("JPEG"):
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        msg = f"JPEG: larger than is taken ({_LIMIT} bytes)"
        raise EncodingError(msg)
    stream = jpeg.parse(data)
    check_size("JPEG", stream.rows, stream.columns, size=len(data))
    exif = Exif.parse(stream.exif)
    clean = jpeg.without_metadata(data, stream)
    photometric = stays(stream, sop_class)
    if photometric and exif.orientation == _UPRIGHT:
        picture = _verbatim(clean, stream, photometric)
    else:
        picture = _decoded(clean, stream, exif.orientation)
    attributes = exif.attributes()
    if sop_class == "VLPhotographic":
        attributes |= exif.photographic()
    notes = (*picture.notes, *tables_note(stream), *_follows(data[stream.end :]))
    return [replace(picture, attributes=attributes, notes=notes)]


def stays(stream: jpeg.Stream, sop_class: SopClassName) -> str | None:
    """The Photometric Interpretation with which it stays as it is in this class, if it can."""
    photometric = stream.photometric
    return None if photometric == "RGB" and sop_class != _TAKES_RGB else photometric


@contextmanager
def checked(clean: bytes) -> Iterator[Image.Image]:
    """The stream after one decoding that shows that it can be decoded.

    Raises:
        EncodingError: It cannot.
    """
    with opened(io.BytesIO(clean), "JPEG") as image:
        # Every bit is decoded, as for the picture itself, but only to an eighth of its size.
        image.draft(image.mode, (1, 1))
        image.load()
        yield image


def _verbatim(clean: bytes, stream: jpeg.Stream, photometric: str) -> Picture:
    bands = len(stream.components)
    with checked(clean) as image:
        profile, complaint = icc_profile(image.info.get("icc_profile"), samples=bands)
    return Picture(
        format="JPEG",
        rows=stream.rows,
        columns=stream.columns,
        samples=bands,
        bits_allocated=_BYTE,
        bits_stored=_BYTE,
        photometric=photometric,
        frames=lambda: iter((clean,)),
        verbatim_syntax=_BASELINE,
        was_lossy=True,
        lossy_ratio=ratio(stream, len(clean)),
        icc_profile=profile,
        notes=(complaint,) if complaint else (),
    )


def _decoded(clean: bytes, stream: jpeg.Stream, orientation: int) -> Picture:
    if stream.precision == _BYTE:
        frame, profile, complaint = by_pillow(clean, orientation)
    else:
        frame, profile, complaint = _deep(clean, stream, orientation), None, ""
    bands = 3 if frame.ndim > 2 else 1  # noqa: PLR2004 - rows and columns
    inks = "CMYK was converted to RGB without its colour profile"
    notes = (complaint, inks if len(stream.components) == _INKS else "")
    return Picture(
        format="JPEG",
        rows=frame.shape[0],
        columns=frame.shape[1],
        samples=bands,
        bits_allocated=frame.dtype.itemsize * 8,
        bits_stored=stream.precision,
        photometric="MONOCHROME2" if bands == 1 else "RGB",
        frames=lambda: iter((frame,)),
        was_lossy=not stream.is_lossless,
        lossy_ratio=None if stream.is_lossless else ratio(stream, len(clean)),
        icc_profile=profile,
        notes=tuple(filter(None, notes)),
    )


def by_pillow(clean: bytes, orientation: int) -> tuple[Samples, bytes | None, str]:
    """The samples of a stream of 8 bits, its ICC profile, and what is wrong with that."""
    with opened(io.BytesIO(clean), "JPEG") as image:
        image.load()
        frame = samples(upright(image, orientation), colour=not is_grey(image))
        bands = 1 if is_grey(image) else 3
        # A profile of inks went into the note about them.
        profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
        return frame, *icc_profile(profile, samples=bands)


def _deep(clean: bytes, stream: jpeg.Stream, orientation: int) -> Samples:
    """More than 8 bits, which Pillow does not read."""
    if len(stream.components) > 1:
        msg = f"JPEG: {stream.precision} bits a colour sample have no place in DICOM; export 8"
        raise EncodingError(msg)
    if find_spec("imagecodecs") is None:
        msg = f"JPEG: {stream.precision} bits need the decoder that passerelle[htj2k] installs"
        raise EncodingError(msg)
    import imagecodecs  # noqa: PLC0415 - large and optional

    with translated("JPEG"):
        frame = np.asarray(imagecodecs.jpeg8_decode(clean), dtype=np.uint16)
    if frame.shape != (stream.rows, stream.columns):
        msg = "JPEG: damaged (the pixels are not as many as the header says)"
        raise EncodingError(msg)
    if int(frame.max()) >> stream.precision:
        msg = f"JPEG: damaged (samples exceed the {stream.precision} bits that its header says)"
        raise EncodingError(msg)
    return np.ascontiguousarray(upright(Image.fromarray(frame), orientation))


def ratio(stream: jpeg.Stream, size: int, frames: int = 1) -> float:
    """Bytes of so many frames before compression to the `size` bytes after it."""
    samples = stream.rows * stream.columns * len(stream.components) * frames
    return max(round(samples * -(-stream.precision // 8) / size, 2), 1.0)


def tables_note(stream: jpeg.Stream) -> tuple[str, ...]:
    """What an operator should know of the tables that `jpeg.without_metadata` put in."""
    note = (
        "the camera leaves out the Huffman tables; the standard ones (ITU-T T.81 K.3) were put in"
    )
    return (note,) if stream.lacks_tables else ()


def _follows(trailer: bytes) -> tuple[str, ...]:
    size = len(trailer.strip(b"\0"))
    return (f"{size} bytes after the end of the picture were left out",) if size else ()
