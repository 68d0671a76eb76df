"""A picture may be stored only after all that speaks of the signal has been good for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.camera.look import Look
from passerelle_hw.camera.signal import Signal, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle_hw.camera.frame import DriverSignal

GOOD, BLANK = Look(90.0, 40.0), Look(16.0, 0.2)


def steady(at_s: float = 0.0) -> Signal:
    signal = Signal()
    signal.opened(at_s)
    signal.frame(b"1", at_s + 0.1)
    signal.frame(b"2", at_s + 0.7)
    assert signal.state is State.OK
    return signal


def test_it_is_not_there_before_it_was_opened() -> None:
    signal = Signal()
    assert (signal.state, signal.may_store) == (State.NO_DEVICE, False)


def test_it_must_have_been_good_for_a_while() -> None:
    signal = Signal()
    signal.opened(0.0)
    assert signal.state is State.UNSTABLE
    for at_s, state in ((0.1, State.UNSTABLE), (0.4, State.UNSTABLE), (0.5, State.OK)):
        signal.frame(str(at_s).encode(), at_s)
        assert signal.state is state, at_s


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (lambda signal: signal.driver("no signal", 1.0), State.NO_SIGNAL),
        (lambda signal: signal.driver("unstable", 1.0), State.UNSTABLE),
        (lambda signal: signal.silence(2.8), State.STALLED),
        (lambda signal: signal.gone("unplugged"), State.NO_DEVICE),
        (lambda signal: signal.opened(1.0), State.UNSTABLE),
    ],
)
def test_whatever_speaks_against_it_ends_it_at_once(
    happens: Callable[[Signal], None], state: State
) -> None:
    signal = steady()
    happens(signal)
    assert (signal.state, signal.may_store) == (state, False)
    assert signal.reason


def test_a_blank_picture_is_no_signal_although_the_driver_is_content() -> None:
    signal = steady()
    signal.looked(BLANK)
    signal.frame(b"3", 1.0)
    told = [signal.state]
    signal.looked(GOOD)
    for at_s in (1.1, 1.7):  # and then it must be good for a while again
        signal.frame(str(at_s).encode(), at_s)
        told.append(signal.state)
    assert told == [State.NO_SIGNAL, State.UNSTABLE, State.OK]


def test_a_picture_that_never_changes_is_told_and_may_be_stored() -> None:
    signal = steady()
    for tenth in range(8, 108):
        signal.frame(b"same", tenth / 10)
    assert signal.state is State.OK
    signal.frame(b"same", 10.8)
    assert (signal.state, signal.may_store) == (State.FROZEN, True)
    signal.frame(b"another", 10.9)
    assert signal.state is State.OK


def test_a_clock_that_is_put_back_makes_it_wait_anew_and_no_longer() -> None:
    signal = steady(1000.0)
    signal.frame(b"3", 1.0)
    assert not signal.may_store
    signal.frame(b"4", 1.6)
    assert signal.may_store


SAID = st.sampled_from(["locked", "no signal", "unstable", None])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["driver", "blank", "shows", "frame", "silence", "gone", "opened"]),
        SAID,
        st.floats(0, 1),
    ),
    max_size=60,
)


@given(EVENTS)
def test_nothing_is_stored_within_half_a_second_of_anything_bad(
    events: list[tuple[str, DriverSignal, float]],
) -> None:
    signal, now, bad_at = Signal(), 0.0, 0.0
    blank, driver, there = False, None, False
    for number, (kind, said, pause_s) in enumerate(events):
        now += pause_s
        match kind:
            case "driver":
                driver = said
                signal.driver(said, now)
            case "blank" | "shows":
                blank = kind == "blank"
                signal.looked(BLANK if blank else GOOD)
            case "frame":
                signal.frame(str(number).encode(), now)
            case "silence":
                signal.silence(now)
            case "gone":
                there = False
                signal.gone("gone")
            case _:
                there, blank, driver = True, False, None
                signal.opened(now)
        if not there:
            return  # what comes before it is opened again is not heard of
        if blank or driver in ("no signal", "unstable") or kind == "opened":
            bad_at = now
        if signal.may_store and kind in ("frame", "driver", "silence"):
            assert now - bad_at >= 0.5 - 1e-9
