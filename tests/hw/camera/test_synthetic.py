"""The test camera keeps its pace, and has exactly the faults that its name sets."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from passerelle_hw.camera.frame import CameraGone, Frame, SourceChanged, Wanted
from passerelle_hw.camera.opening import open_camera
from passerelle_hw.camera.synthetic import SyntheticDevice

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import Pixels
    from passerelle_hw.camera.synthetic import SyntheticCamera

_SMALL = Wanted(columns=64, rows=48, rate=20)


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        # Floats add up to a little less than what is waited for.
        self.now += seconds + 1e-9


def _device(name: str, wanted: Wanted = _SMALL) -> tuple[SyntheticDevice, Clock]:
    clock = Clock()
    return SyntheticDevice(name, wanted, clock=clock, pause=clock.pause), clock


def _shown(camera: SyntheticCamera, count: int) -> list[Frame]:
    return [frame for _ in range(count) if (frame := camera.read(0.5))]


def test_it_moves_at_its_pace_and_loses_nothing() -> None:
    device, _ = _device("test")
    shown = _shown(device.open(), 100)
    assert [frame.sequence for frame in shown] == list(range(1, 101))
    assert [frame.at_s for frame in shown] == pytest.approx([50 + n / 20 for n in range(1, 101)])
    assert all(a.data != b.data for a, b in pairwise(shown))


@pytest.mark.parametrize(
    ("pixels", "size"), [("GREY", 3072), ("Y16", 6144), ("YUYV", 6144), ("RGB3", 9216)]
)
def test_it_shows_raw_pictures_where_they_are_wanted(pixels: Pixels, size: int) -> None:
    device, _ = _device("test", Wanted(columns=64, rows=48, rate=20, pixels=pixels))
    (frame,) = _shown(device.open(), 1)
    assert frame.format.pixels == pixels
    assert len(frame.data) == size == frame.format.stride * frame.format.rows


def test_its_jpegs_are_of_the_size_that_is_wanted() -> None:
    device, _ = _device("test", Wanted(columns=320, rows=200))
    (frame,) = _shown(device.open(), 1)
    with Image.open(io.BytesIO(frame.data)) as image:
        assert image.size == (320, 200) == (frame.format.columns, frame.format.rows)
        assert len(image.convert("L").getcolors() or []) > 100


@pytest.mark.parametrize("fault", ["drop=20%", "truncate=20%", "damage=20%"])
def test_equal_names_have_equal_faults(fault: str) -> None:
    first, second, other = (
        _shown(_device(f"test:?{fault}&seed={seed}")[0].open(), 200) for seed in (1, 1, 2)
    )
    assert first == second
    assert [frame.sequence for frame in first] != [frame.sequence for frame in other] or [
        (len(frame.data), frame.damaged) for frame in first
    ] != [(len(frame.data), frame.damaged) for frame in other]


def test_a_dropped_frame_is_a_gap_and_a_truncated_one_has_no_end() -> None:
    shown = _shown(_device("test:?drop=10%&truncate=10%&damage=10%")[0].open(), 400)
    gaps = sum(b.sequence - a.sequence - 1 for a, b in pairwise(shown))
    assert 20 < gaps < 80
    assert 20 < sum(not frame.data.endswith(b"\xff\xd9") for frame in shown) < 80
    assert 20 < sum(frame.damaged for frame in shown) < 80


def test_it_stalls_and_goes_on_by_itself() -> None:
    device, clock = _device("test:?stall=2s@5s")
    camera = device.open()
    shown = []
    while clock.now < 60:
        if frame := camera.read(0.1):
            shown.append(round(frame.at_s - 50, 2))
    assert [at for at in shown if 3 <= at < 5 or 8 <= at < 10] == []
    assert len(shown) == pytest.approx(2 * 3 * 20, abs=4)


def test_it_is_unplugged_and_comes_back() -> None:
    device, clock = _device("test:?unplug=2s@5s")
    camera = device.open()
    with pytest.raises(CameraGone, match="unplugged"):
        _shown(camera, 100)
    assert clock.now == pytest.approx(53, abs=0.1)
    with pytest.raises(CameraGone, match="unplugged"):
        device.open()
    with pytest.raises(CameraGone, match="unplugged"):
        camera.signal()
    clock.now = 55.1
    assert _shown(device.open(), 5)


def test_it_freezes() -> None:
    device, clock = _device("test:?freeze=2s@5s")
    camera = device.open()
    _shown(camera, 58)
    assert len({frame.data for frame in _shown(camera, 38)[4:]}) == 1
    assert clock.now < 55
    assert len({frame.data for frame in _shown(camera, 20)}) > 10


@pytest.mark.parametrize(("mute", "signal"), [("", "no signal"), ("&mute=1", None)])
def test_without_a_signal_it_is_blue(mute: str, signal: str | None) -> None:
    device, clock = _device(f"test:?nosignal=2s@5s{mute}")
    camera = device.open()
    assert camera.signal() == (None if mute else "locked")
    clock.now = 53.5
    camera.read(1)
    shown = _shown(camera, 5)
    assert camera.signal() == signal
    assert len({frame.data for frame in shown}) == 1
    with Image.open(io.BytesIO(shown[0].data)) as image:
        red, green, blue = (band.getpixel((5, 5)) for band in image.convert("RGB").split())
    assert (red, green, blue) == pytest.approx((16, 16, 180), abs=6)


def test_what_is_plugged_in_has_another_size_for_a_while() -> None:
    device, clock = _device("test:?resize=2s@5s")
    camera = device.open()
    with pytest.raises(SourceChanged):
        _shown(camera, 100)
    camera = device.open()
    assert (camera.format.columns, camera.format.rows) == (32, 24)
    assert _shown(camera, 2)[0].format == camera.format
    clock.now = 55.1
    with pytest.raises(SourceChanged):
        camera.read(1)


def test_who_comes_late_has_lost_frames() -> None:
    device, clock = _device("test")
    camera = device.open()
    _shown(camera, 3)
    clock.now += 2.0
    assert _shown(camera, 1)[0].sequence > 35


@pytest.mark.parametrize("name", ["test:?drop=5", "test:?dorp=5%", "test:?stall=x", "test:?seed=a"])
def test_a_fault_that_it_does_not_have_is_an_error(name: str) -> None:
    with pytest.raises(CameraGone, match="is no fault"):
        open_camera(name, _SMALL)


def test_it_is_opened_by_its_name_and_shows_frames_in_real_time() -> None:
    camera = open_camera("test:?seed=3", Wanted(columns=64, rows=48, rate=100))
    shown = [camera.read(1) for _ in range(10)]
    assert all(shown)
    assert camera.read(0) is None
    camera.close()
