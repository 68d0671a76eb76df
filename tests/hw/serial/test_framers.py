"""Every framer of the package under the same damage: cuts anywhere, garbage, loss, flipped bits.

A small dose here; the campaign takes 100,000 inputs (`pytest -m campaign tests/hw/serial`).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from passerelle_hw.serial.astm import Astm
from passerelle_hw.serial.bracketed import Mllp, StxEtx
from passerelle_hw.serial.check import CHECKS, Check, sum8_hex
from passerelle_hw.serial.events import Message, Rejected, Reply
from passerelle_hw.serial.frames import Frame, Frames, Kind
from passerelle_hw.serial.generator import Odel, Spellman, spellman_check
from passerelle_hw.serial.lines import Lines
from passerelle_hw.serial.nidek import Nidek, NidekChecked
from passerelle_hw.serial.pulse import FiveBytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle_hw.serial.events import Event, Framer

PRINTABLE: Final = bytes(range(0x20, 0x7F))
_DOSE: Final = 4_000
_CAMPAIGN: Final = 130_000


class FrameEvents:
    """`Frames`, whose messages are frames, as a framer like the others."""

    def __init__(self) -> None:
        self._frames = Frames()

    def feed(self, data: bytes) -> list[Event]:
        return [self._event(event) for event in self._frames.feed(data)]

    def interrupt(self, why: str) -> list[Event]:
        self._frames.interrupt(why)
        return []

    @staticmethod
    def _event(event: Frame | Rejected) -> Event:
        return Message(event.payload) if isinstance(event, Frame) else event


@dataclass(frozen=True)
class Subject:
    """A framer, how its messages look on the wire, and how well it tells a damaged one."""

    framer: Callable[[], Framer]
    wire: Callable[[bytes], bytes]
    body: Callable[[random.Random], bytes]
    marks: bytes  #: what garbage between messages must not have, for those to be found
    strength: float  #: at most this share of damaged messages is taken for intact ones
    tail: bytes = b""  #: completes the last message


def text(chance: random.Random) -> bytes:
    return bytes(chance.choices(PRINTABLE, k=chance.randint(1, 60)))


def stx(check: Check) -> Callable[[bytes], bytes]:
    return lambda body: b"\x02" + body + b"\x03" + CHECKS[check][0](body + b"\x03")


def astm(body: bytes) -> bytes:
    checked = b"1" + body + b"\x03"
    return b"\x05\x02" + checked + sum8_hex(checked) + b"\r\n\x04"


def frame(body: bytes) -> bytes:
    return b"\0" + Frame(Kind.DATA, 7, body).encoded()


def nidek(body: bytes) -> bytes:
    return b"\x01" + body + b"\x04"


def nidek_checked(body: bytes) -> bytes:
    data = nidek(body)
    return data + b"%04X" % (sum(data) & 0xFFFF)


def spellman(body: bytes) -> bytes:
    return b"\x02" + body + bytes([spellman_check(body)]) + b"\x03"


def odel(body: bytes) -> bytes:
    return body + b"\x03" + bytes([sum(body + b"\x03") & 0xFF])


def group(chance: random.Random) -> bytes:
    return bytes([0x80 | chance.randrange(0x80), *chance.choices(range(0x80), k=4)])


NOTHING_CHECKS: Final = 1.0
SUBJECTS: Final = {
    "frames": Subject(FrameEvents, frame, text, b"\0", 0.0),
    "stx-crc16": Subject(lambda: StxEtx("crc16"), stx("crc16"), text, b"\x02", 0.001),
    "stx-lrc": Subject(lambda: StxEtx("lrc"), stx("lrc"), text, b"\x02", 0.02),
    "stx-sum": Subject(lambda: StxEtx("sum"), stx("sum"), text, b"\x02", 0.02),
    "stx-sum-hex": Subject(lambda: StxEtx("sum-hex"), stx("sum-hex"), text, b"\x02", 0.02),
    "stx-none": Subject(lambda: StxEtx("none"), stx("none"), text, b"\x02", NOTHING_CHECKS),
    "mllp": Subject(Mllp, lambda body: b"\x0b" + body + b"\x1c\r", text, b"\x0b", NOTHING_CHECKS),
    "lines": Subject(
        Lines, lambda body: b"\n" + body + b"\r\n", text, PRINTABLE + b"\r\n", NOTHING_CHECKS
    ),
    "astm": Subject(Astm, astm, text, b"\x02\x04\x05", 0.02),
    "nidek": Subject(
        Nidek, nidek, lambda chance: b"NIDEK\r\x02" + text(chance) + b"\r", b"\x01", NOTHING_CHECKS
    ),
    "nidek-checked": Subject(
        NidekChecked,
        nidek_checked,
        lambda chance: b"DLM\x02" + text(chance) + b"\x17",
        b"\x01",
        0.01,
    ),
    # Its check has six bits and misses bit 6 of every character: the values are read strictly.
    "spellman": Subject(Spellman, spellman, lambda chance: text(chance) + b",", b"\x02", 0.15),
    # A telegram without a beginning is lost with the garbage before it: it is sent twice here.
    "odel": Subject(Odel, lambda body: odel(body) * 2, text, b"", 0.02),
    # Whatever follows a group but another one makes it one of more than five bytes.
    "five-bytes": Subject(
        FiveBytes, bytes, group, bytes(range(0x100)), NOTHING_CHECKS, tail=b"\x80"
    ),
}


def fed(subject: Subject, data: bytes, chance: random.Random) -> list[bytes]:
    """The bodies of the messages in bytes that come in pieces, which hold nothing back."""
    framer = subject.framer()
    found: list[Event] = []
    while data:
        length = chance.randint(1, len(data)) if chance.random() < 0.5 else 1
        found += framer.feed(data[:length])
        data = data[length:]
    found += framer.feed(subject.tail)
    assert all(isinstance(event, Message | Rejected | Reply) for event in found)
    return [event.body for event in found if isinstance(event, Message)]


def damaged(wire: bytes, chance: random.Random) -> bytes:
    """What a bad line makes of it: a bit flipped, bytes lost, others put in, the end cut off."""
    at = chance.randrange(len(wire))
    match chance.randrange(5):
        case 0:
            return wire[:at] + bytes([wire[at] ^ 1 << chance.randrange(8)]) + wire[at + 1 :]
        case 1:
            return wire[:at] + bytes([wire[at] ^ chance.randrange(1, 256)]) + wire[at + 1 :]
        case 2:
            return wire[:at] + wire[at + chance.randint(1, 4) :]
        case 3:
            return wire[:at] + chance.randbytes(chance.randint(1, 4)) + wire[at:]
        case _:
            return wire[:at]


def garbage(subject: Subject, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, 30)).translate(None, subject.marks)


def tried(name: str, count: int) -> Counter[str]:
    """Feed so many inputs to a framer; what became of them."""
    subject, chance, told = SUBJECTS[name], random.Random(name), Counter[str]()
    for _ in range(count):
        bodies = [subject.body(chance) for _ in range(chance.randint(1, 3))]
        wires = [subject.wire(body) for body in bodies]
        copies = 2 if name == "odel" else 1
        expected = [body for body in bodies for _ in range(copies)]
        assert fed(subject, b"".join(wires), chance) == expected, "however it is cut"
        told["cut"] += 1

        noisy = b"".join(garbage(subject, chance) + wire for wire in wires)
        found = fed(subject, noisy, chance)
        assert is_within(bodies, found), "garbage between messages costs none of them"
        told["garbage"] += 1

        bad = damaged(wires[0], chance)
        after = fed(subject, bad + b"".join(wires[1:]) + wires[0], chance)
        told["damaged"] += 1
        told["accepted wrong"] += any(body not in bodies for body in after)
        assert after[-1:] == bodies[:1], "what comes after it is found again"
    return told


def is_within(wanted: Sequence[bytes], found: Sequence[bytes]) -> bool:
    """Whether these are among those, in their order."""
    rest = iter(found)
    return all(body in rest for body in wanted)


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_damage_makes_a_message_of_what_is_none_or_costs_the_next_one(name: str) -> None:
    told = tried(name, _DOSE // 3 // len(SUBJECTS))
    assert told["accepted wrong"] <= SUBJECTS[name].strength * told["damaged"] + 1


@pytest.mark.campaign
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_hundred_thousand_inputs(name: str) -> None:
    told = tried(name, _CAMPAIGN // 3 // len(SUBJECTS))
    print(f"{name}: {dict(told)}")
    assert told["accepted wrong"] <= SUBJECTS[name].strength * told["damaged"]


@pytest.mark.campaign
def test_of_ten_thousand_damaged_frames_none_is_accepted_wrong() -> None:
    told = tried("frames", 10_000)
    print(f"frames: {dict(told)}")
    assert told["accepted wrong"] == 0
