"""Each codec as the library that has it does it; all of them are imported when first used."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from passerelle.dicom.coding import HTJ2K, JPEG_2000, JPEG_BASELINE, JPEG_LS, RLE, Codec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from passerelle.dicom.coding import FrameShape

_BYTE: Final = 8


def _encode_jpeg_ls(samples: NDArray[Any], shape: FrameShape) -> bytes:
    from jpeg_ls import encode_buffer  # noqa: PLC0415 - 7 MB, only where it is used

    interleave = 0 if shape.samples == 1 else 2
    args = (shape.rows, shape.columns, shape.samples, shape.bits_stored, 0, interleave)
    encoded: bytes = encode_buffer(samples.tobytes(), *args)
    return encoded


def _decode_jpeg_ls(encoded: bytes, shape: FrameShape) -> NDArray[Any]:
    from jpeg_ls import decode_buffer  # noqa: PLC0415 - 7 MB, only where it is used

    data, info = decode_buffer(encoded)
    if info["allowed_lossy_error"] == 0 and info["bits_per_sample"] > shape.bits_allocated:
        msg = "deeper than announced"
        raise ValueError(msg)
    samples = np.frombuffer(data, dtype="u1" if info["bits_per_sample"] <= _BYTE else "<u2")
    if shape.samples > 1 and info["interleave_mode"] == 0:  # planes, as other makers write them
        return samples.reshape(shape.samples, shape.rows, shape.columns).transpose(1, 2, 0)
    return samples


def _encode_jpeg_2000(samples: NDArray[Any], shape: FrameShape) -> bytes:
    from openjpeg.utils import encode_array  # noqa: PLC0415 - an extra

    colour_space = 2 if shape.samples == 1 else 1
    encoded: bytes = encode_array(
        samples, bits_stored=shape.bits_stored, photometric_interpretation=colour_space
    )
    return encoded


def _decode_jpeg_2000(encoded: bytes, _shape: FrameShape) -> NDArray[Any]:
    from openjpeg.utils import decode as decode_stream  # noqa: PLC0415 - an extra

    samples: NDArray[Any] = decode_stream(encoded)
    return samples


def _encode_htj2k(samples: NDArray[Any], _shape: FrameShape) -> bytes:
    from imagecodecs import htj2k_encode  # noqa: PLC0415 - 150 MB, an extra

    return bytes(htj2k_encode(samples, reversible=True))


def _decode_htj2k(encoded: bytes, _shape: FrameShape) -> NDArray[Any]:
    from imagecodecs import htj2k_decode  # noqa: PLC0415 - 150 MB, an extra

    samples: NDArray[Any] = htj2k_decode(encoded)
    return samples


def _encode_rle(samples: NDArray[Any], shape: FrameShape) -> bytes:
    from pydicom.pixels.encoders.base import get_encoder  # noqa: PLC0415 - with its imports

    options = _options(shape)
    return get_encoder(RLE).encode(samples, encoding_plugin="pydicom", **options)


def _decode_rle(encoded: bytes, shape: FrameShape) -> NDArray[Any]:
    from pydicom.encaps import encapsulate  # noqa: PLC0415 - with its imports
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415 - with its imports

    options = {**_options(shape), "pixel_keyword": "PixelData"}
    samples, _ = get_decoder(RLE).as_array(encapsulate([encoded]), raw=True, **options)
    return samples


def _decode_jpeg(encoded: bytes, shape: FrameShape) -> NDArray[Any]:
    from PIL import Image  # noqa: PLC0415 - only where it is used

    with Image.open(io.BytesIO(encoded), formats=("JPEG",)) as image:
        if image.size != (shape.columns, shape.rows):  # before anything is decoded
            msg = "not of the announced size"
            raise ValueError(msg)
        return np.asarray(image.convert("L" if shape.samples == 1 else "RGB"))


def _decode_jpeg_lossless(encoded: bytes, _shape: FrameShape) -> NDArray[Any]:
    from imagecodecs import ljpeg_decode  # noqa: PLC0415 - 150 MB, an extra

    samples: NDArray[Any] = ljpeg_decode(encoded)
    return samples


def _options(shape: FrameShape) -> dict[str, Any]:
    return {
        "rows": shape.rows,
        "columns": shape.columns,
        "samples_per_pixel": shape.samples,
        "number_of_frames": 1,
        "bits_allocated": shape.bits_allocated,
        "bits_stored": shape.bits_stored,
        "pixel_representation": 0,
        "photometric_interpretation": "MONOCHROME2" if shape.samples == 1 else "RGB",
        "planar_configuration": 0,
    }


_JPEG: Final = Codec(name="JPEG", module="PIL", decode=_decode_jpeg)
_JPEG_LOSSLESS: Final = Codec(
    name="JPEG Lossless", module="imagecodecs", decode=_decode_jpeg_lossless
)
_JPEG_LS: Final = Codec(
    name="JPEG-LS",
    module="jpeg_ls",
    decode=_decode_jpeg_ls,
    encode=_encode_jpeg_ls,
    # pyjpegls 1.5.1 encodes 6 and 7 bits so that other decoders see another picture, and takes
    # samples of up to 8 bits for bytes.
    holds=lambda shape: (
        shape.bits_stored > shape.bits_allocated - _BYTE and shape.bits_stored >= _BYTE
    ),
)
_JPEG_2000: Final = Codec(
    name="JPEG 2000",
    module="openjpeg",
    decode=_decode_jpeg_2000,
    encode=_encode_jpeg_2000,
    colour="YBR_RCT",
)
_HTJ2K: Final = Codec(
    name="HTJ2K",
    module="imagecodecs",
    decode=_decode_htj2k,
    encode=_encode_htj2k,
    # OpenJPH is told the array's depth, and the stream must say Bits Stored (PS3.5 8.2.4).
    holds=lambda shape: shape.bits_stored == shape.bits_allocated,
    colour="YBR_RCT",
)
_RLE: Final = Codec(
    name="RLE",
    module="pydicom",
    decode=_decode_rle,
    encode=_encode_rle,
    # pydicom 3.0.2 leaves out a byte of which no bit is stored, and misses it when it decodes.
    holds=lambda shape: shape.bits_stored > shape.bits_allocated - _BYTE,
)

#: Every encoded transfer syntax that can be read here; those with an encoder are lossless.
CODECS: Final[dict[str, Codec]] = {
    JPEG_BASELINE: _JPEG,
    "1.2.840.10008.1.2.4.51": _JPEG,
    "1.2.840.10008.1.2.4.57": _JPEG_LOSSLESS,
    "1.2.840.10008.1.2.4.70": _JPEG_LOSSLESS,
    JPEG_LS: _JPEG_LS,
    "1.2.840.10008.1.2.4.81": _JPEG_LS,
    JPEG_2000: _JPEG_2000,
    "1.2.840.10008.1.2.4.91": _JPEG_2000,
    HTJ2K: _HTJ2K,
    "1.2.840.10008.1.2.4.202": _HTJ2K,
    RLE: _RLE,
}
