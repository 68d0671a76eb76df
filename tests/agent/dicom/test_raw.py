from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from passerelle.dicom.reading import read
from passerelle.errors import EncodingError
from passerelle.profile import Profile, RawLayout
from pictures_support import COLUMNS, ROWS, colours, deep, frames, greys, only, written

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.dicom.picture import Picture


def _read(folder: Path, data: bytes, **layout: Any) -> Picture:  # noqa: ANN401 - of the layout
    options = {"rows": ROWS, "columns": COLUMNS, **layout}
    profile = Profile(raw=RawLayout.model_validate(options))
    return only(read(written(folder, "a.RAW", data), profile))


def test_bytes_of_grey_are_read(tmp_path: Path) -> None:
    picture = _read(tmp_path, greys().tobytes())
    assert (frames(picture)[0] == greys()).all()
    assert (picture.format, picture.frame_count, picture.photometric) == ("raw", 1, "MONOCHROME2")


def test_bytes_of_colour_are_read(tmp_path: Path) -> None:
    picture = _read(tmp_path, colours().tobytes(), samples=3)
    assert (frames(picture)[0] == colours()).all()
    assert picture.photometric == "RGB"


@pytest.mark.parametrize(("byte_order", "dtype"), [("little", "<u2"), ("big", ">u2")])
def test_words_are_read_in_the_order_of_the_profile(
    tmp_path: Path, byte_order: str, dtype: str
) -> None:
    data = deep(12).astype(dtype).tobytes()

    picture = _read(tmp_path, data, bits_allocated=16, bits_stored=12, byte_order=byte_order)

    assert (frames(picture)[0] == deep(12)).all()
    assert frames(picture)[0].dtype == np.uint16
    assert (picture.bits_allocated, picture.bits_stored) == (16, 12)


@pytest.mark.parametrize(("bits", "dtype"), [(8, "i1"), (16, "<i2"), (12, "<i2")])
def test_signed_samples_are_shifted_and_the_shift_is_told(
    tmp_path: Path, bits: int, dtype: str
) -> None:
    signed = (deep(bits).astype(int) - (1 << bits - 1)).astype(dtype)
    allocated = signed.dtype.itemsize * 8

    picture = _read(
        tmp_path, signed.tobytes(), bits_allocated=allocated, bits_stored=bits, signed=True
    )

    assert (frames(picture)[0].astype(int) + picture.rescale_intercept == signed).all()
    assert picture.rescale_intercept == -(1 << bits - 1)


def test_as_many_frames_as_there_are_follow_the_header(tmp_path: Path) -> None:
    pages = [greys(), greys()[::-1], greys() // 2]
    data = b"header" + b"".join(page.tobytes() for page in pages)

    picture = _read(tmp_path, data, header_bytes=6, frame_time_ms=40.0)

    assert picture.frame_count == 3
    assert picture.frame_times_ms == (40.0, 40.0, 40.0)
    for frame, page in zip(frames(picture), pages, strict=True):
        assert (frame == page).all()


def test_a_trailer_after_the_frames_of_the_profile_is_told(tmp_path: Path) -> None:
    picture = _read(tmp_path, greys().tobytes() * 2 + b"checksum", frames=2)
    assert picture.frame_count == 2
    assert picture.notes == ("8 bytes after the last frame were left out",)


@pytest.mark.parametrize(
    ("size", "layout"),
    [
        (ROWS * COLUMNS - 1, {}),
        (ROWS * COLUMNS + 1, {}),
        (ROWS * COLUMNS, {"header_bytes": 1}),
        (ROWS * COLUMNS * 2 - 1, {"frames": 2}),
        (3, {"header_bytes": 10}),
    ],
)
def test_a_size_that_does_not_fit_is_refused(
    tmp_path: Path, size: int, layout: dict[str, Any]
) -> None:
    with pytest.raises(EncodingError, match=f"raw: {size} bytes where the profile's layout needs"):
        _read(tmp_path, bytes(size), **layout)


@pytest.mark.parametrize(("signed", "sample"), [(False, 4096), (True, 2048), (True, -2049)])
def test_a_sample_beyond_the_stored_bits_is_refused(
    tmp_path: Path, *, signed: bool, sample: int
) -> None:
    samples = np.zeros((ROWS, COLUMNS), "<i2" if signed else "<u2")
    samples[5, 5] = sample
    picture = _read(tmp_path, samples.tobytes(), bits_allocated=16, bits_stored=12, signed=signed)
    with pytest.raises(EncodingError, match="more than the 12 bits"):
        frames(picture)


def test_deep_colour_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="no colour pictures of 16 bits"):
        _read(tmp_path, bytes(ROWS * COLUMNS * 6), bits_allocated=16, samples=3)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    picture = _read(tmp_path, greys().tobytes() * 2)
    written(tmp_path, "a.RAW", greys().tobytes())
    with pytest.raises(EncodingError, match="end before the last frame"):
        frames(picture)
