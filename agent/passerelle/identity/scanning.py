"""Where the scanner of a config is, as its driver wants to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle_hw.scan import Trimming
from passerelle_hw.scanner import KeyboardScannerSettings, SerialScannerSettings

if TYPE_CHECKING:
    from passerelle.barcode import BarcodeSettings
    from passerelle_hw.scanner import ScannerSettings


def scanner_settings(settings: BarcodeSettings) -> ScannerSettings:
    """The driver's settings."""
    trimming = Trimming(prefix=settings.prefix, suffix=settings.suffix)
    if settings.port:
        return SerialScannerSettings(
            port=settings.port, baudrate=settings.baudrate, trimming=trimming
        )
    return KeyboardScannerSettings(device=settings.input, trimming=trimming)
