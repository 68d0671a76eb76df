"""A scanner on a real pty; one that types is tried in the emulated box."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

import pytest

from passerelle_hw.scan import Scan, Trimming
from passerelle_hw.scanner import (
    KeyboardScanner,
    KeyboardScannerSettings,
    ScannerGone,
    SerialScanner,
    SerialScannerSettings,
    open_scanner,
)
from serial_support import PtyPair

if TYPE_CHECKING:
    from pathlib import Path


def test_codes_come_with_their_time_until_the_scanner_is_unplugged() -> None:
    pair, scans, gone = PtyPair(), queue.SimpleQueue[Scan](), list[str]()
    opened = threading.Event()
    scanner = open_scanner(SerialScannerSettings(port=pair.name, trimming=Trimming(prefix="*")))

    def watch() -> None:
        try:
            scanner.watch(scans.put, threading.Event(), opened.set)
        except ScannerGone as error:
            gone.append(str(error))

    thread = threading.Thread(target=watch)
    thread.start()
    assert opened.wait(5)
    before = time.monotonic()
    pair.write(b"*]C100042\r\n")
    scan = scans.get(timeout=5)
    assert (scan.text, scan.fault) == ("00042", "")
    assert before <= scan.at_s <= time.monotonic()
    pair.write(b"0")
    pair.unplug()
    thread.join(5)
    assert len(gone) == 1
    assert gone[0].startswith(pair.name)


def test_a_stop_is_noticed_within_a_second() -> None:
    pair, stop = PtyPair(), threading.Event()
    scanner = SerialScanner(SerialScannerSettings(port=pair.name))
    thread = threading.Thread(target=scanner.watch, args=(print, stop, lambda: None))
    thread.start()
    stop.set()
    thread.join(1.0)
    assert not thread.is_alive()
    pair.unplug()


def test_a_scanner_that_is_not_there_says_so(tmp_path: Path) -> None:
    absent = str(tmp_path / "scanner")
    scanners = [
        open_scanner(SerialScannerSettings(port=absent)),
        open_scanner(KeyboardScannerSettings(device=absent)),
    ]
    assert isinstance(scanners[1], KeyboardScanner)
    for scanner in scanners:
        with pytest.raises(ScannerGone, match="No such file"):
            scanner.watch(print, threading.Event(), lambda: None)
