"""The wire of the `frames` protocol: COBS, a CRC-32, a sequence number and a type."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.events import Damaged, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes of a frame's payload, at most.
PAYLOAD_LIMIT: Final = 4096
#: Sequence numbers begin again after so many.
SEQUENCES: Final = 1 << 16
_HEAD: Final = 3  # type, sequence
_CRC: Final = 4
_LIMIT: Final = PAYLOAD_LIMIT + _HEAD + _CRC + 20  # COBS adds one byte in 254
_RUN: Final = 254


class Kind(IntEnum):
    """What a frame is."""

    BEGIN = 0x01
    SIDECAR = 0x02
    DATA = 0x03
    END = 0x04
    ACK = 0x06
    NAK = 0x15


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, in either direction."""

    kind: Kind
    sequence: int
    payload: bytes = b""

    def encoded(self) -> bytes:
        """As it goes over the line, its delimiter with it."""
        body = bytes([self.kind]) + self.sequence.to_bytes(2, "little") + self.payload
        return stuffed(body + zlib.crc32(body).to_bytes(_CRC, "little")) + b"\0"


def stuffed(data: bytes) -> bytes:
    """Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999): no zero is left."""
    out = bytearray()
    for run in data.split(b"\0"):
        rest = run
        while len(rest) >= _RUN:
            out.append(_RUN + 1)
            out += rest[:_RUN]
            rest = rest[_RUN:]
        out.append(len(rest) + 1)
        out += rest
    return bytes(out)


def unstuffed(data: bytes) -> bytes:
    """What was stuffed.

    Raises:
        Damaged: It points beyond its end.
    """
    out, at = bytearray(), 0
    while at < len(data):
        after = at + data[at]
        if after == at or after > len(data):
            msg = "its byte stuffing is wrong"
            raise Damaged(msg)
        out += data[at + 1 : after]
        if data[at] <= _RUN and after < len(data):
            out.append(0)
        at = after
    return bytes(out)


def unpacked(data: bytes) -> Frame:
    """The frame between two delimiters.

    Raises:
        Damaged: It is none.
    """
    body = unstuffed(data)
    if len(body) < _HEAD + _CRC:
        msg = "shorter than a frame is"
        raise Damaged(msg)
    body, crc = body[:-_CRC], int.from_bytes(body[-_CRC:], "little")
    if zlib.crc32(body) != crc:
        msg = "its CRC-32 is wrong"
        raise Damaged(msg)
    if len(body) > PAYLOAD_LIMIT + _HEAD:
        msg = "longer than a frame may be"
        raise Damaged(msg)
    try:
        kind = Kind(body[0])
    except ValueError:
        msg = "a kind of frame that nobody knows"
        raise Damaged(msg) from None
    return Frame(kind, int.from_bytes(body[1:_HEAD], "little"), body[_HEAD:])


class Frames:
    """Finds frames in the bytes of a line; a zero byte ends whatever came before it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._spoilt = ""  #: why what comes until the next zero is no frame

    def feed(self, data: bytes) -> Sequence[Frame | Rejected]:
        """What these bytes complete."""
        self._buffer += data
        events: list[Frame | Rejected] = []
        while (end := self._buffer.find(0)) >= 0:
            piece = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if piece or self._spoilt:
                events.append(self._event(piece))
        if len(self._buffer) > _LIMIT:
            self.interrupt("longer than a frame may be")
        return events

    def interrupt(self, why: str) -> None:
        """Bytes were lost or damaged here: what comes until the next zero is no frame."""
        self._spoilt = why
        del self._buffer[: max(0, len(self._buffer) - _LIMIT)]

    def _event(self, piece: bytes) -> Frame | Rejected:
        why, self._spoilt = self._spoilt, ""
        if why:
            return Rejected(why, piece)
        try:
            return unpacked(piece)
        except Damaged as fault:
            return Rejected(str(fault), piece)
