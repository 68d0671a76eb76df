from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passerelle_hw.camera.convert import bits_of, picture
from passerelle_hw.camera.frame import Format, Frame, Pixels
from support import peer

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS, COLUMNS = 48, 64
FFMPEG = {
    "YUYV": ("yuyv422", 2),
    "UYVY": ("uyvy422", 2),
    "NV12": ("nv12", 1),
    "RGB3": ("rgb24", 3),
    "BGR3": ("bgr24", 3),
}


def shown(
    data: bytes, pixels: Pixels, stride: int, *, full_range: bool = True
) -> NDArray[np.uint8]:
    given = Format(pixels=pixels, columns=COLUMNS, rows=ROWS, stride=stride, full_range=full_range)
    return np.asarray(picture(Frame(data=data, format=given, at_s=0.0, sequence=1)))


@pytest.mark.parametrize("pixels", FFMPEG)
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_are_those_that_ffmpeg_began_with(pixels: Pixels, full_range: bool) -> None:  # noqa: FBT001
    y, x = np.mgrid[0:ROWS, 0:COLUMNS] // 8 * 8
    colours = np.stack([x * 4, y * 5, 255 - x * 2 - y], axis=-1).astype(np.uint8)
    name, width = FFMPEG[pixels]
    scale = f"scale=out_color_matrix=bt601:out_range={'pc' if full_range else 'tv'},format={name}"
    raw = ["-f", "rawvideo", "-s", f"{COLUMNS}x{ROWS}"]
    command = [peer("ffmpeg"), "-v", "error", *raw, "-pix_fmt", "rgb24", "-i", "-", "-vf", scale]
    data = subprocess.run(
        [*command, *raw, "-pix_fmt", name, "-sws_flags", "accurate_rnd+full_chroma_int", "-"],
        input=colours.tobytes(),
        capture_output=True,
        check=True,
    ).stdout
    got = shown(data, pixels, COLUMNS * width, full_range=full_range)
    assert np.abs(got.astype(int) - colours)[4:-4, 4:-4].mean() < 2.5
    assert np.abs(got.astype(int) - colours).max() < 40, "chroma is shared at the edges of a block"


@pytest.mark.parametrize(("pixels", "bits"), [("Y10", 10), ("Y12", 12), ("Y16", 16)])
def test_deep_greys_keep_every_bit(pixels: Pixels, bits: int) -> None:
    samples = (np.arange(ROWS * COLUMNS) * 37 % (1 << bits)).astype("<u2").reshape(ROWS, COLUMNS)
    assert (shown(samples.tobytes(), pixels, 2 * COLUMNS) == samples).all()
    assert bits_of(Format(pixels=pixels, columns=1, rows=1)) == bits


def test_what_lies_between_the_lines_is_no_part_of_the_picture() -> None:
    padded = np.full((ROWS, COLUMNS + 16), 255, np.uint8)
    padded[:, :COLUMNS] = np.arange(COLUMNS)
    assert (shown(padded.tobytes(), "GREY", COLUMNS + 16) == np.arange(COLUMNS)).all()


def test_a_frame_that_is_too_short_is_no_picture() -> None:
    with pytest.raises(ValueError, match="buffer"):
        shown(bytes(10), "GREY", COLUMNS)
    with pytest.raises(ValueError, match="already"):
        shown(b"\xff\xd8", "MJPG", 0)
