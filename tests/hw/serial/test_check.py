"""Check characters against values computed by others."""

from __future__ import annotations

from passerelle_hw.serial.check import CHECKS, crc16, lrc, sum8, sum8_hex


def test_each_check_gives_the_value_that_is_published() -> None:
    assert crc16(b"123456789") == b"\x31\xc3", "CRC-16/XMODEM in the catalogue of CRCs"
    assert lrc(b"123456789") == b"\x31"
    assert sum8(b"123456789") == b"\xdd"
    assert sum8_hex(b"123456789") == b"DD"


def test_each_check_is_as_wide_as_is_said() -> None:
    assert {name: len(make(b"x")) for name, (make, _) in CHECKS.items()} == {
        name: width for name, (_, width) in CHECKS.items()
    }
