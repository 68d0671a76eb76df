"""As much of a JPEG as a camera's frames need."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from camera_support import jpeg
from passerelle_hw.camera.jpeg import size_of, without_padding


@pytest.mark.parametrize("size", [(64, 48), (17, 5), (1920, 1080)])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_size_is_in_its_frame_header(size: tuple[int, int], progressive: bool) -> None:  # noqa: FBT001
    file = io.BytesIO()
    picture = Image.new("RGB", size)
    picture.save(file, "JPEG", progressive=progressive, comment=b"\xff\xc0 no header", dpi=(72, 72))
    assert size_of(file.getvalue()) == size


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    size_of(data)
    size_of(b"\xff\xd8" + data)
    assert size_of(jpeg(1)[:30] + data[:2]) is None


@pytest.mark.parametrize("padding", [b"", b"\0", bytes(500), b"\xff" * 7])
def test_what_is_behind_the_end_is_cut_off(padding: bytes) -> None:
    assert without_padding(jpeg(1) + padding) == jpeg(1)
