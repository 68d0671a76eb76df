"""As much of a JPEG as a camera's frames need: where it ends, and of which size it is."""

from __future__ import annotations

from typing import Final

_END: Final = b"\xff\xd9"
#: SOF0 to SOF15 without DHT, JPG and DAC (ITU T.81 table B.1).
_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset((0x01, *range(0xD0, 0xD9)))


def size_of(data: bytes) -> tuple[int, int] | None:
    """Columns and rows, from its frame header (ITU T.81 B.2.2); None when it has none."""
    at = 0
    while at + 9 <= len(data):
        if data[at] != 0xFF:  # noqa: PLR2004 - what begins every marker
            return None
        marker = data[at + 1]
        if marker in _SIZES:
            return _number(data, at + 7), _number(data, at + 5)
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            at += 2 + _number(data, at + 2)
    return None


def without_padding(data: bytes) -> bytes:
    """The same up to its end marker; what some cameras put behind it is no part of it."""
    end = data.rfind(_END)
    return data if end < 0 else data[: end + 2]


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")
