"""Takes what comes over a line into an inbox: durable before the device hears so."""

from __future__ import annotations

import hashlib
import shutil
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from passerelle.errors import SpoolFull
from passerelle.sources.inbox import Inbox, digest_of, synchronise
from passerelle.sources.pairing import is_sidecar
from passerelle.sources.scan import LITTER, is_temporary
from passerelle.spool.files import full_told
from passerelle_hw.serial.transfer import Busy, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MEDIA: Final = "media"
_REMEMBERED: Final = 256
_NAME_LIMIT: Final = 200  # bytes; a sidecar's name is longer by its suffix


class SerialInbox(Inbox):
    """Takes one file at a time, piece by piece."""

    def __init__(
        self, folder: Path, staging: Path, *, room: Callable[[], None], limit_bytes: int
    ) -> None:
        """An inbox that is empty or as it was left.

        Args:
            folder: See `Inbox`.
            staging: See `Inbox`; emptied at a start.
            room: See `Inbox`.
            limit_bytes: A file is not larger.
        """
        super().__init__(folder, staging, room=room)
        self._limit = limit_bytes
        self._name = ""
        self._size = 0
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._taken: deque[str] = deque(maxlen=_REMEMBERED)

    def make(self) -> None:
        """Make the folders, and give up what was not received to its end.

        Raises:
            SpoolFull: There is no room for them.
        """
        with full_told():
            shutil.rmtree(self.staging, ignore_errors=True)
        super().make()

    def begin(self, name: str, size: int) -> None:
        """See `Store.begin`."""
        _check(name)
        if size > self._limit:
            raise Refused(_too_large(self._limit))
        self._told_busy(lambda: self._open(name))

    def content(self, data: bytes) -> None:
        """See `Store.content`."""
        self._size += len(data)
        if self._size > self._limit:
            raise Refused(_too_large(self._limit))
        self._told_busy(lambda: self._write(data))

    def finish(self, sidecar: bytes) -> None:
        """See `Store.finish`."""
        digest = digest_of(self._name, sidecar, self._hash.digest())
        if digest not in self._taken:
            self._told_busy(lambda: self._keep(digest, sidecar))
            self._taken.append(digest)
            self.on_arrival()
        self.abandon()

    def abandon(self) -> None:
        """See `Store.abandon`."""
        if self._file:
            with suppress(OSError):  # a full disk fails at the last flush
                self._file.close()
        self._file = None
        with suppress(OSError):  # the next `begin` writes over it
            (self.staging / _MEDIA).unlink(missing_ok=True)

    def _open(self, name: str) -> None:
        self.room()
        self._name, self._size, self._hash = name, 0, hashlib.sha256()
        self._file = (self.staging / _MEDIA).open("wb")

    def _write(self, data: bytes) -> None:
        if self._file:
            self._hash.update(data)
            self._file.write(data)

    def _keep(self, digest: str, sidecar: bytes) -> None:
        if self._file is None:
            return
        synchronise(self._file)
        self._file.close()
        self.place(self.staging / _MEDIA, self._name, digest, sidecar)

    def _told_busy(self, act: Callable[[], None]) -> None:
        try:
            with full_told():
                act()
        except (SpoolFull, OSError) as error:
            raise Busy(getattr(error, "strerror", None) or "no room") from error


def _check(name: str) -> None:
    """Refuse a name under which a file would not be found again.

    Raises:
        Refused: What is wrong with it.
    """
    fault = ""
    if len(name.encode()) > _NAME_LIMIT:
        fault = f"the name is longer than {_NAME_LIMIT} bytes"
    elif any(mark in name for mark in '/\\:*?"<>|') or not name.isprintable():
        fault = "the name has characters that no file name may have"
    elif is_temporary(name) or name.casefold() in LITTER or name.endswith((" ", ".")):
        fault = "the name is that of a temporary or hidden file"
    elif is_sidecar(name):
        fault = "the name is that of a sidecar"
    if fault:
        raise Refused(fault)


def _too_large(limit_bytes: int) -> str:
    return f"larger than {limit_bytes >> 20} MiB"
