"""A camera with triggers: presses become files, somebody is told, and faults harm none of it."""

from __future__ import annotations

import io
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from passerelle_hw.camera import folder
from passerelle_hw.camera.frame import Wanted
from passerelle_hw.camera.report import Report, StationSettings
from passerelle_hw.camera.signal import State
from passerelle_hw.camera.station import Station
from passerelle_hw.trigger.press import Press
from support import need, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle_hw.camera.captured import Captured
    from passerelle_hw.trigger.press import Trigger

_SMALL = Wanted(columns=96, rows=64, rate=50)


def _seed() -> int:
    """A camera of one's own: equal names go on where the other was."""
    return time.time_ns()


@dataclass
class Run:
    station: Station
    into: Path
    captured: list[Captured] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    told_at: list[float] = field(default_factory=list)
    stop: Event = field(default_factory=Event)

    @property
    def last(self) -> Report:
        return self.reports[-1]

    def told(self, report: Report) -> None:
        self.reports.append(report)
        self.told_at.append(time.monotonic())

    def press(self, *, down: bool = True) -> None:
        self.station.press(Press(at_s=time.monotonic(), down=down))

    def is_ok(self) -> bool:
        return bool(self.reports) and self.last.state is State.OK


@contextmanager
def _running(into: Path, settings: StationSettings, *triggers: Trigger) -> Iterator[Run]:
    run: Run

    def captured(one: Captured) -> None:
        assert one.file.exists()
        run.captured.append(one)

    def told(report: Report) -> None:
        run.told(report)

    run = Run(Station(settings, into, triggers, captured=captured, told=told, report_s=0.5), into)
    thread = Thread(target=run.station.run, args=(run.stop,))
    thread.start()
    try:
        yield run
    finally:
        run.stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_press_is_a_file_and_nothing_else_is(tmp_path: Path) -> None:
    with _running(tmp_path, StationSettings(device="test", wanted=_SMALL)) as run:
        wait_until(run.is_ok)
        pressed = time.time()
        run.press()
        wait_until(lambda: run.captured)
        preview = run.station.preview()
    (captured,) = run.captured
    with Image.open(captured.file) as image:
        assert image.size == (96, 64) == (captured.columns, captured.rows)
    assert (
        pressed - 0.1 < captured.taken_at <= captured.pressed_at == pytest.approx(pressed, abs=0.1)
    )
    assert preview
    with Image.open(io.BytesIO(preview)) as image:
        assert image.size == (96, 64)
    assert (run.last.captured, run.last.refused) == (1, 0)
    assert folder.left_behind(tmp_path) == [captured]


def test_a_clip_holds_what_was_before_the_press(tmp_path: Path) -> None:
    settings = StationSettings(
        device="test", wanted=_SMALL, capture="clip", pre_trigger_s=0.4, clip_s=0.4
    )
    with _running(tmp_path, settings) as run:
        wait_until(run.is_ok)
        time.sleep(0.8)
        run.press()
        wait_until(lambda: run.captured)
    (clip,) = run.captured
    assert clip.frames == pytest.approx(40, abs=3)
    assert clip.pressed_at - clip.taken_at == pytest.approx(0.4, abs=0.03)
    assert sum(clip.frame_times_ms) == pytest.approx(800, abs=45)
    assert clip.file.read_bytes().count(b"\xff\xd8\xff") == clip.frames


def test_a_clip_goes_on_while_the_pedal_is_held(tmp_path: Path) -> None:
    need("ffmpeg")
    settings = StationSettings(
        device="test", wanted=_SMALL, capture="clip", clip_format="h264", longest_s=30
    )
    with _running(tmp_path, settings) as run:
        wait_until(run.is_ok)
        run.press()
        time.sleep(0.6)
        wait_until(lambda: run.last.is_taking)
        run.press(down=False)
        wait_until(lambda: run.captured)
    (clip,) = run.captured
    assert clip.file.suffix == ".mp4"
    assert clip.frames == pytest.approx(30, abs=4)
    assert folder.left_behind(tmp_path) == [clip]


def test_a_clip_without_an_encoder_stays_as_it_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = StationSettings(
        device="test", wanted=_SMALL, capture="clip", clip_format="h264", clip_s=0.2
    )
    from passerelle_hw.camera.encoding import encoders  # noqa: PLC0415

    encoders.cache_clear()
    with _running(tmp_path, settings) as run:
        wait_until(run.is_ok)
        run.press()
        wait_until(lambda: run.captured)
    encoders.cache_clear()
    assert run.captured[0].file.suffix == ".mjpeg"
    assert "stays as it was taken" in run.last.noticed


