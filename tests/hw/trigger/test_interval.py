"""Presses at times that do not drift."""

from __future__ import annotations

import threading

import pytest

from passerelle_hw.trigger.interval import IntervalSettings, IntervalTrigger
from passerelle_hw.trigger.press import Press
from trigger_support import watched


def test_it_presses_every_so_often_and_lets_go_at_once() -> None:
    with watched(IntervalTrigger(IntervalSettings(every_s=0.02))) as seen:
        told = [seen.next() for _ in range(6)]
    assert [press.down for press in told] == [True, False] * 3
    assert told[4].at_s - told[0].at_s >= 0.039


def test_what_was_missed_is_left_out_and_the_others_do_not_drift() -> None:
    times = iter([0.0, 10.1, 10.1, 20.0, 57.0, 57.1, 60.2, 60.3])
    stop, told = threading.Event(), list[Press]()

    def clock() -> float:
        try:
            return next(times)
        except StopIteration:
            stop.set()
            return 60.3

    trigger = IntervalTrigger(IntervalSettings(every_s=10.0), clock=clock)
    trigger.watch(told.append, stop)
    assert [press.at_s for press in told if press.down] == [10.1, 20.0, 57.0, 60.2]


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="every_s"):
        IntervalTrigger(IntervalSettings(every_s=0.0))
