"""ASTM E1381 sessions: whole, cut, damaged, and with acknowledgements that were lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.serial.astm import Astm
from passerelle_hw.serial.check import sum8_hex
from passerelle_hw.serial.events import Message, Rejected, Reply
from serial_support import bodies, fed, reasons

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200).map(str.encode)


def frame(number: int, text: bytes, end: bytes = b"\x03") -> bytes:
    checked = b"%d" % (number % 8) + text + end
    return b"\x02" + checked + sum8_hex(checked) + b"\r\n"


def session(*texts: bytes) -> bytes:
    frames = [frame(number, text) for number, text in enumerate(texts, 1)]
    return b"\x05" + b"".join(frames) + b"\x04"


@given(st.lists(TEXT, max_size=12), st.lists(st.integers(0, 3000), max_size=20))
def test_messages_are_found_however_their_bytes_are_cut(
    texts: list[bytes], cuts: list[int]
) -> None:
    events = fed(Astm(), session(*texts), cuts)
    assert bodies(events) == texts
    assert reasons(events) == []


def test_a_message_in_several_frames_is_joined_and_each_frame_acknowledged() -> None:
    data = b"\x05" + frame(1, b"H|1", b"\x17") + frame(2, b"|2\r") + b"\x04"
    ack = Reply(b"\x06")
    assert fed(Astm(), data) == [ack, ack, Message(b"H|1|2\r", b"\x06"), Reply(b"")]


def test_a_frame_sent_again_because_its_acknowledgement_was_lost_counts_once() -> None:
    data = b"\x05" + frame(1, b"a", b"\x17") * 2 + frame(2, b"b") * 2 + b"\x04"
    events = fed(Astm(), data)
    assert bodies(events) == [b"ab"]
    assert reasons(events) == [], "each is acknowledged again"


def test_a_frame_that_is_missing_is_asked_for() -> None:
    events = fed(Astm(), b"\x05" + frame(1, b"a", b"\x17") + frame(3, b"c"))
    assert events[-1] == Rejected("not the frame that comes next", b"c", b"\x15")
    assert bodies(events) == []


@given(TEXT, st.data())
def test_a_flipped_bit_is_never_accepted(text: bytes, data: st.DataObject) -> None:
    wire = bytearray(frame(1, text))
    place = data.draw(st.integers(0, len(wire) * 8 - 1))
    wire[place // 8] ^= 1 << place % 8
    assert bodies(fed(Astm(), b"\x05" + bytes(wire))) == []


def test_a_frame_that_was_cut_off_does_not_take_the_next_one_with_it() -> None:
    data = b"\x05" + frame(1, b"cut off")[:5] + frame(1, b"whole")
    assert bodies(fed(Astm(), data)) == [b"whole"]


def test_nothing_is_taken_outside_a_session_or_after_it_broke_off() -> None:
    astm = Astm()
    assert reasons(fed(astm, frame(1, b"a"))) == ["a frame without ENQ", "between frames"]
    events = fed(astm, b"\x05" + frame(1, b"half", b"\x17") + b"\x04" + session(b"whole"))
    assert bodies(events) == [b"whole"]
    assert "the message was not finished" in reasons(events)


def test_what_is_too_long_is_rejected_and_does_not_fill_the_memory() -> None:
    events = fed(Astm(), b"\x05\x02" + b"1" * 5000 + session(b"next"))
    assert bodies(events) == [b"next"]
    assert reasons(events)[0] == "no frame"
    astm = Astm()
    astm.feed(b"\x05")
    assert {one for _ in range(9) for one in reasons(astm.feed(b"\x02" + b"1" * 300))} == {
        "longer than a frame may be",
        "between frames",
    }
    parts = [frame(number, b"x" * 240, b"\x17") for number in range(1, 8)]
    assert "not the frame that comes next" in reasons(
        fed(Astm(limit_bytes=1000), b"\x05" + b"".join(parts))
    )


def test_an_interrupted_frame_is_asked_for_again() -> None:
    astm = Astm()
    fed(astm, b"\x05" + frame(1, b"text")[:4])
    (event,) = astm.interrupt("lost")
    assert event == Rejected("lost", b"\x021te", b"\x15")
    assert bodies(fed(astm, frame(1, b"text"))) == [b"text"]
