"""Whatever a contact's edges are, presses and releases alternate, and none is missed."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.trigger.debounce import Debounce
from passerelle_hw.trigger.press import Press

QUIET_S = 0.025
#: Gaps in ms before each edge: bouncing, and quiet.
gaps = st.lists(st.integers(0, 24) | st.integers(25, 300), max_size=60)


def pressed(gaps_ms: list[int]) -> tuple[list[Press], list[float]]:
    """What alternating edges after these gaps tell, looked at as late as the next edge."""
    debounce, presses, times = Debounce(QUIET_S), list[Press](), list[float]()
    at, down = 1000.0, False
    for gap in gaps_ms:
        at, down = at + gap / 1000, not down
        presses += debounce.edge(at, down=down)
        times.append(at)
    presses += debounce.settled(at + QUIET_S + 0.001)
    return presses, times


@given(gaps)
def test_presses_and_releases_alternate_and_the_last_one_is_what_the_contact_is(
    gaps_ms: list[int],
) -> None:
    presses, _ = pressed(gaps_ms)
    assert [press.down for press in presses] == [n % 2 == 0 for n in range(len(presses))]
    assert len(presses) % 2 == len(gaps_ms) % 2, "told is what it is once it is quiet"
    assert [press.at_s for press in presses] == sorted(press.at_s for press in presses)


@given(gaps)
def test_after_quiet_every_edge_is_told_with_its_own_time(gaps_ms: list[int]) -> None:
    presses, times = pressed(gaps_ms)
    told = {press.at_s for press in presses}
    for number, gap in enumerate(gaps_ms):
        if number == 0 or gap >= 26:
            assert times[number] in told


@given(st.lists(st.integers(30, 2000), min_size=1, max_size=20), st.integers(1, 24))
def test_however_short_a_contact_is_it_is_one_press_and_one_release(
    pauses_ms: list[int], width_ms: int
) -> None:
    presses, _ = pressed([gap for pause in pauses_ms for gap in (pause, width_ms)])
    assert sum(press.down for press in presses) == len(pauses_ms)
    assert sum(not press.down for press in presses) == len(pauses_ms)


@given(st.lists(st.integers(0, 24), min_size=2, max_size=400))
def test_bouncing_of_any_length_is_one_press(gaps_ms: list[int]) -> None:
    presses, _ = pressed(gaps_ms)
    assert [press.down for press in presses] == [True, False][: 2 - len(gaps_ms) % 2]


def test_a_press_is_told_at_its_edge_and_not_when_the_bouncing_ends() -> None:
    debounce = Debounce(QUIET_S)
    assert debounce.edge(5.0, down=True) == [Press(at_s=5.0)]
    assert debounce.edge(5.001, down=False) == []
    assert debounce.edge(5.003, down=True) == []
    assert debounce.settled(5.5) == []
    assert debounce.edge(6.0, down=False) == [Press(at_s=6.0, down=False)]


def test_a_contact_that_was_closed_from_the_start_is_told_when_it_opens() -> None:
    debounce = Debounce(QUIET_S, down=True)
    assert debounce.edge(1.0, down=True) == []
    assert debounce.edge(2.0, down=False) == [Press(at_s=2.0, down=False)]


def test_it_says_when_to_look_again() -> None:
    debounce = Debounce(QUIET_S)
    assert debounce.wait_s(1.0) is None
    debounce.edge(1.0, down=True)
    waits = [debounce.wait_s(now) for now in (1.0, 1.02, 3.0)]
    assert [round(wait, 6) for wait in waits if wait is not None] == [0.025, 0.005, 0.0]
    assert list(itertools.chain(debounce.settled(1.03))) == []
    assert debounce.wait_s(1.03) is None
