"""Messages laid out as the RT-5100's interface manual says, under every cut and damage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.nidek import Nidek, NidekChecked, lines_of, segments_of
from serial_support import bodies, fed, reasons

#: Sections 4.1 (1), 4.2 and 4.3.2 of the manual, with invented values.
LINES = [
    "NIDEK_RT-5100 ID         417 DA2026/11/23 1",
    "@RM",
    "OR- 1.25- 0.50 90",
    "OL- 1.00- 0.75 85",
    "PD63.0        ",
]
BODY = b"\x02".join(line.encode() + b"\r" for line in LINES)
MESSAGE = b"\x01" + BODY + b"\x04"


@given(st.integers(1, 3), st.lists(st.integers(0, 400), max_size=20))
def test_messages_are_found_however_their_bytes_are_cut(count: int, cuts: list[int]) -> None:
    events = fed(Nidek(), MESSAGE * count, cuts)
    assert bodies(events) == [BODY] * count
    assert reasons(events) == []
    assert lines_of(BODY) == LINES


@given(st.integers(1, len(MESSAGE) - 1), st.binary(max_size=30))
def test_a_message_that_was_cut_off_does_not_take_the_next_one_with_it(
    length: int, garbage: bytes
) -> None:
    garbage = garbage.translate(None, b"\x01\x04")
    assert bodies(fed(Nidek(), MESSAGE[:length] + garbage + MESSAGE)) == [BODY]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"TOPCON\r",
        BODY[:-1],
        BODY.replace(b"@RM\r", b"@RM"),
        BODY.replace(b"@RM\r", b"\r"),
        BODY.replace(b"1.25", b"1.\x002"),
        BODY.replace(b"1.25", b"1.\xb25"),
        BODY.replace(b"1.25", b"1.\r25"),
        BODY.replace(b"1.25", b"1.\t25"),
    ],
)
def test_what_has_not_the_layout_of_the_manual_is_no_message(body: bytes) -> None:
    with pytest.raises(Damaged):
        lines_of(body)
    assert bodies(fed(Nidek(), b"\x01" + body + b"\x04")) == []


def test_a_byte_with_wrong_parity_spoils_its_message_and_no_other() -> None:
    nidek = Nidek()
    assert nidek.feed(MESSAGE[:40]) == []
    assert reasons(nidek.interrupt("a byte with wrong parity")) == ["a byte with wrong parity"]
    assert bodies(nidek.feed(MESSAGE[41:] + MESSAGE)) == [BODY]


@pytest.mark.parametrize(
    "body",
    [b"", b"DLM", b"DLM\x02a", b"\x02a\x17", b"DLM\x02a\x17b", b"DLM\x02\x17", b"DLM\x02\xe9\x17"],
)
def test_what_has_not_the_layout_of_a_lensmeter_is_no_message_though_its_sum_is_right(
    body: bytes,
) -> None:
    with pytest.raises(Damaged):
        segments_of(body)
    wire = b"\x01" + body + b"\x04"
    events = fed(NidekChecked(), wire + b"%04X" % sum(wire))
    assert bodies(events) == []
    assert reasons(events)


def test_the_segments_of_a_lensmeter_have_their_end_with_or_without_cr() -> None:
    assert segments_of(b"DLM\x02a b\x17\rc\x17\r") == ("DLM", ["a b", "c"])
    assert segments_of(b"DLM\x02a b\x17c\x17") == ("DLM", ["a b", "c"])
