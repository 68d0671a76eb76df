"""Lossless encoding of one frame at a time, and the decoding that proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from passerelle.dicom.coders import CODECS
from passerelle.dicom.coding import NATIVE, SYNTAXES
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from passerelle.dicom.coding import Codec, FrameShape
    from passerelle.dicom.picture import Samples
    from passerelle.profile import SyntaxName


class Unsuitable(EncodingError):
    """This codec cannot do it; another may."""


def candidates(wanted: Sequence[SyntaxName], shape: FrameShape) -> Iterator[str]:
    """The transfer syntaxes of `wanted` that could hold a frame, in order; then none at all."""
    for name in (*wanted, "None"):
        syntax = SYNTAXES[name]
        if can_encode(syntax, shape):
            yield syntax


def can_encode(syntax: str, shape: FrameShape) -> bool:
    """Whether frames of this shape may be encoded so, as far as can be told before trying."""
    if syntax in NATIVE:
        return True
    codec = CODECS.get(syntax)
    return bool(codec and codec.encode and codec.holds(shape) and codec.is_here)


def photometric(syntax: str, native: str) -> str:
    """The Photometric Interpretation once encoded (PS3.5 8.2.4: the reversible transform)."""
    return CODECS[syntax].colour if native == "RGB" and syntax in CODECS else native


def largest(shape: FrameShape) -> int:
    """Bytes that no encoded frame exceeds; noise grows a little, and headers come on top."""
    return shape.size * 5 // 4 + 4096


def encode(frame: Samples, shape: FrameShape, syntax: str) -> bytes:
    """Encode a frame, decode it back and compare every sample.

    Raises:
        EncodingError: The frame is not what was announced.
        Unsuitable: The codec refuses the frame or does not give back the same one.
    """
    if frame.shape != shape.dimensions or frame.dtype.itemsize != shape.dtype.itemsize:
        msg = "picture: a frame is not of the size and depth that its file announced"
        raise EncodingError(msg)
    samples = np.ascontiguousarray(frame, dtype=shape.dtype)
    if syntax in NATIVE:
        return samples.tobytes()
    return encode_with(CODECS[syntax], samples, shape)


def encode_with(codec: Codec, samples: NDArray[Any], shape: FrameShape) -> bytes:
    """Encode with one codec, decode back and compare.

    Raises:
        Unsuitable: The codec refuses the frame or does not give back the same one.
    """
    if codec.encode is None:
        msg = f"{codec.name}: no encoder"
        raise Unsuitable(msg)
    try:
        encoded = codec.encode(samples, shape)
    except (RuntimeError, ValueError) as error:
        msg = f"{codec.name}: the encoder refuses the frame"
        raise Unsuitable(msg) from error
    if not np.array_equal(decode_with(codec, encoded, shape), samples):
        msg = f"{codec.name}: the encoder did not give back the same frame"
        raise Unsuitable(msg)
    return encoded


def decode(encoded: bytes, shape: FrameShape, syntax: str) -> NDArray[Any]:
    """The samples of an encoded frame.

    Raises:
        EncodingError: There is no decoder, or the frame is damaged.
    """
    codec = CODECS.get(syntax)
    if codec is None or not codec.is_here:
        msg = f"{codec.name if codec else syntax}: no decoder here"
        raise EncodingError(msg)
    return decode_with(codec, encoded, shape)


def decode_with(codec: Codec, encoded: bytes, shape: FrameShape) -> NDArray[Any]:
    """The samples of a frame by one codec.

    Raises:
        Unsuitable: The frame is damaged, or not of this shape.
    """
    try:
        samples = codec.decode(encoded, shape)
        if samples.dtype.itemsize != shape.dtype.itemsize:
            samples = samples.astype(shape.dtype)
        return samples.reshape(shape.dimensions)
    except (RuntimeError, ValueError, OSError) as error:
        msg = f"{codec.name}: the encoded frame cannot be decoded"
        raise Unsuitable(msg) from error
