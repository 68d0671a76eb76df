"""A pedal's keystrokes as presses; the device itself is tried in the emulated box."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from passerelle_hw.input_device import Event, EventsLost, KeyEvent
from passerelle_hw.trigger.keys import KeyTrigger, KeyTriggerSettings, PressedKeys
from passerelle_hw.trigger.press import Press, TriggerGone

if TYPE_CHECKING:
    from pathlib import Path

F5, F6 = 63, 64


def told(keys: PressedKeys, *events: Event, now_s: float = 1000.0) -> list[tuple[float, bool]]:
    return [(press.at_s, press.down) for press in keys.take(list(events), now_s)]


def test_a_key_presses_and_lets_go_at_the_times_of_the_kernel() -> None:
    keys = PressedKeys(F5)
    events = [KeyEvent(1.0, F5, down=True), KeyEvent(1.5, F5, down=False)]
    assert told(keys, *events) == [(1.0, True), (1.5, False)]


def test_another_key_of_the_device_is_no_press() -> None:
    keys = PressedKeys(F5)
    assert told(keys, KeyEvent(1.0, F6, down=True), KeyEvent(1.1, F6, down=False)) == []


def test_any_key_will_do_and_two_together_are_one_press() -> None:
    keys = PressedKeys(None)
    events = [
        KeyEvent(1.0, F5, down=True),
        KeyEvent(1.2, F6, down=True),
        KeyEvent(1.4, F5, down=False),
        KeyEvent(1.6, F6, down=False),
    ]
    assert told(keys, *events) == [(1.0, True), (1.6, False)]


def test_a_keystroke_of_five_milliseconds_is_a_press() -> None:
    keys = PressedKeys(F5)
    events = [KeyEvent(1.0, F5, down=True), KeyEvent(1.005, F5, down=False)]
    assert told(keys, *events, now_s=1.006) == [(1.0, True)]
    assert keys.wait_s(1.006) == pytest.approx(0.024)
    assert told(keys, now_s=1.03) == [(1.005, False)]


def test_after_events_were_lost_what_is_down_tells() -> None:
    keys = PressedKeys(F5, frozenset({F6}))
    lost = EventsLost(2.0, frozenset({F5, F6}))
    assert told(keys, lost) == [(2.0, True)]
    assert told(keys, EventsLost(3.0, frozenset())) == [(3.0, False)]


def test_a_key_that_is_held_from_the_start_is_told_when_it_is_let_go() -> None:
    keys = PressedKeys(F5, frozenset({F5}))
    assert told(keys, KeyEvent(1.0, F5, down=False)) == [(1.0, False)]


def test_a_device_that_is_not_there_says_so(tmp_path: Path) -> None:
    trigger = KeyTrigger(KeyTriggerSettings(device=str(tmp_path / "pedal"), key="KEY_F5"))
    presses: list[Press] = []
    with pytest.raises(TriggerGone, match="No such file"):
        trigger.watch(presses.append, threading.Event())
    assert presses == []
