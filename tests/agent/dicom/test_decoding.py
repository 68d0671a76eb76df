from __future__ import annotations

import errno
import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from passerelle.dicom.decoding import (
    check_size,
    decoded,
    is_grey,
    is_transparent,
    opened,
    samples,
    translated,
    upright,
)
from passerelle.errors import Changed, EncodingError
from pictures_support import colours, deep, encoded, greys, tiff, written

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.mark.parametrize(
    ("rows", "columns", "frames", "size"),
    [(1, 1, 1, 1), (16384, 16384, 1, 1000), (65535, 4096, 1, 1), (1000, 1000, 10_000, 10**10)],
)
def test_what_a_device_may_well_produce_passes(
    rows: int, columns: int, frames: int, size: int
) -> None:
    check_size("PNG", rows, columns, frames=frames, size=size)


@pytest.mark.parametrize(
    ("rows", "columns", "frames", "reason"),
    [
        (0, 10, 1, "has no pixels"),
        (1, 65536, 1, "at most 65535 a side"),
        (16384, 16385, 1, "16385 x 16384 pixels are more"),
        (16384, 16384, 5, "5 frames of 16384 x 16384 pixels are more"),
    ],
)
def test_what_is_too_large_is_refused(rows: int, columns: int, frames: int, reason: str) -> None:
    with pytest.raises(EncodingError, match=f"PNG: .*{reason}"):
        check_size("PNG", rows, columns, frames=frames, size=1000)


@pytest.mark.parametrize(
    "fault", [OSError("image file is truncated (3 bytes not processed)"), EOFError("no more")]
)
def test_what_is_cut_off_is_called_so(fault: Exception) -> None:
    with pytest.raises(EncodingError, match="GIF: the data end before"), translated("GIF"):
        raise fault


@pytest.mark.parametrize("fault", [SyntaxError("at /home/doe"), ValueError("x"), KeyError("x")])
def test_the_words_of_a_library_are_not_repeated(fault: Exception) -> None:
    with pytest.raises(EncodingError, match="PNG: damaged") as refusal, translated("PNG"):
        raise fault
    assert "doe" not in str(refusal.value)


def test_a_failing_disk_is_no_fault_of_the_picture() -> None:
    with pytest.raises(Changed, match="PNG: cannot be read"), translated("PNG"):
        raise OSError(errno.EIO, "Input/output error")


def test_a_position_that_damaged_data_give_is_their_fault() -> None:
    with pytest.raises(EncodingError, match="TIFF: damaged"), translated("TIFF"):
        raise OSError(errno.EINVAL, "Invalid argument")


def test_a_lack_of_memory_passes() -> None:
    with pytest.raises(MemoryError), translated("PNG"):
        raise MemoryError


def test_a_file_is_opened_as_the_format_it_is_and_no_other() -> None:
    with pytest.raises(EncodingError, match="GIF: "), opened(_file(), "GIF"):
        pytest.fail("reached")


def _file() -> io.BytesIO:
    return io.BytesIO(encoded(colours(), "PNG"))


@pytest.mark.parametrize("mode", ["F", "I", "LAB", "HSV"])
def test_samples_without_a_place_in_dicom_are_refused(mode: str) -> None:
    with pytest.raises(EncodingError, match="are not taken"):
        samples(Image.new(mode, (4, 4)), colour=False)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "RGB", "CMYK", "YCbCr"])
@pytest.mark.parametrize("colour", [True, False])
def test_samples_are_contiguous_bytes_of_grey_or_colour(mode: str, *, colour: bool) -> None:
    array = samples(Image.fromarray(colours()).convert(mode), colour=colour)
    assert array.dtype == np.uint8
    assert array.flags.c_contiguous
    assert array.shape[2:] == ((3,) if colour else ())


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L"])
def test_deep_samples_are_in_the_order_of_this_machine(mode: str) -> None:
    order = ">" if mode == "I;16B" else "<"
    data = deep().astype(f"{order}u2").tobytes()
    image = Image.frombytes(mode, (deep().shape[1], deep().shape[0]), data)
    array = samples(image, colour=False)
    assert (array == deep()).all()
    assert array.dtype == np.dtype(np.uint16)
    assert not is_transparent(image)
    assert is_grey(image)


def test_a_coloured_palette_is_not_grey() -> None:
    assert not is_grey(Image.fromarray(colours()).convert("P"))
    assert is_grey(Image.fromarray(greys()))


def test_turns_lead_back_to_where_they_started() -> None:
    image = Image.fromarray(colours())
    for orientation, back in ((2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (7, 7), (8, 6)):
        turned = upright(image, orientation)
        assert np.asarray(turned).tobytes() != colours().tobytes()
        assert (np.asarray(upright(turned, back)) == colours()).all()
    assert upright(image, 1) is image


def test_damage_that_struct_notices_is_translated() -> None:
    with pytest.raises(EncodingError, match="damaged"), translated("TIFF"):
        struct.unpack("<I", b"")


def test_frames_come_one_at_a_time_and_leave_the_caller_its_own_errors(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tif", tiff([(greys(), {}), (greys() // 2, {})]))

    def taken(image: Image.Image) -> NDArray[Any]:
        return samples(image, colour=False)

    frames = decoded(path, "TIFF", [1, 0], taken)
    assert (next(frames) == greys() // 2).all()
    with pytest.raises(ValueError, match="of the caller"):
        frames.throw(ValueError("of the caller"))
