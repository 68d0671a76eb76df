"""Fields of fixed width are read as their document says, or not at all."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.values.field import axis, power


@pytest.mark.parametrize(
    ("text", "value"),
    [("- 1.25", "-1.25"), ("+12.00", "12"), ("  0.00", "0"), (" 00.00", "0"), ("+ 0.25", "0.25")],
)
def test_a_power_is_read(text: str, value: str) -> None:
    assert power(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1.2",
        "- 1,25",
        "+ 0.00",
        "- 0.00",
        "  1.25",
        "-  .25",
        "-\u06611.25",
        "1- 1.25",
        "- 1.25 ",
    ],
)
def test_what_is_no_power_is_refused(text: str) -> None:
    with pytest.raises(Damaged):
        power(text)


def test_an_axis_is_read_in_one_way_only() -> None:
    read: dict[int, list[str]] = {}
    for text in map("".join, itertools.product(" 0123456789-", repeat=3)):
        try:
            value = axis(text)
        except Damaged:
            continue
        read.setdefault(value, []).append(text)
    assert sorted(read) == list(range(181))
    assert read[5] == ["  5", "005"]
    assert read[180] == ["180"]
