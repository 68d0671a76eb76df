from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin

from passerelle.dicom.reading import read
from passerelle.errors import EncodingError
from passerelle.profile import PLAIN
from pictures_support import (
    COLUMNS,
    ROWS,
    colours,
    decoded,
    deep,
    encoded,
    frames,
    greys,
    only,
    picture_of,
    tiff,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SIGNED = {339: 2}
_FLOAT = {339: 3}
_WHITE_IS_ZERO = {262: 0}


def _pages(*images: NDArray[Any], **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    first, *others = [Image.fromarray(image) for image in images]
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=others, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("samples", [colours(), greys(), deep()], ids=["colour", "grey", "deep"])
def test_lossless_pages_stay_as_they_are(
    tmp_path: Path, samples: NDArray[Any], compression: str | None
) -> None:
    picture = picture_of(tmp_path, "a.tif", encoded(samples, "TIFF", compression=compression))

    assert (frames(picture)[0] == samples).all()
    assert (frames(picture)[0] == samples).all(), "and may be asked again"
    assert picture.bits_stored == samples.dtype.itemsize * 8
    assert picture.photometric == ("RGB" if samples.ndim == 3 else "MONOCHROME2")
    assert not picture.was_lossy
    assert picture.frame_times_ms == ()


@pytest.mark.parametrize("samples", [colours(), greys()], ids=["colour", "grey"])
def test_jpeg_inside_is_called_lossy(tmp_path: Path, samples: NDArray[Any]) -> None:
    data = encoded(samples, "TIFF", compression="jpeg")

    picture = picture_of(tmp_path, "a.tif", data)

    assert picture.was_lossy
    assert picture.lossy_ratio is not None
    assert 1 < picture.lossy_ratio < 100
    assert (frames(picture)[0] == decoded(data)).all()


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "P", "RGBA"])
def test_other_colours_become_rgb(tmp_path: Path, mode: str) -> None:
    data = encoded(colours(), "TIFF", mode)

    picture = picture_of(tmp_path, "a.tif", data)

    with Image.open(io.BytesIO(data)) as image:
        assert (frames(picture)[0] == np.asarray(image.convert("RGB"))).all()
    assert picture.photometric == "RGB"
    assert bool(picture.notes) == (mode in ("CMYK", "RGBA"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_give_the_same_samples(tmp_path: Path, order: Literal["<", ">"]) -> None:
    picture = picture_of(tmp_path, "a.tif", tiff([(deep(), {})], order))
    assert (frames(picture)[0] == deep()).all()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("dtype", "half"), [(np.int16, 32768), (np.int8, 128)])
def test_signed_samples_are_shifted_and_the_shift_is_told(
    tmp_path: Path, order: Literal["<", ">"], dtype: type, half: int
) -> None:
    signed: NDArray[Any] = np.linspace(-half, half - 1, ROWS * COLUMNS).astype(dtype)
    signed = signed.reshape(ROWS, COLUMNS)

    picture = picture_of(tmp_path, "a.tif", tiff([(signed, _SIGNED)], order))

    assert picture.rescale_intercept == -half
    assert (frames(picture)[0].astype(int) + picture.rescale_intercept == signed).all()
    assert frames(picture)[0].dtype.kind == "u"
    assert picture.bits_stored == signed.dtype.itemsize * 8


@pytest.mark.parametrize("samples", [greys(), deep()], ids=["8 bits", "16 bits"])
def test_white_that_is_zero_is_turned_round(tmp_path: Path, samples: NDArray[Any]) -> None:
    picture = picture_of(tmp_path, "a.tif", tiff([(samples, _WHITE_IS_ZERO)]))
    assert (frames(picture)[0] == np.iinfo(samples.dtype).max - samples).all()
    assert picture.photometric == "MONOCHROME2"


def test_twelve_packed_bits_are_twelve_stored_bits(tmp_path: Path) -> None:
    packed = np.frombuffer(bytes.fromhex("001002 003004") * 2, np.uint8).reshape(2, 6)
    data = tiff([(packed, {256: 4, 258: 12})])

    picture = picture_of(tmp_path, "a.tif", data)

    assert frames(picture)[0].tolist() == [[1, 2, 3, 4], [1, 2, 3, 4]]
    assert (picture.bits_allocated, picture.bits_stored) == (16, 12)


@pytest.mark.parametrize(
    ("samples", "tags", "reason"),
    [
        (deep().astype(np.float32), _FLOAT, "floating point"),
        (deep().astype(np.int32), _SIGNED, "32 bits a sample"),
        (deep().astype(np.uint32), {}, "32 bits a sample"),
    ],
)
def test_what_dicom_cannot_hold_is_refused(
    tmp_path: Path, samples: NDArray[Any], tags: dict[int, int], reason: str
) -> None:
    with pytest.raises(EncodingError, match=f"TIFF: .*{reason}"):
        picture_of(tmp_path, "a.tif", tiff([(samples, tags)]))


def test_sixteen_bits_of_colour_are_refused_and_not_halved(tmp_path: Path) -> None:
    data = bytearray(encoded(colours(), "TIFF"))
    with Image.open(io.BytesIO(data)) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        assert image.tag_v2[258] == (8, 8, 8)
    bits = bytes(data).index(b"\x08\0\x08\0\x08\0")
    data[bits : bits + 6] = b"\x10\0\x10\0\x10\0"
    with pytest.raises(EncodingError, match="16 bits a sample with colour"):
        picture_of(tmp_path, "a.tif", bytes(data))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_page_is_made_upright(tmp_path: Path, orientation: int) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274] = orientation
    turned = Image.fromarray(colours())
    turned.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(turned))

    picture = picture_of(tmp_path, "a.tif", encoded(colours(), "TIFF", tiffinfo=tags))

    assert (frames(picture)[0] == expected).all()
    assert (picture.rows, picture.columns) == expected.shape[:2]


