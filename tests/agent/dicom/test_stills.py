from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from passerelle.dicom.reading import read
from passerelle.errors import EncodingError
from passerelle.profile import PLAIN
from pictures_support import (
    COLUMNS,
    ROWS,
    colours,
    deep,
    encoded,
    frames,
    greys,
    picture_of,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

_HALF = np.where(np.arange(COLUMNS) < COLUMNS // 2, 0, 255).astype(np.uint8)
_ON_BLACK = ("transparent parts are shown on black",)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _png(columns: int, rows: int, depth: int, colour: int, row: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    packed = zlib.compress((b"\0" + row) * rows)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _moving(kind: str, mode: str, durations: list[int] | None = None) -> bytes:
    first = Image.fromarray(colours()).convert(mode)
    others = [ImageOps.flip(first), ImageOps.mirror(first)]
    buffer = io.BytesIO()
    options: dict[str, Any] = {"duration": durations} if durations else {}
    first.save(buffer, kind, save_all=True, append_images=others, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
@pytest.mark.parametrize("samples", [colours(), greys()], ids=["colour", "grey"])
def test_eight_bits_stay_as_they_are(tmp_path: Path, kind: str, samples: np.ndarray) -> None:
    picture = picture_of(tmp_path, "a", encoded(samples, kind))

    assert (frames(picture)[0] == samples).all()
    assert (frames(picture)[0] == samples).all(), "and may be asked again"
    assert picture.samples == (3 if samples.ndim == 3 else 1)
    assert picture.photometric == ("RGB" if samples.ndim == 3 else "MONOCHROME2")
    assert (picture.bits_allocated, picture.bits_stored) == (8, 8)
    assert not picture.was_lossy
    assert picture.lossy_ratio is None
    assert picture.frame_times_ms == ()


def test_sixteen_bits_of_grey_stay_as_they_are(tmp_path: Path) -> None:
    picture = picture_of(tmp_path, "a.png", encoded(deep(), "PNG"))

    assert (frames(picture)[0] == deep()).all()
    assert frames(picture)[0].dtype == np.uint16
    assert (picture.bits_allocated, picture.bits_stored) == (16, 16)


@pytest.mark.parametrize(("colour", "row"), [(2, bytes(48)), (4, bytes(32)), (6, bytes(64))])
def test_sixteen_bits_with_colour_or_transparency_are_refused(
    tmp_path: Path, colour: int, row: bytes
) -> None:
    with pytest.raises(EncodingError, match="PNG: 16 bits a sample"):
        picture_of(tmp_path, "a.png", _png(8, 8, 16, colour, row))


@pytest.mark.parametrize(
    ("depth", "row"), [(1, b"\x55"), (2, b"\x1b\x1b"), (4, b"\x01\x23\x45\x67")]
)
def test_fewer_bits_are_spread_over_eight(tmp_path: Path, depth: int, row: bytes) -> None:
    picture = picture_of(tmp_path, "a.png", _png(8, 2, depth, 0, row))

    digits = "".join(f"{byte:08b}" for byte in row)
    values = [int(digits[at : at + depth], 2) for at in range(0, 8 * depth, depth)]
    expected = [value * 255 // ((1 << depth) - 1) for value in values]
    assert frames(picture)[0].tolist() == [expected, expected]
    assert picture.bits_stored == 8


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
def test_one_bit_becomes_black_and_white(tmp_path: Path, kind: str) -> None:
    picture = picture_of(tmp_path, "a", encoded(greys(), kind, "1"))
    assert set(np.unique(frames(picture)[0])) == {0, 255}
    assert picture.samples == 1


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
def test_a_palette_of_colours_becomes_rgb(tmp_path: Path, kind: str) -> None:
    with Image.fromarray(colours()).quantize(16) as image:
        buffer = io.BytesIO()
        image.save(buffer, kind)
        expected = np.asarray(image.convert("RGB"))

    picture = picture_of(tmp_path, "a", buffer.getvalue())

    assert picture.photometric == "RGB"
    assert (frames(picture)[0] == expected).all()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
def test_a_palette_of_greys_becomes_grey(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(greys() // 32).convert("P")
    image.putpalette([value for grey in range(8) for value in [grey * 36] * 3])
    buffer = io.BytesIO()
    image.save(buffer, kind)

    picture = picture_of(tmp_path, "a", buffer.getvalue())

    assert picture.photometric == "MONOCHROME2"
    assert (frames(picture)[0] == greys() // 32 * 36).all()


@pytest.mark.parametrize("samples", [colours(), greys()], ids=["colour", "grey"])
def test_what_is_transparent_is_shown_on_black(tmp_path: Path, samples: np.ndarray) -> None:
    alpha = np.broadcast_to(_HALF, (ROWS, COLUMNS))[..., None]
    layered = np.concatenate([samples.reshape(ROWS, COLUMNS, -1), alpha], axis=-1)

    picture = picture_of(tmp_path, "a.png", encoded(layered, "PNG"))

    expected = samples.copy()
    expected[:, : COLUMNS // 2] = 0
    assert (frames(picture)[0] == expected).all()
    assert picture.notes == _ON_BLACK


def test_an_alpha_channel_that_hides_nothing_goes_without_a_word(tmp_path: Path) -> None:
    picture = picture_of(tmp_path, "a.png", encoded(colours(), "PNG", "RGBA"))
    assert (frames(picture)[0] == colours()).all()
    assert picture.notes == ()


def test_a_transparent_colour_is_shown_on_black(tmp_path: Path) -> None:
    image = Image.fromarray(colours()).quantize(16)
    buffer = io.BytesIO()
    image.save(buffer, "GIF", transparency=3)

    picture = picture_of(tmp_path, "a.gif", buffer.getvalue())

    hidden = np.asarray(image) == 3
    assert hidden.any()
    assert not frames(picture)[0][hidden].any()
    assert picture.notes == _ON_BLACK


def test_sixteen_bits_with_a_transparent_grey_keep_every_sample(tmp_path: Path) -> None:
    plain = encoded(deep(), "PNG")
    end_of_header = 8 + 25
    data = plain[:end_of_header] + _chunk(b"tRNS", b"\0\0") + plain[end_of_header:]
    picture = picture_of(tmp_path, "a.png", data)
    assert (frames(picture)[0] == deep()).all()
    assert picture.notes == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_png_that_says_how_to_turn_it_is_made_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(colours(), "PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))

    picture = picture_of(tmp_path, "a.png", data)

    assert (frames(picture)[0] == expected).all()
    assert (picture.rows, picture.columns) == expected.shape[:2]


def test_a_bottom_up_and_a_top_down_bitmap_are_the_same(tmp_path: Path) -> None:
    bottom_up = encoded(colours(), "BMP")
    body = bottom_up[54:]
    rows = [body[at : at + COLUMNS * 3] for at in range(0, len(body), COLUMNS * 3)]
    top_down = bottom_up[:22] + struct.pack("<i", -ROWS) + bottom_up[26:54] + b"".join(rows[::-1])

    for data in (bottom_up, top_down):
        assert (frames(picture_of(tmp_path, "a.bmp", data))[0] == colours()).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_moving_picture_becomes_frames_in_time(tmp_path: Path, kind: str) -> None:
    picture = picture_of(tmp_path, "a", _moving(kind, "L", [40, 60, 80]))

    first, flipped, mirrored = frames(picture)
    grey = np.asarray(Image.fromarray(colours()).convert("L"))
    assert (first == grey).all()
    assert (flipped == grey[::-1]).all()
    assert (mirrored == grey[:, ::-1]).all()
    assert picture.frame_count == 3
    assert picture.frame_times_ms == (40.0, 60.0, 80.0)
    assert picture.photometric == "MONOCHROME2"


@pytest.mark.parametrize(("kind", "mode"), [("GIF", "P"), ("PNG", "RGB")])
def test_a_moving_picture_in_colour_stays_in_colour(tmp_path: Path, kind: str, mode: str) -> None:
    picture = picture_of(tmp_path, "a", _moving(kind, mode, [40, 40, 40]))
    assert picture.photometric == "RGB"
    assert [frame.shape for frame in frames(picture)] == [(ROWS, COLUMNS, 3)] * 3
    assert (frames(picture)[0][0] != frames(picture)[1][0]).any()


def test_frames_without_a_time_are_shown_as_viewers_do(tmp_path: Path) -> None:
    picture = picture_of(tmp_path, "a.gif", _moving("GIF", "L"))
    assert picture.frame_times_ms == (100.0, 100.0, 100.0)
    assert picture.notes == ("frames without a time last 100 ms",)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("PNG", encoded(colours(), "PNG")),
        ("PNG", _moving("PNG", "RGB", [40, 40, 40])),
        ("GIF", _moving("GIF", "L", [40, 60, 80])),
        ("GIF", encoded(greys(), "GIF")),
        ("BMP", encoded(colours(), "BMP")),
        ("BMP", encoded(greys(), "BMP", "1")),
    ],
    ids=["png", "apng", "moving gif", "gif", "bmp", "bmp of one bit"],
)
def test_every_cut_is_refused(tmp_path: Path, kind: str, data: bytes) -> None:
    for end in {*range(8, len(data), max(1, len(data) // 60)), len(data) - 1}:
        with pytest.raises(EncodingError, match=f"{kind}: "):
            read(written(tmp_path, "a", data[:end]), PLAIN)


def test_every_flipped_bit_of_a_png_is_noticed(tmp_path: Path) -> None:
    data = encoded(colours(), "PNG")  # Pillow alone shows another picture for 31 of these
    for place in range(8, len(data)):
        broken = bytearray(data)
        broken[place] ^= 0x10
        with pytest.raises(EncodingError, match="PNG: "):
            read(written(tmp_path, "a.png", bytes(broken)), PLAIN)


@pytest.mark.parametrize(
    ("columns", "rows", "reason"),
    [
        (60_000, 60_000, "more pixels than is taken"),
        (20_000, 20_000, "20000 x 20000 pixels are more than is taken"),
        (70_000, 2, "at most 65535 a side"),
    ],
)
def test_a_bomb_is_refused_by_its_header(
    tmp_path: Path, columns: int, rows: int, reason: str
) -> None:
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")
    with pytest.raises(EncodingError, match=reason):
        picture_of(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n" + chunks)


def test_a_sequence_of_large_and_empty_frames_is_refused_by_its_headers(tmp_path: Path) -> None:
    screen = b"GIF89a" + struct.pack("<HHBBB", 16_000, 16_000, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 16_000, 16_000, 0) + b"\x02\x02\x4c\x01\x00"
    with pytest.raises(EncodingError, match="6 frames of 16000 x 16000 pixels"):
        picture_of(tmp_path, "a.gif", screen + frame * 6 + b"\x3b")


def test_damage_between_the_blocks_of_a_gif_is_refused(tmp_path: Path) -> None:
    data = encoded(greys(), "GIF")
    with pytest.raises(EncodingError, match="GIF: damaged"):
        picture_of(tmp_path, "a.gif", data[:-1] + b"\x99" + data[-1:])
