"""A file crosses a bad line whole, once, or not at all; the device knows which."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle_hw.serial.events import Rejected
from passerelle_hw.serial.frames import Frame, Frames, Kind
from passerelle_hw.serial.sender import NotDelivered
from passerelle_hw.serial.simulated import Faults, FaultyWire
from passerelle_hw.serial.transfer import Reason, Transfer
from serial_support import Box, MemoryStore

CONTENT = bytes(range(256)) * 3
END = len(CONTENT).to_bytes(4, "little") + zlib.crc32(CONTENT).to_bytes(4, "little")


def answer(wire: bytes) -> Frame:
    (frame,) = Frames().feed(wire)
    assert isinstance(frame, Frame)
    return frame


def reason(wire: bytes) -> Reason:
    frame = answer(wire)
    assert frame.kind is Kind.NAK
    return Reason(frame.payload[0])


def begun(store: MemoryStore) -> Transfer:
    transfer = Transfer(store)
    assert answer(transfer.take(Frame(Kind.BEGIN, 7, bytes(4) + b"a.png"))).kind is Kind.ACK
    return transfer


def test_a_file_arrives_with_its_name_and_sidecar() -> None:
    store = MemoryStore()
    Box(store).sender().send("Étude 1.png", CONTENT, b'{"PatientID": "1"}')
    assert store.files == [("Étude 1.png", CONTENT, b'{"PatientID": "1"}')]


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Faults,
        noise=st.floats(0, 0.2),
        cut=st.floats(0, 0.2),
        garbage=st.floats(0, 0.2),
        lost_answers=st.floats(0, 0.2),
    ),
    st.integers(0, 1 << 30),
)
def test_on_a_bad_line_each_file_arrives_whole_and_once_or_the_device_knows(
    faults: Faults, seed: int
) -> None:
    store = MemoryStore()
    box = Box(store)
    sender = box.sender(FaultyWire(box, faults, seed), tries=50)
    delivered = []
    for number in range(5):
        file = (f"{number}.png", CONTENT[number:], b"{}")
        try:
            sender.send(*file)
        except NotDelivered:
            continue
        delivered.append(file)
    assert set(delivered) <= set(store.files)
    assert {file[1] for file in store.files} <= {CONTENT[number:] for number in range(5)}
    assert len(store.files) == len(set(store.files)), "an answer that was lost doubles nothing"


def test_a_frame_sent_again_is_answered_again_and_counts_once() -> None:
    store = MemoryStore()
    transfer = begun(store)
    for _ in range(2):
        assert answer(transfer.take(Frame(Kind.DATA, 8, CONTENT))).kind is Kind.ACK
    for _ in range(2):
        assert answer(transfer.take(Frame(Kind.END, 9, END))).kind is Kind.ACK
    assert store.files == [("a.png", CONTENT, b"")]


def test_sequence_numbers_begin_again_after_65535() -> None:
    store = MemoryStore()
    transfer = Transfer(store)
    transfer.take(Frame(Kind.BEGIN, 65534, bytes(4) + b"a.png"))
    transfer.take(Frame(Kind.DATA, 65535, CONTENT))
    assert answer(transfer.take(Frame(Kind.END, 0, END))).kind is Kind.ACK
    assert store.files


@pytest.mark.parametrize("sequence", [7, 9, 6])
def test_a_frame_out_of_its_order_is_not_taken(sequence: int) -> None:
    store = MemoryStore()
    transfer = begun(store)
    assert reason(transfer.take(Frame(Kind.DATA, sequence, CONTENT))) is Reason.ORDER
    transfer.take(Frame(Kind.DATA, 8, CONTENT))
    transfer.take(Frame(Kind.END, 9, END))
    assert store.files == [("a.png", CONTENT, b"")]


def test_nothing_is_taken_without_a_beginning() -> None:
    transfer = Transfer(MemoryStore())
    for kind in (Kind.SIDECAR, Kind.DATA, Kind.END):
        assert reason(transfer.take(Frame(kind, 1, END))) is Reason.ORDER


def test_a_damaged_frame_is_asked_for_again() -> None:
    store = MemoryStore()
    transfer = begun(store)
    told = answer(transfer.take(Rejected("its CRC-32 is wrong", b"")))
    assert (told.kind, told.sequence) == (Kind.NAK, 8)
    assert told.payload == bytes([Reason.DAMAGED]) + b"its CRC-32 is wrong"


def test_a_new_beginning_gives_up_what_was_begun() -> None:
    store = MemoryStore()
    transfer = begun(store)
    transfer.take(Frame(Kind.SIDECAR, 8, b"{}"))
    transfer.take(Frame(Kind.BEGIN, 0, bytes(4) + b"b.png"))
    transfer.take(Frame(Kind.DATA, 1, CONTENT))
    transfer.take(Frame(Kind.END, 2, END))
    assert store.files == [("b.png", CONTENT, b"")]
    assert store.abandoned == 1


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Kind.END, END[:4] + bytes(4)),
        (Kind.END, bytes(4) + END[4:]),
        (Kind.END, b""),
        (Kind.SIDECAR, b" " * ((1 << 20) + 1)),
        (Kind.BEGIN, bytes(4)),
        (Kind.BEGIN, bytes(4) + b"\xff"),
        (Kind.BEGIN, bytes(4) + b"disliked"),
        (Kind.BEGIN, b"\xff\xff\xff\xffa.png"),
    ],
)
def test_what_can_never_be_taken_is_refused(kind: Kind, payload: bytes) -> None:
    store = MemoryStore()
    transfer = begun(store)
    transfer.take(Frame(Kind.DATA, 8, CONTENT))
    assert reason(transfer.take(Frame(kind, 9, payload))) is Reason.REFUSED
    assert reason(transfer.take(Frame(Kind.END, 10, END))) is Reason.ORDER
    assert not store.files


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(NotDelivered, match="empty"):
        Box(MemoryStore()).sender().send("a.png", b"")


def test_without_room_the_device_keeps_the_file_and_tries_again() -> None:
    store = MemoryStore()
    store.busy = 2
    Box(store).sender().send("a.png", CONTENT)
    assert store.files == [("a.png", CONTENT, b"")]


def test_a_refusal_reaches_the_device_with_its_reason() -> None:
    with pytest.raises(NotDelivered, match="not that one"):
        Box(MemoryStore()).sender().send("disliked", CONTENT)


def test_our_own_answers_that_come_back_are_not_answered() -> None:
    transfer = Transfer(MemoryStore())
    assert transfer.take(Frame(Kind.ACK, 1)) == transfer.take(Frame(Kind.NAK, 1)) == b""
