"""Check characters of text protocols."""

from __future__ import annotations

import binascii
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Check = Literal["none", "lrc", "sum", "sum-hex", "crc16"]


def lrc(data: bytes) -> bytes:
    """All bytes, exclusive-or."""
    return bytes([reduce(xor, data, 0)])


def sum8(data: bytes) -> bytes:
    """The sum of all bytes, modulo 256."""
    return bytes([sum(data) & 0xFF])


def sum8_hex(data: bytes) -> bytes:
    """The sum of all bytes, modulo 256, as two hexadecimal digits."""
    return b"%02X" % (sum(data) & 0xFF)


def crc16(data: bytes) -> bytes:
    """CRC-16/XMODEM: polynomial 0x1021 from 0, high byte first."""
    return binascii.crc_hqx(data, 0).to_bytes(2, "big")


#: How a check is made, and how many bytes it has.
CHECKS: Final[dict[Check, tuple[Callable[[bytes], bytes], int]]] = {
    "none": (lambda _data: b"", 0),
    "lrc": (lrc, 1),
    "sum": (sum8, 1),
    "sum-hex": (sum8_hex, 2),
    "crc16": (crc16, 2),
}
