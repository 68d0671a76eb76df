"""ASTM E1381 (CLSI LIS01): ENQ, numbered frames with a check, EOT; each is acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.bracketed import ETX, STX, is_text
from passerelle_hw.serial.check import sum8_hex
from passerelle_hw.serial.events import Message, Rejected, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle_hw.serial.events import Event

_ENQ: Final = 0x05
_EOT: Final = 0x04
_ETB: Final = 0x17
_ACK: Final = b"\x06"
_NAK: Final = b"\x15"
_MARKS: Final = frozenset((_ENQ, _EOT, STX))
_AROUND: Final = 7  # STX, number, ETB or ETX, two digits, CR, LF
_FIRST: Final = ord("1")
_FRAMES: Final = 8


class Astm:
    """Joins the frames of a message, whose last one ends with ETX; a frame sent twice counts once.

    The last frame of a message is acknowledged by whoever takes the message.
    """

    def __init__(self, *, text_bytes: int = 240, limit_bytes: int = 65536) -> None:
        self._longest = text_bytes + _AROUND
        self._limit = limit_bytes
        self._buffer = bytearray()
        self._text = bytearray()
        self._expected = _FIRST
        self._is_open = False  #: between ENQ and EOT

    def feed(self, data: bytes) -> Sequence[Event]:
        """See `Framer.feed`."""
        self._buffer += data
        events: list[Event] = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def interrupt(self, why: str) -> Sequence[Event]:
        """See `Framer.interrupt`: the frame is sent again when it is not acknowledged."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return [Rejected(why, raw, _NAK)] if raw else []

    def _next(self) -> Event | None:
        outside = next((n for n, byte in enumerate(self._buffer) if byte in _MARKS), None)
        if outside != 0:
            raw = self._taken(len(self._buffer) if outside is None else outside)
            return Rejected("between frames", raw) if raw else None
        if self._buffer[0] != STX:
            return self._phase(self._taken(1)[0])
        return self._frame()

    def _phase(self, mark: int) -> Event:
        raw, self._is_open, self._expected = bytes(self._text), mark == _ENQ, _FIRST
        self._text.clear()
        if raw:
            return Rejected("the message was not finished", raw, _ACK if mark == _ENQ else b"")
        return Reply(_ACK if mark == _ENQ else b"")

    def _frame(self) -> Event | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) <= self._longest:
                return None
            return self._rejected("longer than a frame may be", self._longest)
        frame = bytes(self._buffer[: end + 2])
        if fault := self._fault(frame):
            return self._rejected(fault, len(frame))
        self._taken(len(frame))
        return self._numbered(frame[1], frame[2:-5], is_last=frame[-5] == ETX)

    def _fault(self, frame: bytes) -> str:
        if not _AROUND <= len(frame) <= self._longest or frame[-5] not in (ETX, _ETB):
            return "no frame"
        if sum8_hex(frame[1:-4]) != frame[-4:-2]:
            return "its check is wrong"
        if not is_text(frame[1:-5]):
            return "a control character in the text"
        return "" if self._is_open else "a frame without ENQ"

    def _numbered(self, number: int, text: bytes, *, is_last: bool) -> Event:
        if number == _before(self._expected):
            return Reply(_ACK)  # our acknowledgement was lost
        if number != self._expected or len(self._text) + len(text) > self._limit:
            return Rejected("not the frame that comes next", text, _NAK)
        self._expected = ord("0") + (number - ord("0") + 1) % _FRAMES
        self._text += text
        if not is_last:
            return Reply(_ACK)
        body = bytes(self._text)
        self._text.clear()
        return Message(body, _ACK)

    def _rejected(self, why: str, length: int) -> Rejected:
        raw = bytes(self._buffer[:length])
        self._taken(1)
        return Rejected(why, raw, _NAK)

    def _taken(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken


def _before(number: int) -> int:
    return ord("0") + (number - ord("0") - 1) % _FRAMES
