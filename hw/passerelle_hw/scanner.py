"""Barcode scanners: on a serial port, or as the keyboard that most USB ones are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from passerelle_hw.input_device import InputDevice, InputGone
from passerelle_hw.scan import KeyboardScans, SerialScans, Trimming
from passerelle_hw.serial.line import Line, LineGone, LineSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from passerelle_hw.scan import Scan

_LOOK_S: Final = 0.5


class ScannerGone(Exception):
    """The scanner is not there, or not any more; why."""


class Scanner(Protocol):
    """Something that reads codes."""

    def watch(self, told: Callable[[Scan], None], stop: Event, opened: Callable[[], None]) -> None:
        """Tell each scan until `stop` is set, which is noticed within a second.

        Args:
            told: Called with each code, and with what was none.
            stop: Ends it.
            opened: Called once the scanner is there.

        Raises:
            ScannerGone: It cannot be opened, or was unplugged; watch it again later.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialScannerSettings:
    """A scanner on a serial port, 8N1; nothing is ever sent to it."""

    port: str  #: a device's name, by preference below /dev/serial/by-id, or a URL of pyserial
    baudrate: int = 9600
    trimming: Trimming = field(default_factory=Trimming)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyboardScannerSettings:
    """A scanner that types, with the US layout; what it types reaches nobody else (Linux)."""

    device: str  #: by preference below /dev/input/by-id: those names do not change
    trimming: Trimming = field(default_factory=Trimming)


ScannerSettings = SerialScannerSettings | KeyboardScannerSettings


class SerialScanner:
    """Codes from a serial port."""

    def __init__(self, settings: SerialScannerSettings) -> None:
        self._settings = settings

    def watch(self, told: Callable[[Scan], None], stop: Event, opened: Callable[[], None]) -> None:
        """See `Scanner.watch`."""
        settings = self._settings
        scans = SerialScans(settings.trimming)
        try:
            line = Line(LineSettings(url=settings.port, baudrate=settings.baudrate))
            try:
                opened()
                while not stop.is_set():
                    piece = line.read(_LOOK_S)
                    for scan in scans.feed(piece, time.monotonic()) if piece else ():
                        told(scan)
            finally:
                line.close()
        except LineGone as gone:
            msg = f"{settings.port}: {gone}"
            raise ScannerGone(msg) from gone


class KeyboardScanner:
    """Codes from a keyboard of its own."""

    def __init__(self, settings: KeyboardScannerSettings) -> None:
        self._settings = settings

    def watch(self, told: Callable[[Scan], None], stop: Event, opened: Callable[[], None]) -> None:
        """See `Scanner.watch`."""
        scans = KeyboardScans(self._settings.trimming)
        try:
            device = InputDevice.opened(self._settings.device)
            try:
                opened()
                while not stop.is_set():
                    for event in device.read(_LOOK_S):
                        if scan := scans.feed(event):
                            told(scan)
            finally:
                device.close()
        except InputGone as gone:
            raise ScannerGone(str(gone)) from gone


def open_scanner(settings: ScannerSettings) -> Scanner:
    """The scanner of these settings; it is opened by being watched."""
    match settings:
        case SerialScannerSettings():
            return SerialScanner(settings)
        case KeyboardScannerSettings():
            return KeyboardScanner(settings)
