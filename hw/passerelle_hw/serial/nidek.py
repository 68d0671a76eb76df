"""What NIDEK's instruments print to their PC port, between SOH and EOT.

Refractors (`Nidek`): a heading, then STX and a line each. After NIDEK's "RT-5100 RS-232C Interface
Manual", June 2012, MRT10*RTZ001J/E, sections 1.1 and 4.1 to 4.3: 2400 bit/s, 7 data bits, even
parity, 2 stop bits; no check of the text, no acknowledgement.

Lensmeters set to NCP10 (`NidekChecked`): a code, STX, segments that each end with ETB, and after
EOT the sum of all bytes from SOH on but CR, as four hexadecimal digits; no acknowledgement. After
"LM-1000/1000P/1200 USB Interface Manual", December 2010, 31001*RTZ002E/E, section 2.
"""

from __future__ import annotations

from typing import Final

from passerelle_hw.serial.bracketed import STX, Bracketed, is_text
from passerelle_hw.serial.events import Damaged

_SOH: Final = 0x01
_EOT: Final = 0x04
_HEADING: Final = b"NIDEK"
_SEVEN_BITS: Final = 0x7F
_ETB: Final = 0x17
_SUM: Final = 4


class Nidek(Bracketed):
    """Nothing but its layout tells a damaged message: let the port report parity errors.

    A message is what stands between SOH and EOT; see `lines_of`.
    """

    def __init__(self, *, limit_bytes: int = 16384) -> None:
        super().__init__(_SOH, ack=b"", nak=b"", limit_bytes=limit_bytes)

    def _length(self, buffer: bytearray) -> int:
        return buffer.find(_EOT) + 1

    def _body(self, frame: bytes) -> bytes:
        body = frame[1:-1]
        lines_of(body)
        return body


def lines_of(body: bytes) -> list[str]:
    """The heading and each line of a message, in their order, without their marks.

    Raises:
        Damaged: It has not the layout of the manual.
    """
    parts = body.split(bytes([STX]))
    if not parts[0].startswith(_HEADING):
        msg = "no heading"
        raise Damaged(msg)
    for part in parts:
        line = part[:-1]
        if part[-1:] != b"\r" or b"\r" in line or not line:
            msg = "a line that does not end where it should"
            raise Damaged(msg)
        if not is_text(line) or max(line) > _SEVEN_BITS or {0x09, 0x0A} & set(line):
            msg = "a character that no line has"
            raise Damaged(msg)
    return [part[:-1].decode("ascii") for part in parts]


class NidekChecked(Bracketed):
    """A message is what stands between SOH and EOT; see `segments_of`."""

    def __init__(self, *, limit_bytes: int = 4096) -> None:
        super().__init__(_SOH, ack=b"", nak=b"", limit_bytes=limit_bytes)

    def _length(self, buffer: bytearray) -> int:
        length = buffer.find(_EOT) + 1 + _SUM
        return length if _SUM + 1 < length <= len(buffer) else 0

    def _body(self, frame: bytes) -> bytes:
        summed = frame[:-_SUM].replace(b"\r", b"")  # as in the example of 2.3 (8)
        if b"%04X" % (sum(summed) & 0xFFFF) != frame[-_SUM:]:
            msg = "its sum is wrong"
            raise Damaged(msg)
        body = frame[1 : -_SUM - 1]
        segments_of(body)
        return body


def segments_of(body: bytes) -> tuple[str, list[str]]:
    """The code of a message and its segments, without their marks and the CR that may follow these.

    Raises:
        Damaged: It has not the layout of the manual.
    """
    code, mark, rest = body.partition(bytes([STX]))
    parts = [part.removeprefix(b"\r") for part in rest.split(bytes([_ETB]))]
    if not mark or parts.pop() or not code:
        msg = "a segment without an end"
        raise Damaged(msg)
    for part in (code, *parts):
        if not part or not is_text(part) or max(part) > _SEVEN_BITS or set(part) & set(b"\t\r\n"):
            msg = "a character that no segment has"
            raise Damaged(msg)
    return code.decode("ascii"), [part.decode("ascii") for part in parts]
