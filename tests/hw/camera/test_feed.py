"""The feed of a camera that does not exist, on a clock of its own."""

from __future__ import annotations

import itertools
from threading import Event
from typing import TYPE_CHECKING

import pytest

from passerelle_hw.camera.feed import Feed
from passerelle_hw.camera.frame import CameraGone, Wanted
from passerelle_hw.camera.signal import State
from passerelle_hw.camera.synthetic import SyntheticDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.camera.frame import Frame


class Bench:
    """A synthetic camera and its feed; time passes where something waits."""

    def __init__(self, faults: str, frozen_s: float = 10.0) -> None:
        self.now = 100.0
        device = SyntheticDevice(
            f"test:?{faults}",
            Wanted(columns=320, rows=240, rate=10),
            clock=lambda: self.now,
            pause=self.sleep,
        )
        self.stop = _Stop(self)
        self.feed = Feed(device.open, frozen_s=frozen_s, clock=lambda: self.now)
        self.seen: list[tuple[float, State, bool, Frame | None]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        for frame in self.feed.frames(self.stop):
            self.seen.append((self.now - 100.0, self.feed.state, self.feed.may_store, frame))
            if self.now >= until:
                return

    def states(self) -> list[State]:
        """Each state that came, in order."""
        return [state for state, _ in itertools.groupby(state for _, state, _, _ in self.seen)]

    def between(self, begin_s: float, end_s: float) -> Iterator[tuple[State, bool]]:
        for at_s, state, may_store, _ in self.seen:
            if begin_s <= at_s <= end_s:
                yield state, may_store


class _Stop(Event):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench

    def wait(self, timeout: float | None = None) -> bool:
        self._bench.sleep(timeout or 0.0)
        return self.is_set()


def test_every_frame_of_a_good_camera_comes_and_may_soon_be_stored() -> None:
    bench = Bench("seed=1")
    bench.run(3.0)
    frames = [frame for *_, frame in bench.seen if frame]
    assert [one.sequence for one in frames] == list(range(1, len(frames) + 1))
    assert len(frames) == 30
    assert bench.states() == [State.UNSTABLE, State.OK]
    assert (bench.feed.truncated, bench.feed.missing, bench.feed.reopened) == (0, 0, 0)


def test_frames_that_are_cut_off_are_dropped_and_counted() -> None:
    bench = Bench("truncate=20%&seed=3")
    bench.run(20.0)
    frames = [frame for *_, frame in bench.seen if frame]
    assert bench.feed.truncated > 10
    assert len(frames) + bench.feed.truncated == 200
    assert all(one.data.endswith(b"\xff\xd9") for one in frames)


def test_frames_that_the_driver_lost_are_counted() -> None:
    bench = Bench("drop=20%&seed=3")
    bench.run(20.0)
    came = sum(frame is not None for *_, frame in bench.seen)
    assert bench.feed.missing > 10
    assert came + bench.feed.missing == pytest.approx(200, abs=5), "but for the last ones"


def test_frames_that_the_driver_says_are_damaged_are_dropped() -> None:
    bench = Bench("damage=20%&seed=3")
    bench.run(20.0)
    assert bench.feed.damaged > 10
    assert not any(frame.damaged for *_, frame in bench.seen if frame)


@pytest.mark.parametrize("mute", [0, 1])
def test_a_lost_signal_is_told_by_the_driver_or_by_the_picture(mute: int) -> None:
    bench = Bench(f"nosignal=3s@6s&mute={mute}")
    bench.run(8.0)
    assert bench.states() == [
        State.UNSTABLE,
        State.OK,
        State.NO_SIGNAL,
        State.UNSTABLE,
        State.OK,
    ]
    assert not any(may_store for _, may_store in bench.between(3.3, 6.4))


def test_what_is_unplugged_is_opened_again_when_it_is_back() -> None:
    bench = Bench("unplug=4s@8s")
    bench.run(11.0)
    assert bench.states() == [
        State.UNSTABLE,
        State.OK,
        State.NO_DEVICE,
        State.UNSTABLE,
        State.OK,
    ]
    assert {state for state, _ in bench.between(9.8, 11.0)} == {State.OK}, "back within 2 s"
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(bench.seen)]
    assert max(gaps) <= 1.0, "whoever iterates is never left waiting"


def test_a_stall_is_told_and_a_camera_that_stays_silent_is_opened_anew() -> None:
    bench = Bench("stall=8s@12s")
    bench.run(14.0)
    assert State.STALLED in bench.states()
    assert bench.states()[-1] is State.OK
    assert bench.feed.reopened >= 1
    assert not any(may_store for _, may_store in bench.between(6.1, 12.0))


def test_another_size_begins_anew() -> None:
    bench = Bench("resize=3s@6s")
    bench.run(5.0)
    sizes = [frame.format.columns for *_, frame in bench.seen if frame]
    assert [size for size, _ in itertools.groupby(sizes)] == [320, 160]
    assert bench.feed.reopened == 1
    small = next(at_s for at_s, *_, frame in bench.seen if frame and frame.format.columns == 160)
    assert not any(may_store for _, may_store in bench.between(small, small + 0.4))


def test_a_picture_that_stands_still_is_told() -> None:
    bench = Bench("freeze=5s@8s", frozen_s=2.0)
    bench.run(9.0)
    assert bench.states() == [State.UNSTABLE, State.OK, State.FROZEN, State.OK]


def test_one_that_never_comes_is_tried_for_ever_and_its_reason_told() -> None:
    tries = 0

    def none() -> SyntheticDevice:
        nonlocal tries
        tries += 1
        msg = "/dev/video9: there is no such device"
        raise CameraGone(msg)

    bench = Bench("")
    bench.feed = Feed(none, clock=lambda: bench.now)  # type: ignore[arg-type]  # it never opens
    bench.run(60.0)
    assert bench.states() == [State.NO_DEVICE]
    assert bench.feed.reason == "/dev/video9: there is no such device"
    assert tries > 30
