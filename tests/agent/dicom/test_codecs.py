from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from passerelle.dicom import codecs
from passerelle.dicom.coders import CODECS
from passerelle.dicom.coding import (
    EXPLICIT,
    HTJ2K,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LS,
    RLE,
    FrameShape,
)
from passerelle.errors import EncodingError
from pictures_support import colours, deep, encoded, greys

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOSSLESS = (JPEG_LS, JPEG_2000, HTJ2K, RLE)


def shape_of(frame: NDArray[Any], bits_stored: int | None = None) -> FrameShape:
    bits = frame.dtype.itemsize * 8
    return FrameShape(
        rows=frame.shape[0],
        columns=frame.shape[1],
        samples=frame.shape[2] if frame.ndim > 2 else 1,
        bits_allocated=bits,
        bits_stored=bits_stored or bits,
    )


def need(syntax: str) -> None:
    pytest.importorskip(CODECS[syntax].module)


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("frame", [colours(), greys(), deep()], ids=["colour", "grey", "deep"])
def test_a_frame_comes_back_as_it_went(syntax: str, frame: NDArray[Any]) -> None:
    need(syntax)
    shape = shape_of(frame)

    encoded_frame = codecs.encode(frame, shape, syntax)

    assert (codecs.decode(encoded_frame, shape, syntax) == frame).all()


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 16])
@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000, RLE])
def test_every_depth_comes_back(syntax: str, bits: int) -> None:
    need(syntax)
    frame = deep(bits)
    shape = shape_of(frame, bits)
    if not codecs.can_encode(syntax, shape):
        assert bits == 8  # in 16: encoders take them for bytes, or leave one out
        return

    assert (codecs.decode(codecs.encode(frame, shape, syntax), shape, syntax) == frame).all()


def test_a_frame_that_is_a_view_is_encoded_as_it_is_seen() -> None:
    turned = np.rot90(colours())

    encoded_frame = codecs.encode(turned, shape_of(turned), JPEG_LS)

    assert (codecs.decode(encoded_frame, shape_of(turned), JPEG_LS) == turned).all()


def test_a_codec_that_gives_back_another_frame_is_noticed() -> None:
    def with_one_bit_wrong(encoded_frame: bytes, shape: FrameShape) -> NDArray[Any]:
        samples = CODECS[JPEG_LS].decode(encoded_frame, shape).copy()
        samples.flat[7] ^= 1
        return samples

    lying = dataclasses.replace(CODECS[JPEG_LS], decode=with_one_bit_wrong)

    with pytest.raises(codecs.Unsuitable, match="JPEG-LS: the encoder did not give back"):
        codecs.encode_with(lying, greys(), shape_of(greys()))


def test_a_codec_that_refuses_is_unsuitable_and_not_a_crash() -> None:
    pixel = np.zeros((1, 1), dtype=np.uint8)

    with pytest.raises(codecs.Unsuitable, match="JPEG-LS: the encoder refuses"):
        codecs.encode(pixel, shape_of(pixel), JPEG_LS)


def test_a_frame_of_another_size_than_announced_is_refused() -> None:
    with pytest.raises(EncodingError, match="not of the size and depth"):
        codecs.encode(greys()[:-1], shape_of(greys()), EXPLICIT)


def test_the_first_syntax_of_the_profile_that_can_hold_it_comes_first_and_none_last() -> None:
    wanted = codecs.candidates(("RLELossless", "JPEGLSLossless"), shape_of(greys()))

    assert list(wanted) == [RLE, JPEG_LS, EXPLICIT]


@pytest.mark.parametrize("bits", [1, 6, 7])
def test_jpeg_ls_is_never_used_below_eight_bits(bits: int) -> None:
    assert not codecs.can_encode(JPEG_LS, shape_of(greys(), bits))


def test_htj2k_is_not_used_where_its_stream_would_tell_another_depth() -> None:
    need(HTJ2K)
    assert not codecs.can_encode(HTJ2K, shape_of(deep(12), 12))
    assert codecs.can_encode(HTJ2K, shape_of(deep()))


def test_a_syntax_without_its_library_is_passed_over() -> None:
    absent = dataclasses.replace(CODECS[JPEG_2000], module="no_such_library")

    assert not absent.is_here


@pytest.mark.parametrize(
    ("syntax", "native", "stored"),
    [
        (JPEG_LS, "RGB", "RGB"),
        (JPEG_2000, "RGB", "YBR_RCT"),
        (HTJ2K, "RGB", "YBR_RCT"),
        (JPEG_2000, "MONOCHROME2", "MONOCHROME2"),
        (EXPLICIT, "RGB", "RGB"),
    ],
)
def test_the_photometric_interpretation_is_the_one_of_the_stream(
    syntax: str, native: str, stored: str
) -> None:
    assert codecs.photometric(syntax, native) == stored


@pytest.mark.parametrize("syntax", [JPEG_BASELINE, *LOSSLESS])
def test_a_damaged_frame_is_an_encoding_error(syntax: str) -> None:
    need(syntax)

    with pytest.raises(EncodingError, match="cannot be decoded"):
        codecs.decode(b"\xff\xd8 not a frame", shape_of(greys()), syntax)


def test_a_jpeg_of_another_size_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(EncodingError, match="JPEG: the encoded frame cannot be decoded"):
        codecs.decode(encoded(greys(), "JPEG"), shape_of(greys()[:8]), JPEG_BASELINE)


def test_a_syntax_nobody_knows_has_no_decoder() -> None:
    with pytest.raises(EncodingError, match=r"1\.2\.3: no decoder here"):
        codecs.decode(b"", shape_of(greys()), "1.2.3")


def test_another_makers_jpeg_ls_by_planes_is_read_too() -> None:
    from jpeg_ls import encode_buffer  # noqa: PLC0415 - what is under test imports it late too

    planes = np.ascontiguousarray(colours().transpose(2, 0, 1))
    rows, columns, samples = colours().shape
    encoded_frame = bytes(encode_buffer(planes.tobytes(), rows, columns, samples, 8, 0, 0))

    decoded = codecs.decode(encoded_frame, shape_of(colours()), JPEG_LS)

    assert (decoded == colours()).all()


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_noise_stays_below_the_bound_that_offsets_rely_on(syntax: str) -> None:
    need(syntax)
    noise = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    try:
        encoded_frame = codecs.encode(noise, shape_of(noise), syntax)
    except codecs.Unsuitable:
        return  # pyjpegls gives up on noise; the next codec takes it
    assert len(encoded_frame) <= codecs.largest(shape_of(noise))
