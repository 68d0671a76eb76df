"""Telegrams of X-ray generators, overheard. Nothing here, and nothing that uses it, ever sends.

Spellman, STX … check ETX: "PMX Digital Interface", 118165-001 rev. A, section 1, and "XRB011",
118150-001 rev. B, section 3.4. ODEL, text ETX sum: "Odel Serial", 2008-08-28, revision 4, 19200
8N2, 100 bytes at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.bracketed import ETX, STX, Bracketed
from passerelle_hw.serial.events import Damaged, Message, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle_hw.serial.events import Event

_SHORTEST: Final = 5  # STX, one character, a comma, the check, ETX
_TELEGRAM_LIMIT: Final = 100
_PRINTABLE: Final = bytes(range(0x20, 0x7F))


def spellman_check(data: bytes) -> int:
    """Minus the sum of all bytes, with bit 7 cleared and bit 6 set: between 40 and 7F.

    It has six bits, and misses every change of bits 6 and 7 of a character.
    """
    return -sum(data) & 0x7F | 0x40


class Spellman(Bracketed):
    """A message is command and arguments, each with its comma."""

    def __init__(self, *, limit_bytes: int = 256) -> None:
        super().__init__(STX, ack=b"", nak=b"", limit_bytes=limit_bytes)

    def _length(self, buffer: bytearray) -> int:
        return buffer.find(ETX) + 1

    def _body(self, frame: bytes) -> bytes:
        body, check = frame[1:-2], frame[-2]
        if len(frame) < _SHORTEST or spellman_check(body) != check:
            msg = "its check is wrong"
            raise Damaged(msg)
        if not body.endswith(b",") or not _is_printable(body):
            msg = "no list of arguments"
            raise Damaged(msg)
        return body


class Odel:
    """A message is the text before ETX. It has no beginning: what is damaged ends at the next ETX.

    The sum is of the text and ETX.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._spoilt = ""  #: why what comes until the next ETX is no telegram

    def feed(self, data: bytes) -> Sequence[Event]:
        """See `Framer.feed`."""
        self._buffer += data
        events: list[Event] = []
        while 0 <= (end := self._buffer.find(ETX)) < len(self._buffer) - 1:
            telegram = bytes(self._buffer[: end + 2])
            del self._buffer[: end + 2]
            events.append(self._event(telegram))
        if len(self._buffer) > _TELEGRAM_LIMIT:
            events += self.interrupt("longer than a telegram may be")
        return events

    def interrupt(self, why: str) -> Sequence[Event]:
        """See `Framer.interrupt`: the rest of what was cut is no telegram either."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        self._spoilt = why
        return [Rejected(why, raw)] if raw else []

    def _event(self, telegram: bytes) -> Event:
        why, self._spoilt = self._spoilt, ""
        checked, body = telegram[:-1], telegram[:-2]
        if not why and sum(checked) & 0xFF != telegram[-1]:
            why = "its sum is wrong"
        if not why and not (body and _is_printable(body)):
            why = "no text"
        return Rejected(why, telegram) if why else Message(body)


def _is_printable(text: bytes) -> bool:
    return not text.translate(None, _PRINTABLE)
