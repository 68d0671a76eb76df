"""Telegrams of generators: what is damaged, too long or interrupted is none."""

from __future__ import annotations

import pytest

from passerelle_hw.serial.generator import Odel, Spellman, spellman_check
from serial_support import bodies, fed, reasons


def odel(text: bytes) -> bytes:
    return text + b"\x03" + bytes([sum(text) + 3 & 0xFF])


@pytest.mark.parametrize("body", [b"60,1", b"60,\xb1,", b"60\t,", b"\x01,"])
def test_a_spellman_message_that_is_no_list_is_none_though_its_check_is_right(body: bytes) -> None:
    events = fed(Spellman(), b"\x02" + body + bytes([spellman_check(body)]) + b"\x03")
    assert bodies(events) == []
    assert reasons(events)[0] == "no list of arguments"


@pytest.mark.parametrize("text", [b"", b"ST\xb2", b"ST\n"])
def test_an_odel_telegram_that_is_no_text_is_none_though_its_sum_is_right(text: bytes) -> None:
    assert reasons(fed(Odel(), odel(text))) == ["no text"]


def test_a_sum_that_reads_like_the_end_is_a_sum() -> None:
    text = b"@@@@"  # four times 40, and ETX
    assert odel(text)[-1:] == b"\x03"
    assert bodies(fed(Odel(), odel(text) + odel(b"ST002"), range(12))) == [text, b"ST002"]


def test_what_spans_an_interruption_is_rejected_whatever_its_sum() -> None:
    framer = Odel()
    assert framer.feed(b"KV") == []
    assert reasons(framer.interrupt("lost")) == ["lost"]
    assert reasons(framer.feed(odel(b"ST002"))) == ["lost"], "its beginning may be missing"
    assert bodies(framer.feed(odel(b"ST002"))) == [b"ST002"]


def test_a_telegram_without_an_end_does_not_fill_the_memory() -> None:
    events = fed(Odel(), b"a" * 101)
    assert reasons(events) == ["longer than a telegram may be"]
