"""The bytes of /dev/input/event*; grabbing and unplugging are tried in the emulated box."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.input_device import EventParser, EventsLost, InputDevice, InputGone, KeyEvent
from passerelle_hw.key_codes import CHARACTERS, CODES, code_of

SYN, KEY, MISC = 0, 1, 4


def event(kind: int, code: int, value: int, at: tuple[int, int] = (12, 500_000)) -> bytes:
    """As linux/input.h lays it out on 64 bits."""
    return struct.pack("<qqHHi", *at, kind, code, value)


REPORT = event(SYN, 0, 0)


def test_keystrokes_are_found_among_what_else_a_device_tells() -> None:
    data = event(MISC, 4, 0x70012) + event(KEY, 63, 1) + REPORT + event(KEY, 63, 0, (13, 0))
    assert EventParser().feed(data) == [
        KeyEvent(12.5, 63, down=True),
        KeyEvent(13.0, 63, down=False),
    ]


def test_repetition_is_no_keystroke() -> None:
    assert EventParser().feed(event(KEY, 63, 2) * 5) == []


def test_after_a_loss_nothing_counts_until_the_next_report() -> None:
    parser = EventParser()
    dropped = event(SYN, 3, 0)
    assert parser.feed(event(KEY, 30, 1) + dropped + event(KEY, 63, 1)) == [
        KeyEvent(12.5, 30, down=True)
    ]
    assert parser.feed(event(KEY, 63, 0)) == []
    assert parser.feed(REPORT + event(KEY, 48, 1)) == [
        EventsLost(12.5, frozenset()),
        KeyEvent(12.5, 48, down=True),
    ]


@given(st.binary(max_size=600))
def test_no_bytes_break_it(data: bytes) -> None:
    found = EventParser().feed(data)
    assert len(found) <= len(data) // 24


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_no_input_device_is_refused_and_let_go_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    open_before = open_files()
    with pytest.raises(InputGone, match="is no input device"):
        InputDevice.opened(str(tmp_path / "file"))
    with pytest.raises(InputGone, match="No such file"):
        InputDevice.opened(str(tmp_path / "nothing"))
    assert open_files() == open_before


def test_keys_have_the_names_and_numbers_of_the_kernel() -> None:
    known = {"KEY_A": 30, "KEY_B": 48, "KEY_Z": 44, "KEY_1": 2, "KEY_0": 11, "KEY_F1": 59,
             "KEY_F10": 68, "KEY_F12": 88, "KEY_F13": 183, "KEY_F24": 194, "KEY_KP0": 82,
             "KEY_KP7": 71, "KEY_SPACE": 57}  # fmt: skip
    assert {name: CODES[name] for name in known} == known
    assert CHARACTERS[30] == ("a", "A")
    assert CHARACTERS[27] == ("]", "}")
    assert CHARACTERS[53] == ("/", "?")
    assert (code_of("key_f5"), code_of(63)) == (63, 63)


@pytest.mark.parametrize("key", ["F5", "", -1, 0, 0x300])
def test_what_is_no_key_is_refused(key: str | int) -> None:
    with pytest.raises(ValueError, match="no such key"):
        code_of(key)
