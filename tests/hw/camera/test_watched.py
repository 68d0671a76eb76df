"""A trigger is watched again when it was gone, and its end by an error is never silent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from passerelle_hw.camera.watched import WatchedTrigger
from passerelle_hw.trigger.press import Press, TriggerGone
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event


class Pedal:
    """Presses once for each time that it is watched, and is unplugged at first."""

    def __init__(self) -> None:
        self.watched = 0

    def watch(self, told: Callable[[Press], None], stop: Event) -> None:
        self.watched += 1
        if self.watched == 1:
            msg = "the pedal is not plugged in"
            raise TriggerGone(msg)
        stop.wait(0.2)
        told(Press(at_s=time.monotonic()))
        stop.wait()


def test_a_trigger_that_was_gone_is_watched_again() -> None:
    told: list[Press] = []
    watched = WatchedTrigger(Pedal(), told.append, again_s=0.3)
    watched.start()
    wait_until(lambda: watched.gone)
    assert watched.gone == "the pedal is not plugged in"
    wait_until(lambda: told)
    wait_until(lambda: not watched.gone)
    watched.check()
    watched.end()


class Broken:
    def watch(self, told: Callable[[Press], None], stop: Event) -> None:
        told(Press(at_s=0.0))
        assert stop.is_set(), "a defect"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_trigger_whose_thread_ended_is_found_out() -> None:
    watched = WatchedTrigger(Broken(), lambda _: None)
    watched.start()
    time.sleep(0.1)
    with pytest.raises(RuntimeError, match="trigger"):
        watched.check()
