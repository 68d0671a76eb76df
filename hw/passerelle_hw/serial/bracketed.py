"""Messages between a start byte and an end: STX … ETX with its checks, and MLLP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.check import CHECKS
from passerelle_hw.serial.events import Damaged, Message, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle_hw.serial.check import Check
    from passerelle_hw.serial.events import Event

STX: Final = 0x02
ETX: Final = 0x03
_VT: Final = 0x0B
_FS_CR: Final = b"\x1c\r"
_LAYOUT: Final = frozenset(b"\t\n\r")
_FIRST_PRINTABLE: Final = 0x20
_DELETE: Final = 0x7F


def is_text(data: bytes, also: frozenset[int] = frozenset()) -> bool:
    """Whether there is no control character but tabs, line ends and those of `also`."""
    allowed = _LAYOUT | also
    return all(
        (byte >= _FIRST_PRINTABLE and byte != _DELETE) or byte in allowed for byte in set(data)
    )


class Bracketed(ABC):
    """Finds what begins with one byte; of a rejected frame only that byte is thrown away."""

    def __init__(self, start: int, *, ack: bytes, nak: bytes, limit_bytes: int) -> None:
        self._start = bytes([start])
        self._ack = ack
        self._nak = nak
        self._limit = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Sequence[Event]:
        """See `Framer.feed`."""
        self._buffer += data
        events: list[Event] = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def interrupt(self, why: str) -> Sequence[Event]:
        """See `Framer.interrupt`."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return [Rejected(why, raw, self._nak)] if raw else []

    @abstractmethod
    def _length(self, buffer: bytearray) -> int:
        """How long the frame is that the buffer begins with; 0 while its end has not come."""

    @abstractmethod
    def _body(self, frame: bytes) -> bytes:
        """The message of a frame.

        Raises:
            Damaged: It is none.
        """

    def _next(self) -> Event | None:
        at = self._buffer.find(self._start)
        if at != 0:
            return self._outside(len(self._buffer) if at < 0 else at)
        length = self._length(self._buffer)
        if not length and len(self._buffer) <= self._limit:
            return None
        if not length or length > self._limit:
            return self._reject("longer than a message may be", bytes(self._buffer[: self._limit]))
        frame = bytes(self._buffer[:length])
        try:
            body = self._body(frame)
        except Damaged as fault:
            return self._reject(str(fault), frame)
        del self._buffer[:length]
        return Message(body, self._ack)

    def _outside(self, length: int) -> Rejected | None:
        raw = bytes(self._buffer[:length])
        del self._buffer[:length]
        return Rejected("between messages", raw) if raw else None

    def _reject(self, why: str, raw: bytes) -> Rejected:
        del self._buffer[:1]
        return Rejected(why, raw, self._nak)


class StxEtx(Bracketed):
    """STX, text, ETX and a check of everything between, ETX with it.

    Without a check nothing but a control character tells a damaged message.
    """

    def __init__(
        self,
        check: Check = "lrc",
        *,
        ack: bytes = b"\x06",
        nak: bytes = b"\x15",
        limit_bytes: int = 4096,
    ) -> None:
        super().__init__(STX, ack=ack, nak=nak, limit_bytes=limit_bytes)
        self._check, self._width = CHECKS[check]

    def _length(self, buffer: bytearray) -> int:
        length = buffer.find(ETX) + 1 + self._width
        return length if length > self._width and length <= len(buffer) else 0

    def _body(self, frame: bytes) -> bytes:
        end = len(frame) - self._width
        if self._check(frame[1:end]) != frame[end:]:
            msg = "its check is wrong"
            raise Damaged(msg)
        body = frame[1 : end - 1]
        if not is_text(body):
            msg = "a control character in the text"
            raise Damaged(msg)
        return body


class Mllp(Bracketed):
    """HL7's Minimal Lower Layer Protocol: VT, text, FS, CR. It has no check.

    The answer is HL7's own acknowledgement and is not made here.
    """

    def __init__(self, *, limit_bytes: int = 65536) -> None:
        super().__init__(_VT, ack=b"", nak=b"", limit_bytes=limit_bytes)

    def _length(self, buffer: bytearray) -> int:
        return buffer.find(_FS_CR) + len(_FS_CR) if _FS_CR in buffer else 0

    def _body(self, frame: bytes) -> bytes:
        body = frame[1 : -len(_FS_CR)]
        if not is_text(body):
            msg = "a control character in the text"
            raise Damaged(msg)
        return body
