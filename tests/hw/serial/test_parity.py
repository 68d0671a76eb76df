"""The marks of a tty are undone, however its bytes are cut."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from passerelle_hw.serial.parity import ParityMarks, Piece


def joined(pieces: list[Piece]) -> list[bytes | None]:
    """The bytes between damaged ones, which are None."""
    found: list[bytes | None] = [b""]
    for piece in pieces:
        if piece.fault:
            found += [None, b""]
        found[-1] = (found[-1] or b"") + piece.data
    return found


@given(
    st.lists(st.one_of(st.binary(max_size=20), st.none()), max_size=8),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_bytes_and_damage_come_out_as_they_went_in(
    parts: list[bytes | None], cuts: list[int]
) -> None:
    wire = b"".join(
        b"\xff\0\x41" if part is None else part.replace(b"\xff", b"\xff\xff") for part in parts
    )
    places = [0, *sorted({place % (len(wire) + 1) for place in cuts}), len(wire)]
    marks = ParityMarks()
    pieces = [
        piece for start, end in itertools.pairwise(places) for piece in marks.split(wire[start:end])
    ]
    wanted: list[bytes | None] = [b""]
    for part in parts:
        if part is None:
            wanted += [None, b""]
        else:
            wanted[-1] = (wanted[-1] or b"") + part
    assert joined(pieces) == wanted
