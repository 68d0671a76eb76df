from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from passerelle.dicom.reading import read
from passerelle.errors import EncodingError
from passerelle.profile import PLAIN, Profile
from pictures_support import (
    COLUMNS,
    ROWS,
    colours,
    decoded,
    deep,
    encoded,
    frames,
    greys,
    picture_of,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from passerelle.profile import SopClassName

_BASELINE = "1.2.840.10008.1.2.4.50"


def _exif(tags: dict[int, Any]) -> Image.Exif:
    exif = Image.Exif()
    exif.update(tags)
    return exif


def test_a_baseline_stream_keeps_its_own_bytes(tmp_path: Path) -> None:
    data = encoded(colours(), "JPEG", quality=90)

    picture = picture_of(tmp_path, "a.jpg", data)

    assert list(picture.frames()) == [data]
    assert list(picture.frames()) == [data], "and may be asked again"
    assert picture.verbatim_syntax == _BASELINE
    assert (picture.rows, picture.columns, picture.samples) == (ROWS, COLUMNS, 3)
    assert (picture.bits_allocated, picture.bits_stored) == (8, 8)
    assert picture.was_lossy
    assert picture.lossy_ratio == round(ROWS * COLUMNS * 3 / len(data), 2)


def test_a_baseline_stream_loses_its_exif_and_nothing_else(tmp_path: Path) -> None:
    exif = _exif({0x010F: "ACME"})
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # GPSLatitude

    picture = picture_of(tmp_path, "a.jpg", encoded(colours(), "JPEG", exif=exif))

    assert list(picture.frames()) == [encoded(colours(), "JPEG")]
    assert picture.attributes == {"Manufacturer": "ACME"}


@pytest.mark.parametrize(
    ("sop_class", "stays"),
    [("SecondaryCapture", True), ("Ultrasound", False), ("VLPhotographic", False)],
)
def test_rgb_stays_only_where_the_class_takes_it_with_loss(
    tmp_path: Path, sop_class: SopClassName, *, stays: bool
) -> None:
    data = encoded(colours(), "JPEG", keep_rgb=True, subsampling=0)

    picture = picture_of(tmp_path, "a.jpg", data, Profile(sop_class=sop_class))

    assert picture.photometric == "RGB"
    assert bool(picture.verbatim_syntax) == stays
    if not stays:
        assert (frames(picture)[0] == decoded(data)).all()


def test_lens_and_exposure_are_told_of_photographs_only(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x8827] = 400
    data = encoded(colours(), "JPEG", exif=exif)
    photograph = picture_of(tmp_path, "a.jpg", data, Profile(sop_class="VLPhotographic"))
    assert photograph.attributes == {"PhotographicSensitivity": 400}
    assert picture_of(tmp_path, "a.jpg", data).attributes == {}


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_picture_is_decoded_and_made_upright(tmp_path: Path, orientation: int) -> None:
    data = encoded(colours(), "JPEG", quality=95, exif=_exif({0x0112: orientation}))
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))

    picture = picture_of(tmp_path, "a.jpg", data)

    assert picture.verbatim_syntax is None
    assert (frames(picture)[0] == expected).all()
    assert (picture.rows, picture.columns) == expected.shape[:2]
    assert picture.was_lossy


@pytest.mark.parametrize("orientation", [0, 1, 9, 65535])
def test_no_orientation_and_an_impossible_one_mean_upright(
    tmp_path: Path, orientation: int
) -> None:
    data = encoded(colours(), "JPEG", exif=_exif({0x0112: orientation}))
    assert picture_of(tmp_path, "a.jpg", data).verbatim_syntax == _BASELINE


@pytest.mark.parametrize(
    ("samples", "options"),
    [
        (colours(), {"progressive": True}),
        (greys(), {"progressive": True}),
        (colours(), {"keep_rgb": True, "subsampling": 0, "progressive": True}),
    ],
)
def test_a_progressive_picture_is_decoded_and_still_called_lossy(
    tmp_path: Path, samples: NDArray[Any], options: dict[str, Any]
) -> None:
    data = encoded(samples, "JPEG", **options)

    picture = picture_of(tmp_path, "a.jpg", data)

    assert picture.verbatim_syntax is None
    assert (frames(picture)[0] == decoded(data)).all()
    assert picture.photometric == ("RGB" if samples.ndim == 3 else "MONOCHROME2")
    assert picture.was_lossy
    assert picture.lossy_ratio is not None


def test_cmyk_becomes_rgb_and_a_person_is_told(tmp_path: Path) -> None:
    data = encoded(colours(), "JPEG", "CMYK", quality=95)

    picture = picture_of(tmp_path, "a.jpg", data)

    assert picture.photometric == "RGB"
    assert np.abs(frames(picture)[0].astype(int) - colours()).mean() < 8
    assert "CMYK" in picture.notes[0]


