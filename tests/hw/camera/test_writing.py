"""Files of captures hold the camera's own bytes, or lose nothing of what it gave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageSequence

from camera_support import GREY, MJPG, down, frame, jpeg
from passerelle_hw.camera import folder
from passerelle_hw.camera.frame import Format, Frame
from passerelle_hw.camera.wish import ClipBegun, ClipEnded, Still
from passerelle_hw.camera.writing import ClipFile, write_still

if TYPE_CHECKING:
    from pathlib import Path

_Y16 = Format(pixels="Y16", columns=64, rows=48, stride=128, rate=25.0)
_RGB = Format(pixels="RGB3", columns=64, rows=48, stride=192, rate=25.0)


def _wall(at_s: float) -> float:
    return at_s + 1000


def _still(one: Frame) -> Still:
    return Still(down(one.at_s + 0.5), one)


def _raw(given: Format, number: int) -> Frame:
    data = np.random.default_rng(number).bytes(given.stride * given.rows)
    return frame(100 + number, number, given, data)


def test_a_still_of_jpeg_is_the_cameras_own_bytes_without_padding(tmp_path: Path) -> None:
    given = replace(MJPG, pixel_aspect=(15, 16))
    captured = write_still(tmp_path, _still(frame(5, 1, given, jpeg(1) + bytes(40))), _wall)
    assert captured.file.suffix == ".jpg"
    assert captured.file.read_bytes() == jpeg(1)
    assert (captured.kind, captured.columns, captured.rows) == ("still", 64, 48)
    assert (captured.taken_at, captured.pressed_at) == (1005, 1005.5)
    assert captured.pixel_aspect == (15, 16)
    assert not captured.lossy
    assert folder.left_behind(tmp_path) == [captured]


@pytest.mark.parametrize(("given", "mode"), [(GREY, "L"), (_Y16, "I;16"), (_RGB, "RGB")])
def test_a_raw_still_loses_nothing(given: Format, mode: str, tmp_path: Path) -> None:
    one = _raw(given, 3)
    captured = write_still(tmp_path, _still(one), _wall)
    assert captured.file.suffix == ".png"
    with Image.open(captured.file) as image:
        assert (image.mode, image.size) == (mode, (64, 48))
        assert image.tobytes() == one.data


def _clip(into: Path, shown: list[Frame]) -> ClipFile:
    clip = ClipFile(into, ClipBegun(down(shown[0].at_s), shown[0]))
    for one in shown[1:]:
        clip.add(one)
    return clip


def test_a_clip_of_jpegs_is_one_after_the_other(tmp_path: Path) -> None:
    clip = _clip(tmp_path, [frame(5 + n, n, MJPG, jpeg(n) + bytes(n)) for n in range(6)])
    taken = clip.finish(ClipEnded("", (0.0, *[1000.0] * 5), 2), _wall)
    assert taken.captured.file.suffix == ".mjpeg"
    assert taken.captured.file.read_bytes() == b"".join(jpeg(n) for n in range(6))
    assert taken.captured.frame_times_ms == (0.0, *[1000.0] * 5)
    assert (taken.captured.frames, taken.captured.missing) == (6, 2)
    data = taken.captured.file.read_bytes()
    spans = zip(taken.offsets, taken.sizes, strict=True)
    assert [data[at : at + size] for at, size in spans] == [jpeg(n) for n in range(6)]
    assert folder.left_behind(tmp_path) == [taken.captured]


@pytest.mark.parametrize(("given", "mode"), [(GREY, "L"), (_Y16, "I;16"), (_RGB, "RGB")])
def test_a_raw_clip_has_a_page_a_frame_and_loses_nothing(
    given: Format, mode: str, tmp_path: Path
) -> None:
    shown = [_raw(given, number) for number in range(5)]
    taken = _clip(tmp_path, shown).finish(ClipEnded("", (0.0, *[1.0] * 4), 0), _wall)
    assert taken.captured.file.suffix == ".tif"
    with Image.open(taken.captured.file) as image:
        pages = [(page.mode, page.tobytes()) for page in ImageSequence.Iterator(image)]
    assert pages == [(mode, one.data) for one in shown]
    assert (taken.captured.frames, taken.captured.columns) == (5, 64)


def test_nothing_is_whole_before_the_clip_ends(tmp_path: Path) -> None:
    clip = _clip(tmp_path, [frame(5 + n, n) for n in range(3)])
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    clip.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_still_that_finds_no_room_leaves_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(OSError, match="gone"):
        write_still(gone, _still(frame(5, 1)), _wall)
    with pytest.raises(OSError, match="gone"):
        ClipFile(gone, ClipBegun(down(1), frame(5, 1)))