def test_pages_that_are_alike_are_frames_of_one_picture(tmp_path: Path) -> None:
    pages = [greys(), greys()[::-1], greys() // 2]

    picture = picture_of(tmp_path, "a.tif", _pages(*pages, compression="tiff_lzw"))

    assert picture.frame_count == 3
    for frame, page in zip(frames(picture), pages, strict=True):
        assert (frame == page).all()


@pytest.mark.parametrize(
    "second", [greys()[:, 1:], deep(), colours()], ids=["size", "depth", "colour"]
)
def test_pages_that_differ_are_pictures_of_their_own(tmp_path: Path, second: NDArray[Any]) -> None:
    pages = [greys(), second, greys()]

    pictures = read(written(tmp_path, "a.tif", _pages(*pages)), PLAIN)

    assert [picture.frame_count for picture in pictures] == [1, 1, 1]
    for picture, page in zip(pictures, pages, strict=True):
        assert (frames(picture)[0] == page).all()


@pytest.mark.parametrize("kind", [1, 4])
def test_previews_and_masks_are_left_out_and_told(tmp_path: Path, kind: int) -> None:
    picture = picture_of(
        tmp_path, "a.tif", tiff([(deep(), {}), (deep()[::4, ::4].copy(), {254: kind})])
    )
    assert (frames(picture)[0] == deep()).all()
    assert picture.notes == ("1 previews or masks were left out",)


def test_nothing_but_previews_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="previews and masks only"):
        picture_of(tmp_path, "a.tif", tiff([(greys(), {254: 1}), (greys(), {254: 1})]))


def test_a_single_page_that_calls_itself_a_preview_is_taken(tmp_path: Path) -> None:
    picture = picture_of(tmp_path, "a.tif", tiff([(greys(), {254: 1})]))
    assert picture.frame_count == 1


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_every_cut_that_takes_part_of_a_page_is_refused(
    tmp_path: Path, compression: str | None
) -> None:
    data = _pages(colours(), colours()[::-1], compression=compression)
    last_link = 8  # and its padding: both pages are whole without it
    for end in {*range(4, len(data) - last_link, len(data) // 60), len(data) - last_link}:
        path = written(tmp_path, "a.tif", data[:end])
        with pytest.raises(EncodingError, match="TIFF: "):
            list(only(read(path, PLAIN)).frames())


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="more pixels than is taken"):
        picture_of(tmp_path, "a.tif", tiff([(greys(), {256: 60_000, 257: 60_000})]))


def test_many_large_pages_of_few_bytes_are_refused_by_their_headers(tmp_path: Path) -> None:
    page = (greys(), {256: 16_000, 257: 16_000})
    with pytest.raises(EncodingError, match="5 frames of 16000 x 16000 pixels"):
        picture_of(tmp_path, "a.tif", tiff([page] * 6))
