"""Our Video4Linux layer on a real driver of the kernel, which lies as it is told."""

from __future__ import annotations

import itertools
import subprocess
import time
from threading import Event
from typing import TYPE_CHECKING, Any

from hil.guest.controls import controls, set_control
from passerelle_hw.camera.convert import picture
from passerelle_hw.camera.feed import Feed
from passerelle_hw.camera.frame import CameraGone, Wanted
from passerelle_hw.camera.signal import State
from passerelle_hw.camera.v4l2 import cameras, open_camera

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle_hw.camera.frame import Pixels

DEVICE = "/dev/video0"
HDMI, SVIDEO = "#3", "#2"
FORMATS: tuple[Pixels, ...] = (
    "YUYV", "UYVY", "NV12", "GREY", "Y10", "Y12", "Y16", "RGB3", "BGR3",
)  # fmt: skip


def run(_asked: dict[str, Any]) -> dict[str, Any]:
    """Every format, both kinds of input, and each fault that it can be told to have."""
    subprocess.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1"], check=True)
    _settle()
    return {
        "listed": [camera.card for camera in cameras()],
        "formats": {pixels: _format(pixels) for pixels in FORMATS},
        "pal": _pal(),
        "dropped": _with({"percentage_of_dropped_buffers": 20}, _missing),
        "damaged": _damaged(),
        "streamon_error": _refused(),
        "fatal_error": _fault("inject_fatal_streaming_error"),
        "signals": {
            name: _signal(mode)
            for name, mode in (("no signal", 1), ("no lock", 2), ("out of range", 3))
        },
        "disconnect": _fault("disconnect"),
    }


def _settle() -> None:
    subprocess.run(["udevadm", "settle"], check=False)
    deadline = time.monotonic() + 10
    while not cameras() and time.monotonic() < deadline:
        time.sleep(0.1)


def _set(values: dict[str, int]) -> None:
    known = controls(DEVICE)
    for name, value in values.items():
        set_control(DEVICE, known[name], value)


def _with(values: dict[str, int], act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    _set(values)
    try:
        return act()
    finally:
        _set(dict.fromkeys(values, 0))


def _format(pixels: Pixels) -> str:
    camera = open_camera(DEVICE, Wanted(columns=640, rows=360, pixels=pixels))
    try:
        frames = [frame for _ in range(5) if (frame := camera.read(2.0))]
        shown = picture(frames[-1])
        levels = len(set(shown.resize((64, 36)).tobytes()))
        size = f"{shown.size[0]}x{shown.size[1]}"
        return f"{len(frames)} frames, {shown.mode} {size}, {levels} levels"
    finally:
        camera.close()


def _pal() -> dict[str, Any]:
    camera = open_camera(DEVICE + SVIDEO, Wanted(pixels="YUYV"))
    try:
        frame = camera.read(2.0)
        given = camera.format
        return {
            "came": frame is not None,
            "size": [given.columns, given.rows],
            "field": given.field,
            "aspect": list(given.pixel_aspect),
            "rate": round(given.rate, 1),
            "signal": camera.signal(),
        }
    finally:
        camera.close()


def _feed(
    seconds: float, device: str = DEVICE + HDMI, during: Callable[[float], None] = lambda _: None
) -> tuple[Feed, list[tuple[float, State, bool]]]:
    feed = Feed(lambda: open_camera(device, Wanted(pixels="YUYV")))
    began, seen = time.monotonic(), []
    for frame in feed.frames(Event()):
        now = time.monotonic() - began
        seen.append((now, feed.state, frame is not None and feed.may_store))
        during(now)
        if now > seconds:
            break
    return feed, seen


def _missing() -> dict[str, Any]:
    feed, seen = _feed(6.0, DEVICE + "#0")
    return {"missing": feed.missing, "frames": sum(stored for *_, stored in seen)}


def _damaged() -> dict[str, Any]:
    done: list[bool] = []

    def inject(now: float) -> None:
        if now > 2.0 and not done:
            done.append(True)
            _set({"inject_v4l2_buf_flag_error": 1})

    feed, _ = _feed(4.0, DEVICE + "#0", inject)
    return {"damaged": feed.damaged}


def _refused() -> str:
    _set({"inject_vidioc_streamon_error": 1})
    try:
        open_camera(DEVICE, Wanted()).close()
    except CameraGone as gone:
        first = str(gone)
    else:
        first = "opened"
    camera = open_camera(DEVICE, Wanted())
    came = camera.read(2.0) is not None
    camera.close()
    return f"{first}; then {'frames' if came else 'nothing'}"


def _fault(control: str) -> dict[str, Any]:
    done: list[bool] = []

    def inject(now: float) -> None:
        if now > 2.0 and not done:
            done.append(True)
            _set({control: 1})

    feed, seen = _feed(6.0, DEVICE + "#0", inject)
    return {"states": _states(seen), "reopened": feed.reopened}


def _signal(mode: int) -> dict[str, Any]:
    """HDMI loses its signal for some seconds: the states, and what would have been stored."""
    changed: list[float] = []

    def inject(now: float) -> None:
        if now > 3.0 and not changed:
            _set({"dv_timings_signal_mode": mode})
            changed.append(time.monotonic())
        if now > 7.0 and len(changed) == 1:
            _set({"dv_timings_signal_mode": 0})
            changed.append(time.monotonic())

    _, seen = _feed(10.0, during=inject)
    bad = [stored for now, _, stored in seen if 3.6 < now < 7.0]
    told = [now for now, state, _ in seen if 3.0 < now < 7.0 and state is not State.OK]
    return {
        "states": _states(seen),
        "stored while bad": sum(bad),
        "told after s": round(min(told, default=99.0) - 3.0, 2),
        "ok at the end": seen[-1][1] is State.OK,
    }


def _states(seen: list[tuple[float, State, bool]]) -> list[str]:
    return [str(state) for state, _ in itertools.groupby(state for _, state, _ in seen)]
