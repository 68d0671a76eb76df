"""Codes among bytes and keystrokes: whole and exact, or none."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle_hw.input_device import EventsLost, KeyEvent
from passerelle_hw.key_codes import CHARACTERS, ENTER, KEYPAD_ENTER, TAB
from passerelle_hw.scan import KeyboardScans, Scan, SerialScans, Trimming
from passerelle_hw.serial.parity import Piece

if TYPE_CHECKING:
    from collections.abc import Iterable

LEFT_SHIFT = 42
KEYS = {
    character: (code, bool(shifted))
    for code, pair in reversed(CHARACTERS.items())
    for shifted, character in reversed(list(enumerate(pair)))
}
codes = st.text(st.sampled_from(sorted(KEYS)), min_size=1, max_size=30).filter(
    lambda text: text.strip() and not text.startswith("]")
)


def told(scans: Iterable[Scan | None]) -> list[str]:
    return [scan.text or f"!{scan.fault}" for scan in scans if scan]


def sent(*pieces: bytes, trimming: Trimming | None = None, pause_s: float = 0.01) -> list[str]:
    """What pieces of a line are, each so long after the one before."""
    scans = SerialScans(trimming or Trimming())
    times = itertools.count(1000.0, pause_s)
    return told(scan for piece in pieces for scan in scans.feed(Piece(piece), next(times)))


def keys(text: str, end: int = ENTER, at_s: float = 1000.0) -> list[KeyEvent]:
    """What a scanner types."""
    events = []
    for code, shifted in [*(KEYS[character] for character in text), (end, False)]:
        strokes = [(code, True), (code, False)]
        if shifted:
            strokes = [(LEFT_SHIFT, True), *strokes, (LEFT_SHIFT, False)]
        for stroke, down in strokes:
            at_s += 0.004
            events.append(KeyEvent(at_s, stroke, down=down))
    return events


def typed(*events: KeyEvent | EventsLost, trimming: Trimming | None = None) -> list[str]:
    scans = KeyboardScans(trimming or Trimming())
    return told(scans.feed(event) for event in events)


@settings(deadline=None)
@given(
    st.lists(codes, max_size=5),
    st.sampled_from([b"\r", b"\n", b"\r\n", b"\t"]),
    st.lists(st.integers(0, 200), max_size=8),
)
def test_codes_are_found_however_their_bytes_are_cut(
    texts: list[str], end: bytes, cuts: list[int]
) -> None:
    data = b"".join(text.encode() + end for text in texts)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    assert sent(*(data[a:b] for a, b in itertools.pairwise(places))) == texts


@settings(deadline=None)
@given(st.lists(codes, max_size=5), st.sampled_from([ENTER, KEYPAD_ENTER, TAB]))
def test_codes_are_found_among_keystrokes(texts: list[str], end: int) -> None:
    assert typed(*(event for text in texts for event in keys(text, end))) == texts


@pytest.mark.parametrize("aim", ["]C1", "]d2", "]Q3", "]A0"])
def test_an_aim_identifier_is_no_part_of_the_code(aim: str) -> None:
    assert sent(f"{aim}00042\r".encode()) == ["00042"]
    assert typed(*keys(f"{aim}00042")) == ["00042"]


def test_what_a_scanner_puts_around_a_code_goes_and_its_absence_tells() -> None:
    trimming = Trimming(prefix="~", suffix="#")
    assert sent(b"~]C100042#\r", b"00042#\r", b"~00042\r", b"~#\r", trimming=trimming) == [
        "00042",
        "!its prefix is missing",
        "!its suffix is missing",
        "!an empty code",
    ]


def test_neither_half_of_a_code_that_was_cut_off_is_a_code() -> None:
    half_s = 2.0
    assert sent(b"000", b"42\r", b"00043\r", pause_s=half_s) == [
        "!cut off: a pause within a code",
        "!cut off: a pause within a code",
        "00043",
    ]
    first, second = keys("00042")[:6], keys("42", at_s=1000.0 + half_s)
    assert typed(*first, *second, *keys("00043", at_s=1010.0)) == [
        "!cut off: a pause within a code",
        "00043",
    ]


def test_bytes_that_were_lost_or_damaged_leave_no_code() -> None:
    scans = SerialScans(Trimming())
    pieces = [Piece(b"000"), Piece(b"42\r", "a damaged byte"), Piece(b"00043\r")]
    assert told(scan for piece in pieces for scan in scans.feed(piece, 1.0)) == [
        "!a damaged byte",
        "!a damaged byte",
        "00043",
    ]
    assert sent(b"00\x0142\r\xff00042\r00043\r") == [
        "!a control character in the text",
        "!not UTF-8",
        "00043",
    ]


def test_keystrokes_that_were_lost_or_type_nothing_leave_no_code() -> None:
    lost = EventsLost(1000.0, frozenset({LEFT_SHIFT}))
    assert typed(*keys("00")[:4], lost, KeyEvent(1000.1, LEFT_SHIFT, down=False), *keys("42")) == [
        "!keystrokes were lost"
    ]
    left_alt = KeyEvent(1000.0, 56, down=True)
    assert typed(left_alt, *keys("00042"), *keys("00043")) == [
        "!key 56 types no character",
        "00043",
    ]


def test_what_never_ends_does_not_fill_the_memory() -> None:
    assert typed(*keys("0" * 600)) == ["!longer than a code may be"]
    assert set(sent(b"0" * 600, b"0\r00042\r")) == {"!longer than a line may be", "00042"}


def test_the_time_of_a_scan_is_that_of_its_end() -> None:
    scans = [scan for event in keys("42") if (scan := KeyboardScans(Trimming()).feed(event))]
    assert scans == []
    reader = KeyboardScans(Trimming())
    events = keys("42")
    (scan,) = [scan for event in events if (scan := reader.feed(event))]
    assert scan.at_s == events[-2].at_s
