"""Bytes that a tty marked because their parity or their stop bit was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes in the order in which they came."""

    data: bytes
    fault: str = ""  #: what was lost or damaged just before them


class ParityMarks:
    """Undoes PARMRK (termios): FF FF is a byte FF, FF 00 x a byte that was damaged."""

    def __init__(self) -> None:
        self._held = b""

    def split(self, data: bytes) -> Iterator[Piece]:
        """The bytes without marks; a fault stands where a damaged byte was."""
        data, self._held = self._held + data, b""
        good, fault, at = bytearray(), "", 0
        while (mark := data.find(_MARK, at)) >= 0:
            good += data[at:mark]
            pair = data[mark : mark + 3]
            if pair[1:2] == b"\xff":
                good.append(_MARK)
                at = mark + 2
            elif pair[1:2] == b"\0" and len(pair) == 3:  # noqa: PLR2004 - mark, zero, byte
                if good or fault:
                    yield Piece(bytes(good), fault)
                good.clear()
                fault, at = "a byte with wrong parity", mark + 3
            elif pair in (b"\xff", b"\xff\0"):
                self._held, at = pair, len(data)
                break
            else:  # no driver does that
                at = mark + 1
        good += data[at:]
        if good or fault:
            yield Piece(bytes(good), fault)
