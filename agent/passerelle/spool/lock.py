"""One agent on a data_dir: a lock that ends with its process, however that ends."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from passerelle.errors import AlreadyRunning

if TYPE_CHECKING:
    from pathlib import Path

_FAR: Final = 1 << 30  # Windows locks bytes, and nobody reads a locked one: none of the content


class Lock:
    """The lock of a data_dir. The file's content says that the ledger is open."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            AlreadyRunning: Another process holds it.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            msg = f"spool: another agent runs on {path.parent}"
            raise AlreadyRunning(msg) from error
        self._is_released = False
        #: The last holder did not close the ledger: it was killed, or the power went.
        self.was_killed = bool(os.read(self._descriptor, 1))

    def opened(self) -> None:
        """Note durably that the ledger is open."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, b"open\n")
        os.fsync(self._descriptor)

    def closing(self) -> None:
        """Note that the ledger closes in order; its log goes with that, and is not missed."""
        if not self._is_released:
            os.ftruncate(self._descriptor, 0)

    def release(self) -> None:
        """Let go, once."""
        if not self._is_released:
            self._is_released = True
            os.close(self._descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - only on Windows

        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl  # noqa: PLC0415 - not on Windows

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
