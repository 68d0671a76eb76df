"""The five bytes of pulse oximeters of the BCI and Contec CMS50 kind: only the first has bit 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.events import Message, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle_hw.serial.events import Event

_FIRST: Final = 0x80
_LENGTH: Final = 5


class FiveBytes:
    """Sixty groups a second, which nothing checks: let the port report parity errors (8O1)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Sequence[Event]:
        """See `Framer.feed`: a group is complete when the next one begins, and not before."""
        events: list[Event] = []
        for byte in data:
            if byte & _FIRST or len(self._buffer) > _LENGTH:
                events += self._group()
            self._buffer.append(byte)
        return events

    def interrupt(self, why: str) -> Sequence[Event]:
        """See `Framer.interrupt`."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return [Rejected(why, raw)] if raw else []

    def _group(self) -> Sequence[Event]:
        group = bytes(self._buffer)
        self._buffer.clear()
        if not group:
            return []
        if len(group) == _LENGTH and group[0] & _FIRST:
            return [Message(group)]
        return [Rejected("no group of five bytes", group)]
