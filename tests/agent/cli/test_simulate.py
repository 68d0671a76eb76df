"""`passerelle simulate`: devices on a pty that anybody can receive from."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from passerelle_hw.scan import Scan
from passerelle_hw.scanner import ScannerGone, SerialScanner, SerialScannerSettings
from passerelle_hw.serial.frames import Frames
from passerelle_hw.serial.line import Line, LineGone, LineSettings
from passerelle_hw.serial.transfer import Transfer
from serial_support import MemoryStore
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told


def receive(port: Path, store: MemoryStore, count: int) -> None:
    wait_until(port.is_symlink)
    line, frames, transfer = Line(LineSettings(url=str(port))), Frames(), Transfer(store)
    try:
        while len(store.files) < count:
            piece = line.read(5)
            for event in frames.feed(piece.data) if piece else ():
                line.write(transfer.take(event))
    except LineGone:
        pass
    finally:
        line.close()


def test_its_pictures_arrive_over_a_bad_line_and_its_port_goes_with_it(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    port, store = tmp_path / "scope", MemoryStore()
    thread = threading.Thread(target=receive, args=(port, store, 2))
    thread.start()
    told = run(
        "simulate", "serial", "--port", port, "--count", "2", "--every", "0", "--noise", "0.1"
    )
    thread.join(10)
    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0] == f"plugged in: {port}"
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["delivered", "SCOPE_0001.jpg"],
        ["delivered", "SCOPE_0002.jpg"],
    ]
    assert int(lines[3].rpartition(" ")[2]) > 0, "there was noise"
    assert [name for name, _, _ in store.files] == ["SCOPE_0001.jpg", "SCOPE_0002.jpg"]
    assert not port.is_symlink()


def test_a_scanner_reads_its_codes_and_its_port_goes_with_it(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    port, scans = tmp_path / "scanner", list[Scan]()

    def watch() -> None:
        wait_until(port.is_symlink)
        scanner = SerialScanner(SerialScannerSettings(port=str(port)))
        with contextlib.suppress(ScannerGone):
            scanner.watch(scans.append, threading.Event(), lambda: None)

    thread = threading.Thread(target=watch)
    thread.start()
    told = run("simulate", "scanner", "--port", port, "--every", "0.3", "00042", "00043")
    thread.join(10)
    assert (told.code, told.out) == (0, f"plugged in: {port}\nread code 1\nread code 2\n")
    assert [scan.text for scan in scans] == ["00042", "00043"]
    assert not port.is_symlink()
