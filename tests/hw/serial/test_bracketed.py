"""Text between STX and ETX, and MLLP, under every cut, garbage and damage."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.serial.bracketed import Mllp, StxEtx
from passerelle_hw.serial.check import CHECKS, Check
from passerelle_hw.serial.events import Message, Rejected
from serial_support import bodies, fed, reasons

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60).map(str.encode)
CUTS = st.lists(st.integers(0, 500), max_size=20)
NAMES: tuple[Check, ...] = get_args(Check)


def framed(body: bytes, check: Check) -> bytes:
    checked = body + b"\x03"
    return b"\x02" + checked + CHECKS[check][0](checked)


@given(st.sampled_from(NAMES), st.lists(TEXT, max_size=4), CUTS)
def test_messages_are_found_however_their_bytes_are_cut(
    check: Check, texts: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(framed(text, check) for text in texts)
    events = fed(StxEtx(check), data, cuts)
    assert bodies(events) == texts
    assert reasons(events) == []


@given(st.sampled_from(NAMES), TEXT, st.binary(max_size=30), CUTS)
def test_garbage_without_a_start_costs_no_message(
    check: Check, text: bytes, garbage: bytes, cuts: list[int]
) -> None:
    garbage = garbage.replace(b"\x02", b"")
    data = garbage + framed(text, check) + garbage + framed(text, check)
    assert bodies(fed(StxEtx(check), data, cuts)) == [text, text]


@given(TEXT, TEXT, CUTS)
def test_a_message_that_was_cut_off_does_not_take_the_next_one_with_it(
    cut: bytes, text: bytes, cuts: list[int]
) -> None:
    data = b"\x02" + cut + framed(text, "crc16")
    events = fed(StxEtx("crc16"), data, cuts)
    assert bodies(events) == [text]
    assert len(reasons(events)) >= 1


@given(st.sampled_from(["lrc", "sum", "sum-hex", "crc16"]), TEXT, st.data())
def test_a_flipped_bit_is_never_accepted(check: Check, text: bytes, data: st.DataObject) -> None:
    wire = bytearray(framed(text, check))
    place = data.draw(st.integers(0, len(wire) * 8 - 1))
    wire[place // 8] ^= 1 << place % 8
    assert bodies(fed(StxEtx(check), bytes(wire))) == []


@given(st.lists(TEXT.filter(bool), max_size=4), CUTS)
def test_mllp_is_found_however_its_bytes_are_cut(texts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(b"\x0b" + text + b"\x1c\r" for text in texts)
    assert bodies(fed(Mllp(), b"noise" + data, cuts)) == texts


def test_mllp_that_was_cut_off_does_not_take_the_next_one_with_it() -> None:
    events = fed(Mllp(), b"\x0bMSH|cut\x0bMSH|whole\x1c\r")
    assert bodies(events) == [b"MSH|whole"]
    assert reasons(events) == ["a control character in the text", "between messages"]


def test_what_was_received_is_acknowledged_and_what_was_damaged_is_asked_for_again() -> None:
    good, bad = fed(StxEtx(), framed(b"kV 70", "lrc"))[0], fed(StxEtx(), b"\x02kV 70\x03?")[0]
    assert good == Message(b"kV 70", b"\x06")
    assert bad == Rejected("its check is wrong", b"\x02kV 70\x03?", b"\x15")


def test_a_message_without_an_end_does_not_fill_the_memory() -> None:
    framer = StxEtx(limit_bytes=100)
    events = fed(framer, b"\x02" + b"a" * 5000 + framed(b"next", "lrc"))
    assert bodies(events) == [b"next"]
    assert reasons(events)[0] == "longer than a message may be"
    assert all(len(one.raw) <= 5000 for one in events if isinstance(one, Rejected))


def test_what_spans_an_interruption_is_rejected() -> None:
    framer = StxEtx("none")
    assert framer.feed(b"\x02kV 7") == []
    assert reasons(framer.interrupt("a byte with wrong parity")) == ["a byte with wrong parity"]
    assert bodies(framer.feed(b"0\x03" + framed(b"mA 5", "none"))) == [b"mA 5"]
    assert framer.interrupt("again") == []
