"""Frames survive any cut of the line's bytes, and what is not intact is never taken for one."""

from __future__ import annotations

import itertools
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.serial.events import Damaged, Rejected
from passerelle_hw.serial.frames import (
    PAYLOAD_LIMIT,
    Frame,
    Frames,
    Kind,
    stuffed,
    unpacked,
    unstuffed,
)

FRAME = st.builds(Frame, st.sampled_from(Kind), st.integers(0, 65535), st.binary(max_size=600))


def pieces(data: bytes, places: list[int]) -> list[bytes]:
    cuts = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(cuts)]


def intact(framer: Frames, data: bytes, places: list[int] | None = None) -> list[Frame]:
    events = [event for piece in pieces(data, places or []) for event in framer.feed(piece)]
    return [event for event in events if isinstance(event, Frame)]


@pytest.mark.parametrize(
    ("data", "wire"),
    [
        # The examples of the paper's table and those of its implementations.
        (b"", "01"),
        (b"\0", "01 01"),
        (b"\x11\x22\x00\x33", "03 11 22 02 33"),
        (b"\x11\0\0\0", "02 11 01 01 01"),
        (bytes(range(1, 255)), "ff " + bytes(range(1, 255)).hex(" ") + " 01"),
        (bytes(range(1, 256)), "ff " + bytes(range(1, 255)).hex(" ") + " 02 ff"),
    ],
    ids=["empty", "zero", "inside", "zeros", "254", "255"],
)
def test_stuffing_gives_the_bytes_of_the_paper(data: bytes, wire: str) -> None:
    assert stuffed(data) == bytes.fromhex(wire)
    assert unstuffed(stuffed(data)) == data


@given(st.binary(max_size=2000))
def test_stuffing_leaves_no_zero_and_is_undone(data: bytes) -> None:
    assert 0 not in stuffed(data)
    assert unstuffed(stuffed(data)) == data


def test_a_frame_has_the_bytes_of_the_documentation() -> None:
    frame = Frame(Kind.DATA, 258, b"A\0B")
    assert frame.encoded().hex(" ") == "05 03 02 01 41 06 42 43 20 a0 1c 00"
    assert unpacked(frame.encoded()[:-1]) == frame


@given(st.lists(FRAME, max_size=5), st.lists(st.integers(0, 4000), max_size=20))
def test_frames_are_found_however_their_bytes_are_cut(frames: list[Frame], cuts: list[int]) -> None:
    data = b"".join(frame.encoded() for frame in frames)
    assert intact(Frames(), data, cuts) == frames


@given(FRAME, st.binary(max_size=50), st.binary(max_size=50))
def test_garbage_around_a_frame_costs_at_most_that_frame(
    frame: Frame, before: bytes, after: bytes
) -> None:
    data = before + b"\0" + frame.encoded() + after + b"\0" + frame.encoded()
    assert intact(Frames(), data) == [frame, frame]


@given(FRAME, st.data())
def test_a_flipped_bit_is_never_accepted(frame: Frame, data: st.DataObject) -> None:
    wire = bytearray(frame.encoded())
    place = data.draw(st.integers(0, len(wire) * 8 - 1))
    wire[place // 8] ^= 1 << place % 8
    assert intact(Frames(), bytes(wire) + b"\0") in ([], [frame])


def test_of_ten_thousand_damaged_frames_none_is_accepted() -> None:
    chance, framer, accepted = random.Random(1), Frames(), 0
    for number in range(10_000):
        frame = Frame(Kind.DATA, number % 65536, chance.randbytes(chance.randint(0, 80)))
        accepted += len(intact(framer, damaged(frame.encoded(), chance)))
        assert intact(framer, b"\0" + frame.encoded()) == [frame], "the next one is found"
    assert accepted == 0


def damaged(wire: bytes, chance: random.Random) -> bytes:
    """What noise makes of a frame, its delimiter still there."""
    at = chance.randrange(len(wire) - 1)
    match chance.randrange(4):
        case 0:
            changed = wire[:at] + bytes([wire[at] ^ chance.randrange(1, 256)]) + wire[at + 1 :]
        case 1:
            changed = wire[:at] + wire[at + chance.randint(1, len(wire) - 1 - at) :]
        case 2:
            changed = wire[:at] + chance.randbytes(chance.randint(1, 9)) + wire[at:]
        case _:
            changed = wire[: chance.randrange(1, len(wire) - 1)] + b"\0"
    return changed if changed != wire else b"\x01" + wire


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x09\x01", "stuffing"),
        (stuffed(b"\x03\0\0"), "shorter"),
        (stuffed(b"\x03\0\0abcdef"), "CRC-32"),
        (Frame(Kind.DATA, 1, bytes(PAYLOAD_LIMIT + 1)).encoded()[:-1], "longer"),
    ],
)
def test_what_is_no_frame_says_why(data: bytes, why: str) -> None:
    with pytest.raises(Damaged, match=why):
        unpacked(data)


def test_a_kind_that_nobody_knows_is_no_frame() -> None:
    unknown = Frame(Kind.DATA, 0).encoded()
    body = unstuffed(unknown[:-1])

    other = b"\x7f" + body[1:3]
    with pytest.raises(Damaged, match="nobody knows"):
        unpacked(stuffed(other + zlib.crc32(other).to_bytes(4, "little")))


def test_a_line_without_delimiters_does_not_fill_the_memory() -> None:
    framer = Frames()
    for _ in range(100):
        assert framer.feed(b"\x55" * 4096) == []
    (event,) = framer.feed(b"\0")
    assert isinstance(event, Rejected)
    assert event.why == "longer than a frame may be"
    assert len(event.raw) < 2 * PAYLOAD_LIMIT


def test_what_spans_an_interruption_is_rejected_and_the_next_frame_is_taken() -> None:
    framer, frame = Frames(), Frame(Kind.DATA, 1, b"abc")
    wire = frame.encoded()
    framer.feed(wire[:4])
    framer.interrupt("a byte with wrong parity")
    rejected, taken = framer.feed(wire[4:] + wire)
    assert isinstance(rejected, Rejected)
    assert rejected.why == "a byte with wrong parity"
    assert taken == frame
