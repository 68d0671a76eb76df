"""What a press makes of frames is decided by their times alone, and never across a bad picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_support import MJPG, down, frame, frames, played, up
from passerelle_hw.camera.recorder import Plan, Recorder
from passerelle_hw.camera.wish import ClipBegun, ClipEnded, ClipFrame, Refused, Still

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passerelle_hw.camera.wish import Step

_RING = 64 << 20
_AT_ONCE = Plan(sure_s=0.0)
_CLIP = Plan(capture="clip", clip_s=1.0, pre_trigger_s=0.4, sure_s=0.0)


def _sequences(steps: Iterable[Step]) -> list[int]:
    return [
        step.frame.sequence for step in steps if isinstance(step, Still | ClipBegun | ClipFrame)
    ]


def _refusals(steps: Iterable[Step]) -> list[str]:
    return [step.why for step in steps if isinstance(step, Refused)]


def _end(steps: Iterable[Step]) -> ClipEnded:
    (end,) = (step for step in steps if isinstance(step, ClipEnded))
    return end


@given(
    steps=st.lists(st.floats(0.005, 0.2), min_size=3, max_size=40),
    when=st.floats(0, 1),
    latency_s=st.floats(0, 0.1),
    late=st.integers(0, 5),
)
def test_a_still_is_the_last_frame_at_or_before_the_press_less_the_latency(
    steps: list[float], when: float, latency_s: float, late: int
) -> None:
    shown, at_s = [], 100.0
    for number, step in enumerate(steps):
        shown.append(frame(at_s, number, data=b"x"))
        at_s += step
    pressed_s = 100.0 + latency_s + when * (at_s - 100.0)
    recorder = Recorder(replace(_AT_ONCE, latency_s=latency_s), ring_bytes=_RING)
    told_after = next((n for n, one in enumerate(shown) if one.at_s > pressed_s), len(shown))
    made: list[Step] = []
    for number, one in enumerate(shown):
        if number == told_after + late:  # a thread may tell of a press when newer frames are there
            made += recorder.press(down(pressed_s))
        made += recorder.frame(one)
    if told_after + late >= len(shown):
        made += recorder.press(down(pressed_s))
    made += recorder.finish()
    expected = [one for one in shown if one.at_s <= pressed_s - latency_s]
    assert _sequences(made) == [expected[-1].sequence]
    assert _refusals(made) == []


def test_a_still_waits_until_the_picture_has_stayed_good_after_it() -> None:
    recorder = Recorder(Plan(sure_s=0.3), ring_bytes=_RING)
    shown = frames(40)
    assert played(recorder, shown[:11], [down(100.41)]) == []
    assert _sequences(played(recorder, shown[11:])) == [10]


def test_no_still_is_taken_of_a_picture_that_was_lost_a_moment_later() -> None:
    recorder = Recorder(Plan(sure_s=0.3), ring_bytes=_RING)
    assert played(recorder, frames(12), [down(100.41)]) == []
    assert _refusals(recorder.lost("there is no signal")) == ["there is no signal"]
    assert list(recorder.finish()) == []


def test_a_press_without_a_good_picture_is_refused_and_says_why() -> None:
    recorder = Recorder(_AT_ONCE, ring_bytes=_RING)
    assert _refusals(recorder.press(down(1.0))) == ["the camera has not shown a good picture yet"]
    played(recorder, frames(5))
    assert list(recorder.lost("there is no signal")) == []
    assert _refusals(recorder.press(down(100.15))) == ["there is no signal"]


def test_a_press_made_before_the_picture_came_back_takes_none_of_the_new_ones() -> None:
    recorder = Recorder(_AT_ONCE, ring_bytes=_RING)
    played(recorder, frames(5))
    list(recorder.lost("there is no signal"))
    steps = played(recorder, frames(9, begin_s=105.0))
    steps += recorder.press(down(104.0))
    steps += recorder.finish()
    assert _sequences(steps) == []
    assert len(_refusals(steps)) == 1


def test_no_still_reaches_across_a_change_of_the_source() -> None:
    recorder = Recorder(_AT_ONCE, ring_bytes=_RING)
    played(recorder, frames(5))
    steps = [*recorder.press(down(100.17))]
    other = replace(MJPG, columns=32)
    steps += recorder.frame(frame(100.18, 5, other))
    steps += recorder.finish()
    assert _sequences(steps) == []
    assert _refusals(steps) == ["what is plugged into the camera changed"]


def test_a_picture_long_before_the_press_is_not_taken_for_it() -> None:
    recorder = Recorder(_AT_ONCE, ring_bytes=_RING)
    shown = [*frames(5), *frames(5, begin_s=102.0)]
    steps = played(recorder, shown, [down(101.5)])
    assert _sequences(steps) == []
    assert _refusals(steps) == ["there is no picture of that moment"]


def test_a_slow_camera_has_older_pictures() -> None:
    recorder = Recorder(_AT_ONCE, ring_bytes=_RING)
    assert _sequences(played(recorder, frames(9, rate=0.5), [down(103.9)])) == [1]


def test_one_frame_is_never_stored_twice() -> None:
    recorder = Recorder(_AT_ONCE, ring_bytes=_RING)
    steps = played(recorder, frames(9), [down(100.13), down(100.14)])
    assert _sequences(steps) == [3]
    assert _refusals(steps) == ["the picture of this moment is stored already"]


def test_a_press_is_given_up_when_no_frame_comes() -> None:
    recorder = Recorder(_AT_ONCE, ring_bytes=_RING)
    played(recorder, frames(5), [down(100.17)])
    assert list(recorder.tick(101.0)) == []
    assert _refusals(recorder.tick(106.0)) == ["no frame came after it"]
    assert not recorder.is_busy


def test_a_burst_is_so_many_pictures_at_its_interval() -> None:
    plan = replace(_AT_ONCE, capture="burst", burst_count=4, burst_interval_s=0.2)
    recorder = Recorder(plan, ring_bytes=_RING)
    assert _sequences(played(recorder, frames(40), [down(100.21)])) == [5, 10, 15, 20]


@given(interval_s=st.floats(0, 0.5), count=st.integers(1, 8))
def test_no_frame_is_in_a_burst_twice(interval_s: float, count: int) -> None:
    plan = replace(_AT_ONCE, capture="burst", burst_count=count, burst_interval_s=interval_s)
    recorder = Recorder(plan, ring_bytes=_RING)
    taken = _sequences(played(recorder, frames(150), [down(100.5)]))
    assert len(taken) == len(set(taken)) == count
    assert taken == sorted(taken)


def test_a_burst_that_loses_its_picture_says_how_much_of_it_there_is() -> None:
    plan = replace(_AT_ONCE, capture="burst", burst_count=4, burst_interval_s=0.2)
    recorder = Recorder(plan, ring_bytes=_RING)
    assert _sequences(played(recorder, frames(12), [down(100.21)])) == [5, 10]
    assert _refusals(recorder.lost("it was unplugged")) == [
        "only 2 of 4 pictures: it was unplugged"
    ]


def test_a_clip_begins_before_the_press_and_ends_after_it() -> None:
    recorder = Recorder(_CLIP, ring_bytes=_RING)
    steps = played(recorder, frames(80), [down(101.01)])
    assert _sequences(steps) == list(range(16, 51))  # 100.61 to 102.01
    end = _end(steps)
    assert (end.why, end.missing, len(end.frame_times_ms)) == ("", 0, 35)
    assert end.frame_times_ms[0] == 0
    assert set(end.frame_times_ms[1:]) == {40.0}


@given(lost=st.sets(st.integers(1, 33)))
def test_what_is_missing_in_a_clip_is_counted_and_seen_in_its_times(lost: set[int]) -> None:
    recorder = Recorder(replace(_CLIP, pre_trigger_s=0.0), ring_bytes=_RING)
    shown = [one for one in frames(80) if one.sequence - 10 not in lost]
    steps = played(recorder, shown, [down(100.39)])
    end = _end(steps)
    inside = {number for number in lost if number < max(_sequences(steps)) - 10}
    assert end.missing == len(inside)
    assert sum(end.frame_times_ms) == pytest.approx(
        40 * (len(end.frame_times_ms) - 1 + end.missing)
    )


def test_a_clip_lasts_until_the_pedal_is_let_go_of() -> None:
    recorder = Recorder(replace(_CLIP, clip_s=0.0), ring_bytes=_RING)
    steps = played(recorder, frames(80), [down(101.01), up(101.5)])
    assert _sequences(steps) == list(range(16, 38))
    assert _end(steps).why == ""


def test_a_clip_lasts_until_the_next_press() -> None:
    recorder = Recorder(replace(_CLIP, clip_s=0.0), ring_bytes=_RING)
    steps = played(recorder, frames(80), [down(101.01), down(101.5), down(102.5)])
    assert _sequences(steps)[:22] == list(range(16, 38))
    assert _sequences(steps)[22] == 53  # the next clip
    assert recorder.is_busy


def test_a_clip_is_never_longer_than_one_may_be() -> None:
    plan = replace(_CLIP, clip_s=0.0, longest_s=1.0)
    steps = played(Recorder(plan, ring_bytes=_RING), frames(80), [down(101.01)])
    assert _sequences(steps) == list(range(16, 41))
    assert _end(steps).why == "it was as long as one may be"


def test_a_clip_that_loses_its_picture_ends_there_and_says_so() -> None:
    recorder = Recorder(replace(_CLIP, sure_s=0.1), ring_bytes=_RING)
    steps = played(recorder, frames(40), [down(101.01)])
    steps += recorder.lost("there is no signal")
    # Of the frames up to 101.56 those of the last 0.1 s may be of no signal already.
    assert _sequences(steps) == list(range(16, 37))
    assert _end(steps).why == "there is no signal"


def test_a_clip_of_which_no_frame_came_is_refused() -> None:
    recorder = Recorder(replace(_CLIP, pre_trigger_s=0.0), ring_bytes=_RING)
    steps = played(recorder, frames(5), [down(100.17)])
    steps += recorder.lost("it was unplugged")
    assert steps == [Refused(down(100.17), "it was unplugged")]


def test_a_press_during_a_clip_of_fixed_length_is_refused() -> None:
    steps = played(
        Recorder(_CLIP, ring_bytes=_RING), frames(80), [down(101.01), up(101.1), down(101.2)]
    )
    assert _sequences(steps) == list(range(16, 51))
    assert _refusals(steps) == ["a clip is being taken"]


def test_a_clip_begins_as_early_as_the_ring_has_room_for() -> None:
    shown = frames(80)
    recorder = Recorder(_CLIP, ring_bytes=4 * len(shown[20].data))
    assert _sequences(played(recorder, shown, [down(101.01)]))[0] >= 22


def test_a_clip_ends_when_no_frame_comes_any_more() -> None:
    recorder = Recorder(_CLIP, ring_bytes=_RING)
    steps = played(recorder, frames(40), [down(101.01)])
    assert list(recorder.tick(103.0)) == []
    steps += recorder.tick(108.0)
    assert len(_end(steps).frame_times_ms) == 24


def test_nothing_is_lost_when_the_capture_is_stopped() -> None:
    recorder = Recorder(replace(_CLIP, sure_s=0.3), ring_bytes=_RING)
    steps = played(recorder, frames(40), [down(101.01)])
    steps += recorder.finish()
    assert _sequences(steps) == list(range(16, 40))
    assert _end(steps).why == "the capture was stopped"


def test_a_clock_that_goes_back_ends_what_was_begun() -> None:
    recorder = Recorder(_CLIP, ring_bytes=_RING)
    steps = played(recorder, frames(40), [down(101.01)])
    steps += recorder.frame(frame(50.0, 40))
    assert _end(steps).why == "the camera's clock went back"


@given(
    events=st.lists(
        st.one_of(st.just("frame"), st.just("down"), st.just("up"), st.just("lost")), max_size=120
    ),
    capture=st.sampled_from(["still", "burst", "clip"]),
    clip_s=st.sampled_from([0.0, 0.3]),
)
def test_every_press_comes_to_something_or_is_refused(
    events: list[str], capture: str, clip_s: float
) -> None:
    plan = Plan(
        capture=capture,  # type: ignore[arg-type]  # hypothesis has no literals
        burst_count=3,
        burst_interval_s=0.1,
        pre_trigger_s=0.2,
        clip_s=clip_s,
        sure_s=0.1,
    )
    recorder, pressed, at_s = Recorder(plan, ring_bytes=_RING), 0, 100.0
    steps: list[Step] = []
    for number, event in enumerate(events):
        at_s += 0.02
        if event == "frame":
            steps += recorder.frame(frame(at_s, number, data=b"x"))
        elif event == "lost":
            steps += recorder.lost("lost")
        else:
            pressed += event == "down"
            steps += recorder.press(down(at_s) if event == "down" else up(at_s))
    steps += recorder.finish()
    assert not recorder.is_busy
    begun = sum(isinstance(step, ClipBegun) for step in steps)
    assert begun == sum(isinstance(step, ClipEnded) for step in steps)
    stills = {id(step.press) for step in steps if isinstance(step, Still)}
    refused = {id(step.press) for step in steps if isinstance(step, Refused)}
    if capture == "clip":
        # With no fixed length a second press ends the clip of the first.
        assert begun + len(refused) <= pressed
        assert clip_s == 0 or begun + len(refused) == pressed
    else:
        assert len(stills | refused) == pressed
