"""As many associations as pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passerelle.dimse.width import FAR_S, Width

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR_S = 0.0002


class Hand:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def settled(rate: Callable[[int], float], limit: int = 8, batches: int = 12) -> int:
    width, now = Width(Hand()), 1
    for _ in range(batches):
        now = width.of(limit, NEAR_S)
        width.measured(now, limit, 64, 64 / rate(now))
    return now


def test_on_a_far_line_all_are_used_from_the_first_batch_on() -> None:
    assert Width().of(4, FAR_S) == 4


def test_on_a_near_line_there_is_one_at_first() -> None:
    assert Width().of(4, NEAR_S) == 1


def test_an_archive_that_becomes_faster_gets_as_many_as_make_it_so() -> None:
    assert settled(lambda width: 300.0 * min(width, 4)) == 4
    assert settled(lambda width: 300.0 * width) == 8
    assert settled(lambda width: 300.0 * width, limit=3) == 3


def test_an_archive_that_becomes_slower_keeps_its_one() -> None:
    assert settled(lambda width: 2400.0 / width) == 1


def test_what_hardly_pays_is_not_kept() -> None:
    assert settled(lambda width: 300.0 * (1 + width / 100)) == 1


def test_a_batch_of_a_few_instances_says_nothing() -> None:
    width = Width(Hand())
    for _ in range(5):
        width.measured(1, 4, 1, 0.001)
    assert width.of(4, NEAR_S) == 1


def test_after_a_minute_it_is_tried_again() -> None:
    clock = Hand()
    width = Width(clock)
    width.measured(1, 2, 64, 0.1)
    width.measured(2, 2, 64, 0.2)
    assert width.of(2, NEAR_S) == 1
    clock.now = 61
    width.measured(1, 2, 64, 0.1)
    assert width.of(2, NEAR_S) == 2


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_never_more_than_allowed(limit: int) -> None:
    width = Width(Hand())
    for number in range(1, 20):
        width.measured(width.of(limit, NEAR_S), limit, 64, 1 / number)
        assert 1 <= width.of(limit, NEAR_S) <= limit
