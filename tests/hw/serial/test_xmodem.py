"""XMODEM and YMODEM block by block: order, repetition, damage, silence, and what is never taken."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.serial.check import crc16, sum8
from passerelle_hw.serial.events import GivenUp, Rejected
from passerelle_hw.serial.parity import Piece
from passerelle_hw.serial.xmodem import Xmodem, Ymodem
from serial_support import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passerelle_hw.serial.modem import Modem
    from passerelle_hw.serial.receiving import Said

ACK, NAK, EOT, CAN = b"\x06", b"\x15", b"\x04", b"\x18"
CONTENT = random.Random(3).randbytes(128 * 300)


def block(number: int, data: bytes, *, is_crc: bool = True) -> bytes:
    data = data.ljust(128 if len(data) <= 128 else 1024, b"\x1a")
    head = bytes([1 if len(data) == 128 else 2, number % 256, ~number % 256])
    return head + data + (crc16(data) if is_crc else sum8(data))


def header(name: str, length: str) -> bytes:
    return block(0, f"{name}\0{length}".encode().ljust(128, b"\0"))


def blocks(content: bytes, size: int = 128) -> list[bytes]:
    starts = range(0, len(content), size)
    return [block(number, content[at : at + size]) for number, at in enumerate(starts, 1)]


def told(modem: Modem, data: bytes, fault: str = "") -> list[Said]:
    return list(modem.take(Piece(data, fault)))


def answers(said: Iterable[Said]) -> bytes:
    return b"".join(event.answer for event in said)


def sent(modem: Modem, *pieces: bytes) -> list[bytes]:
    """What is answered to each."""
    return [answers(told(modem, piece)) for piece in pieces]


def begun(store: MemoryStore) -> Modem:
    modem = Xmodem(store, "scope")
    assert sent(modem, *blocks(CONTENT[:256])) == [ACK, ACK]
    return modem


@pytest.mark.parametrize("size", [128, 1024])
def test_a_file_is_taken_at_its_second_end_and_not_before(size: int) -> None:
    store = MemoryStore()
    modem = Xmodem(store, "scope")
    assert answers(modem.silent()) == b"C"
    data = CONTENT[: 1024 * 3]
    assert set(sent(modem, *blocks(data, size))) == {ACK}
    assert sent(modem, EOT) == [NAK]
    assert not store.files
    assert sent(modem, EOT) == [ACK]
    assert store.files == [("scope", data, b"")]
    assert modem.files == 1


def test_an_end_that_is_sent_again_is_acknowledged_again_and_makes_no_second_file() -> None:
    store = MemoryStore()
    modem = begun(store)
    assert sent(modem, EOT, EOT, EOT, EOT + EOT) == [NAK, ACK, ACK, ACK]
    assert len(store.files) == 1
    assert sent(modem, *blocks(CONTENT[:128]), EOT, EOT) == [ACK, NAK, ACK]
    assert len(store.files) == 2, "and the next file is another one"


def test_one_damaged_byte_that_reads_like_an_end_ends_nothing() -> None:
    store = MemoryStore()
    modem = begun(store)
    third, fourth = blocks(CONTENT[:512])[2:]
    assert sent(modem, EOT, third, EOT, fourth, EOT, EOT) == [NAK, ACK, NAK, ACK, NAK, ACK]
    assert store.files == [("scope", CONTENT[:512], b"")]


def test_an_end_with_anything_behind_it_is_none() -> None:
    store = MemoryStore()
    modem = begun(store)
    for _ in range(2):
        assert told(modem, EOT + b"?") == []
        assert answers(modem.silent()) == NAK
    assert not store.files


@pytest.mark.parametrize(
    ("modem", "number", "other"),
    [(Xmodem(MemoryStore(), "scope"), 0, "YMODEM"), (Ymodem(MemoryStore()), 1, "XMODEM")],
    ids=["xmodem", "ymodem"],
)
def test_the_first_block_of_the_other_protocol_is_refused(
    modem: Modem, number: int, other: str
) -> None:
    (event,) = told(modem, block(number, b"a.jpg\0001"))
    assert isinstance(event, GivenUp)
    assert f"it is {other}" in event.why


def test_block_numbers_begin_again_after_255() -> None:
    store = MemoryStore()
    modem = Xmodem(store, "scope")
    assert set(sent(modem, *blocks(CONTENT))) == {ACK}
    sent(modem, EOT, EOT)
    assert store.files == [("scope", CONTENT, b"")]


def test_a_block_sent_again_is_answered_once_for_all_that_came_and_counts_once() -> None:
    store = MemoryStore()
    modem = begun(store)
    first, second, third = blocks(CONTENT[:384])
    assert sent(modem, second, second, third + third, third) == [ACK] * 4
    assert first not in (second, third)
    sent(modem, EOT, EOT)
    assert store.files == [("scope", CONTENT[:384], b"")]


@pytest.mark.parametrize("number", [1, 2, 4, 0, 255])
def test_a_block_out_of_its_order_gives_the_file_up(number: int) -> None:
    store = MemoryStore()
    modem = begun(store)
    (event,) = told(modem, block(number, b"other"))
    assert event == GivenUp("not the block that comes next", CAN * 5)
    assert store.abandoned == 1
    assert sent(modem, EOT) == [b""], "and its end is not acknowledged"
    assert not store.files


def test_after_256_blocks_and_a_pause_the_beginning_of_another_file_is_not_taken_for_the_next() -> (
    None
):
    store = MemoryStore()
    modem = Xmodem(store, "scope")
    sent(modem, *blocks(CONTENT[: 128 * 256]))
    assert answers(modem.silent()) == NAK
    (event,) = told(modem, block(1, b"another file"))
    assert isinstance(event, GivenUp)


def test_every_flipped_bit_is_asked_for_again() -> None:
    third = blocks(CONTENT[:384])[2]
    for place in range(len(third) * 8):
        store = MemoryStore()
        modem = begun(store)
        bad = bytearray(third)
        bad[place // 8] ^= 1 << place % 8
        said = told(modem, bytes(bad))
        if not said:  # its beginning is damaged: the line has to be quiet first
            assert modem.patience_s == 1
            said = list(modem.silent())
        assert answers(said) == NAK
        assert sent(modem, third, EOT, EOT) == [ACK, NAK, ACK]
        assert store.files == [("scope", CONTENT[:384], b"")]


@given(st.lists(st.integers(1, 131), max_size=8))
def test_blocks_are_taken_however_their_bytes_are_cut(places: list[int]) -> None:
    store = MemoryStore()
    modem = Xmodem(store, "scope")
    for one in blocks(CONTENT[:512]):
        cuts = [0, *sorted(set(places)), len(one)]
        pieces = [one[start:end] for start, end in itertools.pairwise(cuts)]
        assert b"".join(sent(modem, *pieces)) == ACK
    sent(modem, EOT, EOT)
    assert store.files == [("scope", CONTENT[:512], b"")]


def test_a_block_with_anything_behind_it_but_itself_is_asked_for_again() -> None:
    modem = begun(MemoryStore())
    third = blocks(CONTENT[:384])[2]
    assert told(modem, third + b"?") == []
    assert answers(modem.silent()) == NAK
    assert sent(modem, third + third[:20]) == [ACK]


def test_garbage_is_waited_out_and_bounded() -> None:
    store = MemoryStore()
    modem = begun(store)
    for _ in range(100):
        assert told(modem, b"garbage" * 1000) == []
    (event,) = modem.silent()
    assert isinstance(event, Rejected)
    assert (event.why, event.answer) == ("no block", NAK)
    assert len(event.raw) <= 4096
    assert sent(modem, blocks(CONTENT[:384])[2]) == [ACK]


def test_what_the_line_lost_or_damaged_is_asked_for_again() -> None:
    modem = begun(MemoryStore())
    third = blocks(CONTENT[:384])[2]
    assert told(modem, third[:50]) == []
    assert told(modem, third[51:], "a byte with wrong parity") == []
    (event,) = modem.silent()
    assert isinstance(event, Rejected)
    assert (event.why, event.answer) == ("a byte with wrong parity", NAK)
    assert sent(modem, third) == [ACK]


def test_a_device_that_goes_silent_is_asked_some_times_and_then_invited_to_begin_again() -> None:
    store = MemoryStore()
    modem = begun(store)
    said = [event for _ in range(5) for event in modem.silent()]
    assert [event.answer for event in said] == [NAK, NAK, b"C", b"C", b"C"]
    assert isinstance(said[2], GivenUp)
    assert store.abandoned == 1
    assert modem.patience_s == 3


def test_damage_without_end_gives_the_file_up() -> None:
    modem = begun(MemoryStore())
    bad = blocks(CONTENT[:384])[2][:-1] + b"?"
    said = [event for _ in range(11) for event in told(modem, bad)]
    assert said[-1] == GivenUp("damaged too often", CAN * 5)


def test_damage_now_and_then_does_not() -> None:
    modem = begun(MemoryStore())
    for good in blocks(CONTENT[: 128 * 30])[2:]:
        assert sent(modem, good[:-1] + b"?" if good[-1:] != b"?" else good[:-1] + b"!") == [NAK]
        assert sent(modem, good) == [ACK]


def test_a_sender_that_begins_without_crc_is_asked_for_one() -> None:
    modem = Xmodem(MemoryStore(), "scope")
    assert told(modem, block(1, CONTENT[:128], is_crc=False)) == []
    assert answers(modem.silent()) == b"C"
    assert sent(modem, *blocks(CONTENT[:256]), EOT, EOT) == [ACK, ACK, NAK, ACK]


def test_two_cancels_end_a_file_and_one_does_not() -> None:
    store = MemoryStore()
    modem = begun(store)
    assert told(modem, CAN) == []
    assert answers(modem.silent()) == NAK
    assert told(modem, CAN) == []
    assert told(modem, CAN * 7 + b"\b\b") == [GivenUp("the device cancelled it", b"")]
    assert store.abandoned == 1
    assert told(modem, CAN * 2) == [], "nothing was begun"


def test_a_device_is_invited_soon_and_then_every_three_seconds() -> None:
    modem = Xmodem(MemoryStore(), "scope", is_crc=False)
    assert modem.patience_s < 1
    assert answers(modem.silent()) == NAK
    assert modem.patience_s == 3
    assert answers(modem.silent()) == NAK


def test_an_echo_of_our_invitation_is_no_news() -> None:
    modem = Xmodem(MemoryStore(), "scope")
    assert answers(modem.silent()) == b"C"
    assert told(modem, b"CC") == []
    assert modem.patience_s == 3


@pytest.mark.parametrize(("size", "why"), [(300, "ends before"), (128, "goes on after")])
def test_a_file_that_is_not_as_long_as_it_should_be_is_not_taken(size: int, why: str) -> None:
    store = MemoryStore()
    modem = Xmodem(store, "scope", file_bytes=size)
    said = [event for one in (*blocks(CONTENT[:256]), EOT, EOT) for event in told(modem, one)]
    assert any(isinstance(event, GivenUp) and why in event.why for event in said)
    assert not store.files


def test_a_batch_brings_each_file_with_its_name_and_length() -> None:
    store = MemoryStore()
    modem = Ymodem(store)
    first, second = CONTENT[:200], CONTENT[:1500]
    assert sent(modem, header("a.jpg", "200 0 0 0")) == [ACK + b"C"]
    assert sent(modem, *blocks(first), EOT, EOT) == [ACK, ACK, NAK, ACK + b"C"]
    assert sent(modem, header("DCIM/é.jpg", "1500"), header("DCIM/é.jpg", "1500")) == [
        ACK + b"C",
        ACK + b"C",
    ]
    assert sent(modem, *blocks(second, 1024), EOT, EOT) == [ACK, ACK, NAK, ACK + b"C"]
    assert sent(modem, block(0, bytes(128)), block(0, bytes(128))) == [ACK, ACK], "the end of it"
    assert store.files == [("a.jpg", first, b""), ("é.jpg", second, b"")]


def test_a_file_whose_length_is_not_said_keeps_what_fills_its_last_block() -> None:
    store = MemoryStore()
    modem = Ymodem(store)
    sent(modem, header("a.raw", ""), *blocks(CONTENT[:200]), EOT, EOT)
    assert store.files == [("a.raw", CONTENT[:200].ljust(256, b"\x1a"), b"")]


@pytest.mark.parametrize(
    "data",
    [
        b"a" * 128,
        b"a\0length\0".ljust(128, b"\0"),
        b"a\0-1\0".ljust(128, b"\0"),
        b"\xff\0001\0".ljust(128, b"\0"),
        b"folder/\0001\0".ljust(128, b"\0"),
        b"disliked\0001\0".ljust(128, b"\0"),
    ],
)
def test_a_header_that_cannot_be_read_or_taken_is_refused(data: bytes) -> None:
    store = MemoryStore()
    modem = Ymodem(store)
    (event,) = told(modem, block(0, data))
    assert isinstance(event, GivenUp)
    assert event.answer == CAN * 5
    assert sent(modem, header("a.jpg", "1")) == [ACK + b"C"], "the next one is"


def test_an_empty_file_is_not_taken() -> None:
    modem = Ymodem(MemoryStore())
    said = [event for one in (header("a.jpg", "0"), EOT, EOT) for event in told(modem, one)]
    assert said[-1] == GivenUp("empty", CAN * 5)


def test_without_room_the_device_keeps_its_file() -> None:
    store = MemoryStore()
    store.busy = 1
    modem = begun(store)
    said = [event for one in (EOT, EOT) for event in told(modem, one)]
    assert said[-1] == GivenUp("no room", CAN * 5)
    assert sent(modem, *blocks(CONTENT[:256]), EOT, EOT) == [ACK, ACK, NAK, ACK]
    assert len(store.files) == 1


def test_a_line_that_is_gone_gives_up_what_was_begun() -> None:
    store = MemoryStore()
    modem = begun(store)
    modem.interrupt()
    assert store.abandoned == 1
    assert sent(modem, *blocks(CONTENT[:128]), EOT, EOT) == [ACK, NAK, ACK]


class Device:
    """A sender by the book, on a line that damages both ways, in a time of its own."""

    def __init__(self, modem: Modem, chance: random.Random, share: float) -> None:
        self.modem = modem
        self.chance = chance
        self.share = share
        self.given_up = 0

    def sends(self, *units: bytes) -> bool:
        """Send each until it is acknowledged; whether all were."""
        return all(self._delivered(unit) for unit in units)

    def _delivered(self, unit: bytes) -> bool:
        for _ in range(12):
            answer = self._answer_to(self._harmed(unit))
            if answer.startswith(ACK):
                return True
            if CAN * 2 in answer:
                return False
        return False

    def _answer_to(self, data: bytes) -> bytes:
        """What comes back before the device loses its patience, if the line lets it through."""
        said = told(self.modem, data) if data else []
        for _ in range(2):
            if not said:
                said = list(self.modem.silent())
        self.given_up += sum(isinstance(event, GivenUp) for event in said)
        answer = answers(said)
        harmed = self._harmed(answer)
        # An answer is one byte without a check: noise that makes an ACK of nothing cheats any
        # device, and no receiver can do anything about it.
        return harmed if harmed.count(ACK) <= answer.count(ACK) else answer

    def _harmed(self, data: bytes) -> bytes:
        if self.chance.random() > self.share or not data:
            return data
        at = self.chance.randrange(len(data))
        match self.chance.randrange(4):
            case 0:
                changed = data[at] ^ 1 << self.chance.randrange(8)
                return data[:at] + bytes([changed]) + data[at + 1 :]
            case 1:
                return data[:at]
            case 2:
                return data[:at] + self.chance.randbytes(self.chance.randint(1, 5)) + data[at:]
            case _:
                return b""


def transfers(count: int, seed: int) -> tuple[int, int]:
    """How many files were taken, and how many the device knows of; nothing else is ever taken."""
    chance, taken, known = random.Random(seed), 0, 0
    for number in range(count):
        store, content = MemoryStore(), chance.randbytes(chance.randint(1, 900))
        modem = Ymodem(store)
        device = Device(modem, chance, 0.12)
        name = f"{number}.jpg"
        units = [header(name, str(len(content))), *blocks(content), EOT]
        is_known = device.sends(*units)
        assert set(store.files) <= {(name, content, b"")}, "whole, or not at all"
        assert store.files or not is_known, "acknowledged, so it is there"
        taken, known = taken + bool(store.files), known + is_known
    return taken, known


def test_on_a_bad_line_what_is_acknowledged_is_there_and_whole() -> None:
    taken, known = transfers(150, seed=1)
    assert known > 75
    assert taken >= known


@pytest.mark.campaign
def test_ten_thousand_transfers_over_a_bad_line() -> None:
    taken, known = transfers(10_000, seed=2)
    print(f"ymodem: 10000 transfers, {taken} taken, {known} acknowledged, none wrong")
    assert taken >= known > 5000
