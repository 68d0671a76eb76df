"""What came over a line and was no message, kept for whoever has to find out why."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_HALF: Final = 1 << 18
_LONGEST: Final = 1024


class Evidence:
    """A text file of rejected bytes, half a megabyte at most; it may hold patient data."""

    def __init__(self, path: Path, *, half_bytes: int = _HALF) -> None:
        self.count = 0
        self._path = path
        self._half = half_bytes

    def keep(self, why: str, raw: bytes) -> None:
        """Add a line; of long pieces their beginning.

        Raises:
            OSError: It cannot be written.
        """
        self.count += 1
        moment = dt.datetime.now(tz=dt.UTC).isoformat(timespec="milliseconds")
        line = f"{moment} {why}: {len(raw)} bytes: {raw[:_LONGEST].hex(' ')}\n"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size + len(line) > self._half:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
