"""A contact that nobody looked at in time, told by the driver's count."""

from __future__ import annotations

import bisect

from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.trigger.contact import CountedContact, Edge
from passerelle_hw.trigger.debounce import Debounce


def test_a_contact_between_two_looks_is_seen() -> None:
    contact = CountedContact(7, down=False)
    assert contact.is_news(9)
    assert contact.looked(9, 1.0, down=False) == [Edge(1.0, down=True), Edge(1.0, down=False)]
    assert not contact.is_news(9)
    assert contact.looked(9, 2.0, down=False) == []


def test_a_change_is_one_edge_however_often_it_bounced() -> None:
    contact = CountedContact(0, down=False)
    assert contact.looked(5, 1.0, down=True) == [Edge(1.0, down=True)]
    assert contact.looked(6, 2.0, down=False) == [Edge(2.0, down=False)]


def test_without_a_count_what_it_is_tells() -> None:
    contact = CountedContact(0, down=False)
    assert contact.looked(0, 1.0, down=True) == [Edge(1.0, down=True)]
    assert contact.looked(0, 2.0, down=True) == []


@given(
    contacts=st.lists(
        st.tuples(st.integers(60, 400), st.integers(1, 20), st.integers(0, 3)), max_size=8
    ),
    look_ms=st.integers(1, 20),
)
def test_every_contact_is_one_press_however_seldom_one_looks(
    contacts: list[tuple[int, int, int]], look_ms: int
) -> None:
    """Pauses, widths and bounces of 1 ms; a simulated driver counts each change."""
    changes, at = list[int](), 0
    for pause, width, bounces in contacts:
        at += pause
        changes += [at, *(at + n for n in range(1, 2 * bounces + 1)), at + 2 * bounces + width]
        at = changes[-1]
    contact, debounce = CountedContact(0, down=False), Debounce()
    presses = []
    for now in range(0, at + 200, look_ms):
        count = bisect.bisect_right(changes, now)
        for edge in contact.looked(count, now / 1000, down=count % 2 == 1):
            presses += debounce.edge(edge.at_s, down=edge.down)
        presses += debounce.settled(now / 1000)
    assert sum(press.down for press in presses) == len(contacts)
    assert sum(not press.down for press in presses) == len(contacts)
