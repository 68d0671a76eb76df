"""A video of even frames is as long as the time it shows, whatever the camera did."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.camera.pace import paced, rate_of


def test_even_frames_are_each_shown_once() -> None:
    times = [0.0, *[1000 / 30] * 99]
    assert list(paced(times, Fraction(30))) == [1] * 100


@given(jitter=st.lists(st.floats(-0.12, 0.12), min_size=2, max_size=200))
def test_jitter_neither_repeats_nor_drops_a_frame(jitter: list[float]) -> None:
    at_ms = [40 * (number + early) for number, early in enumerate(jitter)]
    times = [0.0, *(after - before for before, after in pairwise(at_ms))]
    assert list(paced(times, Fraction(25))) == [1] * len(times)


@given(lost=st.sets(st.integers(1, 98)))
def test_where_frames_are_missing_the_one_before_is_shown_until_the_next(lost: set[int]) -> None:
    there = [number for number in range(100) if number not in lost]
    times = [0.0, *(40.0 * (b - a) for a, b in pairwise(there))]
    shown = list(paced(times, Fraction(25)))
    assert sum(shown) == 100
    assert [b - a for a, b in pairwise(there)] == shown[:-1]


@given(
    times=st.lists(st.floats(1, 400), max_size=100),
    rate=st.sampled_from([Fraction(5), Fraction(25), Fraction(30000, 1001), Fraction(60)]),
)
def test_the_time_is_true_to_a_frame_or_two(times: list[float], rate: Fraction) -> None:
    shown = list(paced([0.0, *times], rate))
    assert len(shown) == len(times) + 1
    assert min(shown) >= 0
    assert shown[0] >= 1
    assert abs(sum(shown) - 1 - sum(times) * float(rate) / 1000) <= 2


def test_no_frames_are_no_video() -> None:
    assert list(paced([], Fraction(25))) == []


@pytest.mark.parametrize(
    ("step_ms", "told", "rate"),
    [
        (40.0, 25.0, Fraction(25)),
        (33.3667, 29.97, Fraction(30000, 1001)),
        (33.36, 0.0, Fraction(30000, 1001)),
        (66.7, 30.0, Fraction(15)),  # a camera that exposes for longer in the dark
        (1000 / 7, 0.0, Fraction(7)),
        (0.0, 0.0, Fraction(25)),
    ],
)
def test_the_rate_is_what_the_frames_show(step_ms: float, told: float, rate: Fraction) -> None:
    found = rate_of([0.0, step_ms, step_ms, step_ms], told)
    assert float(found) == pytest.approx(float(rate), rel=1e-3)
    if told:
        assert found == rate
