"""The receiving side of the `frames` protocol: frames in, answers out, and a file at the end."""

from __future__ import annotations

import zlib
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from passerelle_hw.serial.events import Rejected
from passerelle_hw.serial.frames import SEQUENCES, Frame, Kind

if TYPE_CHECKING:
    Accepted = tuple[Frame, bytes]

_LENGTH: Final = 4
#: More than this is no sidecar.
_SIDECAR_LIMIT: Final = 1 << 20
_TEXT_LIMIT: Final = 200


class Reason(IntEnum):
    """Why a frame was not taken, as the first byte of a NAK's payload."""

    DAMAGED = 1  # something did not arrive intact: send the frame again
    ORDER = 2  # not the frame that comes next: begin the file again
    BUSY = 3  # no room now: begin the file again, later
    REFUSED = 4  # this file will never be taken


class NotTaken(Exception):
    """The file is not taken; why."""

    reason = Reason.REFUSED


class Busy(NotTaken):
    """There is no room now; the device is to keep the file and try again."""

    reason = Reason.BUSY


class Refused(NotTaken):
    """This file will never be taken."""


class Store(Protocol):
    """Where a file goes while it is received."""

    def begin(self, name: str, size: int) -> None:
        """A file begins; its size is 0 where the device does not know it yet.

        Raises:
            Busy: There is no room.
            Refused: It has no usable name.
        """

    def content(self, data: bytes) -> None:
        """The next bytes of its content.

        Raises:
            Busy: There is no room.
        """

    def finish(self, sidecar: bytes) -> None:
        """It is complete; when this returns it survives a power cut.

        Raises:
            Busy: There is no room.
            Refused: It cannot be an acquisition.
        """

    def abandon(self) -> None:
        """Forget what came of it."""


class Transfer:
    """Takes the frames of one line; what it answers is true when it is answered.

    A file is acknowledged, by the answer to its END, only after the store has it durably. A frame
    that is sent again because its answer was lost is answered again and counts once.
    """

    def __init__(self, store: Store) -> None:
        self.files = 0  #: handed to the store
        self._store = store
        self._last: Accepted | None = None
        self._is_open = False
        self._size = self._crc = 0
        self._sidecar = bytearray()

    def take(self, event: Frame | Rejected) -> bytes:
        """What to answer; b"" for nothing."""
        if isinstance(event, Rejected):
            after = (self._last[0].sequence + 1) % SEQUENCES if self._last else 0
            return _nak(after, Reason.DAMAGED, event.why)
        if event.kind in (Kind.ACK, Kind.NAK):
            return b""  # an echo of our own
        if self._last and self._last[0] == event:
            return self._last[1]
        return self._answer(event)

    def interrupt(self) -> None:
        """The line is gone, or the file is: it has to be begun again."""
        if self._is_open:
            self._store.abandon()
        self._is_open, self._last = False, None

    def _answer(self, event: Frame) -> bytes:
        try:
            if not self._handle(event):
                return _nak(event.sequence, Reason.ORDER, "not the frame that comes next")
        except NotTaken as fault:
            self.interrupt()
            return _nak(event.sequence, fault.reason, str(fault))
        answer = Frame(Kind.ACK, event.sequence).encoded()
        self._last = (event, answer)
        return answer

    def _handle(self, frame: Frame) -> bool:
        """Whether the frame is the one that comes next."""
        if frame.kind is Kind.BEGIN:
            self._begin(frame.payload)
            return True
        if not self._is_open or not self._last:
            return False
        if frame.sequence != (self._last[0].sequence + 1) % SEQUENCES:
            return False
        match frame.kind:
            case Kind.SIDECAR:
                self._add_to_sidecar(frame.payload)
            case Kind.DATA:
                self._store.content(frame.payload)
                self._size += len(frame.payload)
                self._crc = zlib.crc32(frame.payload, self._crc)
            case _:
                self._end(frame.payload)
        return True

    def _begin(self, payload: bytes) -> None:
        self.interrupt()
        try:
            name = payload[_LENGTH:].decode("utf-8")
        except UnicodeDecodeError:
            msg = "the name is not UTF-8"
            raise Refused(msg) from None
        if not name:
            msg = "no name"
            raise Refused(msg)
        self._store.begin(name, int.from_bytes(payload[:_LENGTH], "little"))
        self._is_open, self._size, self._crc = True, 0, 0
        self._sidecar.clear()

    def _add_to_sidecar(self, payload: bytes) -> None:
        self._sidecar += payload
        if len(self._sidecar) > _SIDECAR_LIMIT:
            msg = "the sidecar is larger than 1 MiB"
            raise Refused(msg)

    def _end(self, payload: bytes) -> None:
        said = payload[:_LENGTH], payload[_LENGTH:]
        if said != (self._size.to_bytes(_LENGTH, "little"), self._crc.to_bytes(4, "little")):
            # Every frame arrived intact and in its place, so the device counted otherwise.
            msg = "its length or its CRC-32 is not that of what was sent"
            raise Refused(msg)
        if not self._size:
            msg = "empty"
            raise Refused(msg)
        self._store.finish(bytes(self._sidecar))
        self._is_open = False
        self.files += 1


def _nak(sequence: int, reason: Reason, text: str) -> bytes:
    payload = bytes([reason]) + text.encode("ascii", "replace")[:_TEXT_LIMIT]
    return Frame(Kind.NAK, sequence, payload).encoded()
