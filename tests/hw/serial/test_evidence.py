"""Rejected bytes are kept for whoever has to find out why, and never fill the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle_hw.serial.evidence import Evidence

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_says_when_why_and_what(tmp_path: Path) -> None:
    path = tmp_path / "evidence" / "scope.log"
    Evidence(path).keep("its CRC-32 is wrong", b"\x01\xff")
    moment, text = path.read_text().split(" ", 1)
    assert moment.endswith("+00:00")
    assert text == "its CRC-32 is wrong: 2 bytes: 01 ff\n"
    assert path.parent.stat().st_mode & 0o77 == 0, "it may hold patient data"


def test_it_is_bounded_and_keeps_the_latest(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "scope.log", half_bytes=1000)
    for number in range(100):
        evidence.keep(f"number {number}", bytes(5000))
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["scope.log", "scope.log.1"]
    assert sum(file.stat().st_size for file in files) < 10_000
    assert "number 99" in files[0].read_text()
    assert evidence.count == 100
