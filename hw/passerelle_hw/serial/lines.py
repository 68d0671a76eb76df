"""Lines of text that end with CR, LF or both, as scanners and loggers send them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.bracketed import is_text
from passerelle_hw.serial.events import Message, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle_hw.serial.events import Event

_END: Final = re.compile(rb"[\r\n]")


class Lines:
    """Each line that is not empty is a message; nothing checks it but that it is text."""

    def __init__(self, *, limit_bytes: int = 4096) -> None:
        self._limit = limit_bytes
        self._buffer = bytearray()
        self._spoilt = ""  #: why what comes until the next end is no line

    def feed(self, data: bytes) -> Sequence[Event]:
        """See `Framer.feed`."""
        self._buffer += data
        events: list[Event] = []
        while end := _END.search(self._buffer):
            line = bytes(self._buffer[: end.start()])
            del self._buffer[: end.end()]
            events += self._line(line)
        if len(self._buffer) > self._limit:
            events += self.interrupt("longer than a line may be")
        return events

    def interrupt(self, why: str) -> Sequence[Event]:
        """See `Framer.interrupt`: the rest of the line that was cut is none either."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        self._spoilt = why
        return [Rejected(why, raw)] if raw else []

    def _line(self, line: bytes) -> Sequence[Event]:
        why, self._spoilt = self._spoilt, ""
        if not line and not why:
            return []
        if not why and len(line) > self._limit:
            why = "longer than a line may be"
        if not why and not is_text(line):
            why = "a control character in the text"
        if why:
            return [Rejected(why, line)] if line else []
        return [Message(line)]