def test_what_is_being_taken_when_it_stops_is_kept(tmp_path: Path) -> None:
    settings = StationSettings(device="test", wanted=_SMALL, capture="clip", longest_s=60)
    with _running(tmp_path, settings) as run:
        wait_until(run.is_ok)
        run.press()
        wait_until(lambda: run.last.is_taking)
        time.sleep(0.3)
    (clip,) = run.captured
    assert clip.frames > 10
    assert run.last.noticed == "a clip ended early: the capture was stopped"


_FAULTS = {
    "nosignal=20s@22s": State.NO_SIGNAL,
    "nosignal=20s@22s&mute=1": State.NO_SIGNAL,
    "unplug=20s@22s": State.NO_DEVICE,
    "stall=20s@22s": State.STALLED,
}


def test_no_still_is_stored_of_a_bad_picture_and_the_press_is_told_of(tmp_path: Path) -> None:
    with ExitStack() as all_runs:
        runs = []
        for number, fault in enumerate(_FAULTS):
            (tmp_path / str(number)).mkdir()
            settings = StationSettings(device=f"test:?{fault}&seed={_seed()}", wanted=_SMALL)
            runs.append(all_runs.enter_context(_running(tmp_path / str(number), settings)))
        for run in runs:
            wait_until(run.is_ok)
            run.press()
        for run, state in zip(runs, _FAULTS.values(), strict=True):
            wait_until(lambda run=run, state=state: run.last.state is state)  # type: ignore[misc]
            for _ in range(3):
                run.press()
        for run in runs:
            wait_until(lambda run=run: run.last.refused == 3)  # type: ignore[misc]
    assert [len(run.captured) for run in runs] == [1] * 4
    assert all(run.last.refused_why for run in runs)


def test_no_still_of_a_grabber_that_says_nothing_is_of_its_blue_picture(tmp_path: Path) -> None:
    device = f"test:?nosignal=1s@3s&mute=1&seed={_seed()}"
    with _running(tmp_path, StationSettings(device=device, wanted=_SMALL)) as run:
        wait_until(run.is_ok)
        until = time.monotonic() + 2.6
        while time.monotonic() < until:  # through all of a loss, its first moments too
            run.press()
            time.sleep(0.04)
    assert len(run.captured) > 10
    assert run.last.refused > 5
    for one in run.captured:
        with Image.open(one.file) as image:
            assert len(image.convert("L").getcolors(256) or [0] * 256) > 20


def test_a_clip_that_loses_its_signal_ends_there_and_says_so(tmp_path: Path) -> None:
    settings = StationSettings(
        device=f"test:?unplug=20s@23s&seed={_seed()}",
        wanted=_SMALL, capture="clip", clip_s=30,
    )  # fmt: skip
    with _running(tmp_path, settings) as run:
        wait_until(run.is_ok)
        run.press()
        wait_until(lambda: run.captured)
    assert run.captured[0].frames > 20
    assert "unplugged" in run.last.noticed


def test_gaps_of_the_camera_are_in_the_clip_and_in_the_report(tmp_path: Path) -> None:
    settings = StationSettings(
        device=f"test:?drop=20%&seed={_seed()}",
        wanted=_SMALL, capture="clip", clip_s=1.0,
    )  # fmt: skip
    with _running(tmp_path, settings) as run:
        wait_until(run.is_ok)
        run.press()
        wait_until(lambda: run.captured)
    (clip,) = run.captured
    assert clip.missing > 2
    assert clip.frames + clip.missing == pytest.approx(50, abs=4)
    assert run.last.missing >= clip.missing


def test_a_station_without_its_camera_says_so_and_goes_on_saying_it(tmp_path: Path) -> None:
    settings = StationSettings(device="/dev/v4l/by-id/none")
    with _running(tmp_path, settings) as run:
        wait_until(lambda: len(run.reports) > 2, timeout_s=5)
        run.press()
        wait_until(lambda: run.last.refused == 1)
    assert run.last.state is State.NO_DEVICE
    assert run.last.reason
    quiet = [after - before for before, after in pairwise(run.told_at)]
    assert max(quiet) < 2


def test_a_disk_without_room_costs_the_press_and_says_so(tmp_path: Path) -> None:
    with _running(tmp_path / "gone", StationSettings(device="test", wanted=_SMALL)) as run:
        wait_until(run.is_ok)
        run.press()
        wait_until(lambda: run.last.refused)
    assert "could not be written" in run.last.refused_why
    assert run.captured == []
