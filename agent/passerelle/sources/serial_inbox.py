"""Where files lie that came over a line: durable before the device hears so."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from passerelle.errors import SpoolFull
from passerelle.sources.pairing import SUFFIX, is_sidecar
from passerelle.sources.scan import LITTER, is_temporary
from passerelle.spool.files import full_told, make_folder, sync_folder
from passerelle_hw.serial.transfer import Busy, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MEDIA: Final = "media"
_REMEMBERED: Final = 256
_NAME_LIMIT: Final = 200  # bytes; a sidecar's name is longer by its suffix


class SerialInbox:
    """Takes one file at a time, each into a folder of its own, as a whole or not at all.

    That folder is named after name, content and sidecar: what a device sends again, because it did
    not hear that we have it, is the same acquisition, today and after any restart.
    """

    def __init__(
        self,
        folder: Path,
        staging: Path,
        *,
        room: Callable[[], None],
        on_arrival: Callable[[], None],
        limit_bytes: int,
    ) -> None:
        """An inbox that is empty or as it was left.

        Args:
            folder: What is complete lies here.
            staging: What is being received; on the same disk, and emptied at a start.
            room: Raises `SpoolFull` when nothing is to be taken.
            on_arrival: Called when a file has come.
            limit_bytes: A file is not larger.
        """
        self._folder = folder
        self._staging = staging
        self._room = room
        self._on_arrival = on_arrival
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
            shutil.rmtree(self._staging, ignore_errors=True)
            make_folder(self._staging)
            make_folder(self._folder)

    def tidy(self, let_go: Callable[[Path], object]) -> None:
        """Let go of sidecars whose picture was let go of before a crash, and of empty folders.

        Raises:
            SpoolFull: There is no room for them elsewhere.
        """
        with full_told():
            make_folder(self._folder)
        for folder in self._folder.iterdir():
            left = list(folder.iterdir())
            if all(is_sidecar(path.name) for path in left):
                for path in left:
                    let_go(path)
                folder.rmdir()

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
        digest = self._digest(sidecar)
        if digest not in self._taken:
            self._told_busy(lambda: self._keep(digest, sidecar))
            self._taken.append(digest)
            self._on_arrival()
        self.abandon()

    def abandon(self) -> None:
        """See `Store.abandon`."""
        if self._file:
            with suppress(OSError):  # a full disk fails at the last flush
                self._file.close()
        self._file = None
        with suppress(OSError):  # the next `begin` writes over it
            (self._staging / _MEDIA).unlink(missing_ok=True)

    def _open(self, name: str) -> None:
        self._room()
        self._name, self._size, self._hash = name, 0, hashlib.sha256()
        self._file = (self._staging / _MEDIA).open("wb")

    def _write(self, data: bytes) -> None:
        if self._file:
            self._hash.update(data)
            self._file.write(data)

    def _keep(self, digest: str, sidecar: bytes) -> None:
        """Make it durable: the file and its sidecar appear with one rename."""
        target = self._folder / digest
        if self._file is None or _is_filled(target):
            return
        _synchronise(self._file)
        made = self._staging / digest
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        if sidecar:
            with (made / f"{self._name}{SUFFIX}").open("wb") as file:
                file.write(sidecar)
                _synchronise(file)
        self._file.close()
        (self._staging / _MEDIA).rename(made / self._name)
        sync_folder(made)
        made.replace(target)
        sync_folder(self._folder)

    def _digest(self, sidecar: bytes) -> str:
        parts = (self._name.encode(), sidecar, self._hash.digest())
        return hashlib.sha256(b"".join(b"%d:" % len(part) + part for part in parts)).hexdigest()[
            :32
        ]

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


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _synchronise(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
