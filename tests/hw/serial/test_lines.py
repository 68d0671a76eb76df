"""Lines of text under every cut, garbage and interruption."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.serial.lines import Lines
from serial_support import bodies, fed, reasons

LINE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40).map(
    str.encode
)


@given(
    st.lists(LINE, max_size=6),
    st.sampled_from([b"\r", b"\n", b"\r\n"]),
    st.lists(st.integers(0, 300), max_size=20),
)
def test_lines_are_found_however_their_bytes_are_cut(
    lines: list[bytes], end: bytes, cuts: list[int]
) -> None:
    events = fed(Lines(), b"".join(line + end for line in lines), cuts)
    assert bodies(events) == lines
    assert reasons(events) == []


def test_a_line_with_a_control_character_is_none() -> None:
    events = fed(Lines(), b"00\x0042\r\n0043\r\n")
    assert bodies(events) == [b"0043"]
    assert reasons(events) == ["a control character in the text"]


def test_a_line_that_is_too_long_is_none_and_does_not_fill_the_memory() -> None:
    lines = Lines(limit_bytes=10)
    events = [*fed(lines, b"a" * 100), *fed(lines, b"a" * 100 + b"\n0042\n")]
    assert bodies(events) == [b"0042"]
    assert set(reasons(events)) == {"longer than a line may be"}


def test_both_halves_of_an_interrupted_line_are_none() -> None:
    lines = Lines()
    assert lines.feed(b"004") == []
    assert reasons(lines.interrupt("lost")) == ["lost"]
    assert bodies(lines.feed(b"17\n0042\n")) == [b"0042"]
