"""Readings of pulse oximeters, in the forms that the makers' manuals print."""

from __future__ import annotations

import datetime as dt

import pytest

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.lines import Lines
from passerelle_hw.serial.pulse import FiveBytes
from passerelle_hw.serial.values.oximeter import Oximetry, five_bytes, nonin_line
from serial_support import bodies, fed, reasons


@pytest.mark.parametrize(
    ("line", "reading"),
    [
        # The forms of the manuals, their letters replaced by invented numbers.
        (b"SPO2=097 HR=072", Oximetry(spo2_percent=97, pulse_per_min=72)),
        (b"SPO2=097 HR=072 F", Oximetry(spo2_percent=97, pulse_per_min=72)),
        (b"SPO2=--- HR=---", Oximetry(spo2_percent=None, pulse_per_min=None)),
        (b"SPO2=097 HR=072*", Oximetry(spo2_percent=97, pulse_per_min=72, is_marked=True)),
        (
            b"13:05:59 SPO2=100 HR=121",
            Oximetry(spo2_percent=100, pulse_per_min=121, time=dt.time(13, 5, 59)),
        ),
    ],
)
def test_a_line_of_a_nonin_is_read(line: bytes, reading: Oximetry) -> None:
    (body,) = bodies(fed(Lines(), line + b"\r\n", range(40)))
    assert nonin_line(body) == reading


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"VER 1009",
        b"SPO2=97 HR=072",
        b"SPO2=101 HR=072",
        b"SPO2=09\xb7 HR=072",
        b"SPO2=0-- HR=072",
        b"25:05:59 SPO2=100 HR=121",
        b"SPO2=097 HR=072SPO2=097 HR=072",
    ],
)
def test_what_is_no_reading_is_refused(line: bytes) -> None:
    with pytest.raises(Damaged):
        nonin_line(line)


def test_groups_of_five_bytes_are_read_from_where_one_begins() -> None:
    data = b"\x40\x62" + b"\x84\x30\x05\x48\x61" + b"\x84\x31\x45\x02\x60" + b"\x84\x32\x15\x00\x00"
    events = fed(FiveBytes(), data + b"\x84", range(len(data)))
    assert [five_bytes(body) for body in bodies(events)] == [
        Oximetry(spo2_percent=97, pulse_per_min=72),
        Oximetry(spo2_percent=96, pulse_per_min=130),
        Oximetry(spo2_percent=None, pulse_per_min=None),
    ]
    assert reasons(events) == ["no group of five bytes"]


def test_a_group_with_a_byte_too_few_or_too_many_is_none_and_the_next_one_is_found() -> None:
    whole = b"\x84\x30\x05\x48\x61"
    for broken in (whole[:3] + whole[4:], whole[:3] + b"\x00" + whole[3:], whole[:1], b"\0" * 99):
        assert bodies(fed(FiveBytes(), broken + whole + b"\x84")) == [whole]


def test_bytes_without_a_beginning_do_not_fill_the_memory() -> None:
    rejected = fed(FiveBytes(), b"\0" * 600)
    assert len(rejected) >= 90


def test_an_interrupted_group_is_none() -> None:
    framer = FiveBytes()
    framer.feed(b"\x84\x30")
    assert reasons(framer.interrupt("a byte with wrong parity")) == ["a byte with wrong parity"]
    assert bodies(framer.feed(b"\x05\x48\x61\x84")) == []


@pytest.mark.parametrize("group", [b"\x84\x30\x05\x48\x7f", b"\x84\x30\x05\x48"])
def test_a_group_that_says_what_cannot_be_is_refused(group: bytes) -> None:
    with pytest.raises(Damaged):
        five_bytes(group)
