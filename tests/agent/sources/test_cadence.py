"""When a folder is looked at again, whatever happens in it."""

from __future__ import annotations

import pytest

from passerelle.sources.cadence import Cadence
from passerelle.sources.candidates import NEVER


def scanned(cadence: Cadence, began: float, ended: float, *, found: int = 0) -> Cadence:
    cadence.begin(began)
    cadence.end(ended, found=found)
    return cadence


def test_a_folder_is_looked_at_at_once_and_then_at_each_poll() -> None:
    cadence = Cadence(5.0)
    assert cadence.next_look(NEVER) < 0
    assert scanned(cadence, 10, 10).next_look(NEVER) == 15


def test_something_due_is_looked_at_when_it_is_due() -> None:
    assert scanned(Cadence(5.0), 10, 10).next_look(12) == 12


def test_events_are_followed_after_a_rest_and_only_the_first_is_news() -> None:
    cadence = scanned(Cadence(5.0), 10, 10)
    assert [cadence.stir(), cadence.stir()] == [True, False]
    assert cadence.next_look(NEVER) == pytest.approx(10.05)
    cadence.begin(11)
    assert cadence.stir(), "what happens from then on may not be seen by that scan"


def test_scans_take_a_tenth_of_the_time_at_most() -> None:
    cadence = scanned(Cadence(60.0), 10, 11)
    cadence.stir()
    assert cadence.next_look(NEVER) == 20
    assert cadence.next_look(11) == 12, "half of it while something is due"
    slow = scanned(Cadence(0.5), 10, 11)
    assert slow.next_look(NEVER) == 11.5, "but polls come as configured"


def test_in_a_burst_the_next_scan_comes_soon_and_without_events() -> None:
    cadence = scanned(Cadence(60.0), 10, 11, found=500)
    assert cadence.in_burst
    assert cadence.next_look(NEVER) == 12
    assert [cadence.interrupts(now) for now in (11.9, 12)] == [False, True]
    scanned(cadence, 12, 13, found=3)
    assert not cadence.in_burst
    assert cadence.next_look(NEVER) == 22, "once more: nobody listened during the last scan"
    assert not cadence.interrupts(23), "what was found goes on meanwhile"
    assert scanned(cadence, 22, 23).next_look(NEVER) == 83


def test_after_a_file_was_moved_away_the_folder_is_watched_without_events() -> None:
    cadence = scanned(Cadence(5.0), 10, 10)
    cadence.moved_away(10.01)
    now = 10.0
    while (upcoming := cadence.next_look(NEVER)) < 15:
        assert upcoming == pytest.approx(now + 0.05)
        now = upcoming
        scanned(cadence, now, now)
    assert now > 10.6