def test_an_arithmetic_stream_is_decoded(tmp_path: Path) -> None:
    # A grey 8 x 8 picture: its scan of one block codes a DC difference of 0 and an end of block.
    frame = b"\x08\0\x08\0\x08\x01\x01\x11\0"
    data = (
        b"\xff\xd8\xff\xdb\0\x43\0" + b"\1" * 64 + b"\xff\xc9\0\x0b" + frame
        + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + b"\0\0" + b"\xff\xd9"
    )  # fmt: skip

    picture = picture_of(tmp_path, "a.jpg", data)

    assert picture.verbatim_syntax is None
    assert frames(picture)[0].shape == (8, 8)


def test_twelve_bits_of_grey_are_kept(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.jpeg8_encode(deep(12), level=98, bitspersample=12)

    picture = picture_of(tmp_path, "a.jpg", data)

    assert (picture.bits_allocated, picture.bits_stored) == (16, 12)
    assert (frames(picture)[0] == imagecodecs.jpeg8_decode(data)).all()
    assert picture.was_lossy


@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_jpeg_is_decoded_and_not_called_lossy(tmp_path: Path, bits: int) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    samples = greys() if bits == 8 else deep()
    data = imagecodecs.jpeg8_encode(samples, lossless=True, bitspersample=bits)

    picture = picture_of(tmp_path, "a.jpg", data)

    assert (frames(picture)[0] == samples).all()
    assert picture.bits_stored == bits
    assert not picture.was_lossy
    assert picture.lossy_ratio is None


def test_samples_beyond_the_bits_of_the_header_are_refused(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.jpeg8_encode(deep(), lossless=True, bitspersample=12)
    with pytest.raises(EncodingError, match="exceed the 12 bits"):
        picture_of(tmp_path, "a.jpg", data)


def test_deep_colour_is_refused(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    colour = np.stack([deep(12)] * 3, axis=-1)
    data = imagecodecs.jpeg8_encode(colour, level=98, bitspersample=12)
    with pytest.raises(EncodingError, match="12 bits a colour sample"):
        picture_of(tmp_path, "a.jpg", data)


def test_a_fitting_icc_profile_is_kept_beside_and_inside_the_stream(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(colours(), "JPEG", icc_profile=profile)

    picture = picture_of(tmp_path, "a.jpg", data)

    assert picture.icc_profile == profile
    assert list(picture.frames()) == [data]


def test_what_follows_the_picture_is_left_out_and_told(tmp_path: Path) -> None:
    data = encoded(colours(), "JPEG")

    picture = picture_of(tmp_path, "a.jpg", data + b"trailer" + bytes(100))

    assert list(picture.frames()) == [data]
    assert picture.notes == ("7 bytes after the end of the picture were left out",)
    assert picture_of(tmp_path, "b.jpg", data + bytes(100)).notes == ()


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_every_cut_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    data = encoded(colours(), "JPEG", **options)
    for end in range(3, len(data), 13):
        with pytest.raises(EncodingError, match="JPEG: "):
            read(written(tmp_path, "a.jpg", data[:end]), PLAIN)


def test_a_stream_that_cannot_be_decoded_is_refused(tmp_path: Path) -> None:
    data = encoded(colours(), "JPEG")
    tables = data.index(b"\xff\xc4")
    broken = data[: tables + 5] + b"\xff" * 16 + data[tables + 21 :]  # impossible Huffman codes
    with pytest.raises(EncodingError, match="JPEG: "):
        picture_of(tmp_path, "a.jpg", broken)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    data = bytearray(encoded(greys(), "JPEG"))
    sof = data.index(b"\xff\xc0")
    data[sof + 5 : sof + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(EncodingError, match="65535 x 65535 pixels are more than is taken"):
        picture_of(tmp_path, "a.jpg", bytes(data))


def _takes(data: bytes, *, small: bool) -> bool:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if small:
                image.draft(image.mode, (1, 1))
            image.load()
    except (OSError, SyntaxError):
        return False
    return True


def test_decoding_to_an_eighth_refuses_whatever_decoding_it_whole_refuses() -> None:
    chance = random.Random(3)
    seen = set()
    forms: list[dict[str, Any]] = [{}, {"subsampling": 0}, {"keep_rgb": True, "subsampling": 0}]
    for options in forms:
        whole = encoded(colours(), "JPEG", **options)
        scan = whole.index(b"\xff\xda")
        for _ in range(200):
            damaged = bytearray(whole)
            for _ in range(chance.choice((1, 2, 5))):
                damaged[chance.randrange(2, scan + 14)] = chance.randrange(256)
            takes = _takes(bytes(damaged), small=False)
            assert _takes(bytes(damaged), small=True) == takes
            seen.add(takes)
    assert seen == {True, False}
