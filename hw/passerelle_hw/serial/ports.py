"""The serial ports of this machine, by a name that does not change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BY_ID: Final = Path("/dev/serial/by-id")


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One port."""

    name: str  #: what to write into a config
    device: str
    description: str

    @property
    def is_stable(self) -> bool:
        """Whether its name stays when it is plugged in elsewhere or in another order."""
        return self.name != self.device


def serial_ports(by_id: Path = _BY_ID) -> list[SerialPort]:
    """Every port there is now, those with a stable name first."""
    from serial.tools import list_ports  # noqa: PLC0415 - see line

    stable = {os.path.realpath(link): str(link) for link in sorted(links(by_id))}
    found = [
        SerialPort(stable.get(os.path.realpath(port.device), port.device), port.device, _text(port))
        for port in list_ports.comports()
    ]
    return sorted(found, key=lambda port: (not port.is_stable, port.name))


def links(folder: Path) -> list[Path]:
    """The links in a folder, which need not be there."""
    return list(folder.iterdir()) if folder.is_dir() else []


def _text(port: object) -> str:
    description = getattr(port, "description", None)
    return description if description and description != "n/a" else ""
