"""The pages of a TIFF are what Pillow and libtiff read back, however many there are."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageSequence

from passerelle_hw.camera.tiff import LIMIT_BYTES, Mode, Pages, Samples

if TYPE_CHECKING:
    from pathlib import Path

_SAMPLES = [Samples(7, 5, "L"), Samples(8, 3, "I;16"), Samples(5, 5, "RGB")]


@pytest.mark.parametrize("samples", _SAMPLES, ids=lambda one: one.mode)
def test_pillow_reads_every_page_back(samples: Samples, tmp_path: Path) -> None:
    pages = [os.urandom(samples.bytes) for _ in range(9)]
    with (tmp_path / "a.tif").open("wb", buffering=0) as file:
        writer = Pages(file)
        for page in pages:
            writer.add(page, samples)
    with Image.open(tmp_path / "a.tif") as image:
        read = [(one.mode, one.size, one.tobytes()) for one in ImageSequence.Iterator(image)]
    assert read == [(samples.mode, (samples.columns, samples.rows), page) for page in pages]
    data = (tmp_path / "a.tif").read_bytes()
    assert [data[at : at + samples.bytes] for at in writer.offsets] == pages


def test_the_file_is_whole_after_each_page() -> None:
    file, samples = io.BytesIO(), Samples(4, 4, "L")
    writer = Pages(file)
    for number in range(1, 5):
        writer.add(bytes([number]) * 16, samples)
        with Image.open(io.BytesIO(file.getvalue()[: writer.end])) as image:
            assert getattr(image, "n_frames", 1) == number


def test_a_page_that_found_no_room_harms_none_before_it(tmp_path: Path) -> None:
    samples = Samples(64, 64, "L")

    class Full(io.FileIO):
        room = 10_000

        def write(self, data: object) -> int:
            size = len(memoryview(data))  # type: ignore[arg-type]
            if self.tell() + size > self.room:
                super().write(memoryview(data)[: self.room - self.tell()])  # type: ignore[arg-type]
                raise OSError(28, "No space left on device")
            return super().write(data)  # type: ignore[arg-type]

    with Full(tmp_path / "a.tif", "w") as file:
        writer = Pages(file)
        writer.add(bytes(samples.bytes), samples)
        writer.add(bytes(samples.bytes), samples)
        with pytest.raises(OSError, match="No space"):
            writer.add(bytes(samples.bytes), samples)
        file.truncate(writer.end)
    with Image.open(tmp_path / "a.tif") as image:
        assert getattr(image, "n_frames", 1) == 2


def test_a_page_of_another_size_than_it_says_is_an_error() -> None:
    with pytest.raises(ValueError, match="15 bytes"):
        Pages(io.BytesIO()).add(bytes(15), Samples(4, 4, "L"))


def test_it_ends_where_an_offset_would_be_too_large() -> None:
    pages = Pages(io.BytesIO())
    mode: Mode = "RGB"
    assert pages.has_room_for(Samples(4000, 4000, mode))
    pages.end = LIMIT_BYTES - 48_000_000 + 1
    assert not pages.has_room_for(Samples(4000, 4000, mode))
