from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from passerelle_hw.camera.frame import Format, Frame, Pixels
from passerelle_hw.camera.look import digest, look, whole

MJPG = Format(pixels="MJPG", columns=320, rows=240)
BYTES: dict[Pixels, int] = {
    "YUYV": 2, "UYVY": 2, "NV12": 1, "GREY": 1, "Y10": 2, "Y12": 2, "Y16": 2, "RGB3": 3, "BGR3": 3,
}  # fmt: skip


def jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def scene() -> Image.Image:
    return Image.radial_gradient("L").resize((320, 240)).convert("RGB")


def frame(data: bytes, given: Format = MJPG) -> Frame:
    return Frame(data=data, format=given, at_s=0.0, sequence=1)


def raw(pixels: Pixels, samples: np.ndarray) -> tuple[bytes, Format]:
    """A frame whose luma are these samples of 8 bits."""
    rows, columns = samples.shape
    given = Format(pixels=pixels, columns=columns, rows=rows, stride=columns * BYTES[pixels])
    match pixels:
        case "GREY":
            return samples.tobytes(), given
        case "NV12":
            return samples.tobytes() + bytes([128]) * (samples.size // 2), given
        case "RGB3" | "BGR3":
            return samples.repeat(3).tobytes(), given
        case "YUYV" | "UYVY":
            pair = (samples, np.full_like(samples, 128))
            return np.stack(pair if pixels == "YUYV" else pair[::-1], axis=-1).tobytes(), given
        case _:
            bits = int(pixels[1:])
            return (samples.astype("<u2") << (bits - 8)).tobytes(), given


def test_a_whole_jpeg_is_itself_and_padding_is_none_of_it() -> None:
    data = jpeg(scene())
    assert whole(frame(data)) == data
    assert whole(frame(data + bytes(500))) == data


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_jpeg_that_is_cut_off_is_none(share: float) -> None:
    data = jpeg(scene())
    assert whole(frame(data[: int(share * len(data))])) is None


def test_what_is_no_jpeg_is_none() -> None:
    assert whole(frame(b"\xff\xd8 and something \xff\xd9")) is None
    assert whole(frame(b"junk" + jpeg(scene()))) is None


@pytest.mark.parametrize("pixels", BYTES)
def test_a_raw_frame_is_whole_by_its_length(pixels: Pixels) -> None:
    data, given = raw(pixels, np.zeros((24, 32), np.uint8))
    assert whole(frame(data, given)) == data
    assert whole(frame(data[:-1], given)) is None


def test_a_jpeg_that_shows_something_is_not_blank() -> None:
    seen = look(jpeg(scene()), MJPG)
    assert seen is not None
    assert not seen.is_blank
    for colour in ("black", (16, 16, 180), "grey"):
        blank = look(jpeg(Image.new("RGB", (320, 240), colour)), MJPG)
        assert blank is not None
        assert blank.is_blank


def test_a_jpeg_without_a_picture_in_it_tells_nothing() -> None:
    assert look(b"\xff\xd8\xff\xd9", MJPG) is None


@pytest.mark.parametrize("pixels", BYTES)
def test_the_luma_of_every_raw_format_is_found(pixels: Pixels) -> None:
    samples = np.asarray(scene().convert("L"))
    seen = look(*raw(pixels, samples))
    assert seen is not None
    assert seen.mean == pytest.approx(samples.mean(), abs=3)
    assert seen.deviation == pytest.approx(samples.std(), abs=3)
    flat = look(*raw(pixels, np.full_like(samples, 77)))
    assert flat is not None
    assert flat.is_blank


@pytest.mark.parametrize("pixels", ["MJPG", "YUYV"])
def test_frames_that_differ_have_digests_that_differ(pixels: Pixels) -> None:
    samples = np.asarray(scene().convert("L")).copy()
    data, given = (jpeg(scene()), MJPG) if pixels == "MJPG" else raw(pixels, samples)
    other = bytearray(data)
    other[10] ^= 1
    assert digest(frame(data, given)) == digest(replace(frame(data, given), sequence=9))
    assert digest(frame(data, given)) != digest(frame(bytes(other), given))
