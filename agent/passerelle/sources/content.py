"""Bounded reading of a file whose own numbers cannot be trusted."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

_READS: Final = 500_000
_ALLOWANCE: Final = 16 << 20
_WINDOW: Final = 1 << 13
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # or opening a pipe that took the file's place waits for ever
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class CutOff(Exception):
    """The file ends before its own structure does; the text says what is missing."""


class TooLong(Exception):
    """Looking further costs more than it is worth."""


class Content:
    """The bytes of one regular file; what is read of it, all in all, is about its size at most."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, _FLAGS)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        self._descriptor = descriptor
        self._window, self._start = b"", 0  # what was read last, and where
        self.size: Final = status.st_size
        self._reads = _READS
        self._bytes = self.size + _ALLOWANCE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def at(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes from `offset`.

        Raises:
            CutOff: The file has no such bytes.
            TooLong: More has been read than a well-meant file needs.
        """
        if offset + count > self.size:
            msg = "it ends too early"
            raise CutOff(msg)
        self._reads -= 1
        self._bytes -= count
        if self._reads < 0 or self._bytes < 0:
            raise TooLong
        begin = offset - self._start
        if begin < 0 or begin + count > len(self._window):
            self._window, self._start, begin = self._read(offset, count), offset, 0
        if len(self._window) < begin + count:
            msg = "it became shorter"
            raise CutOff(msg)
        return self._window[begin : begin + count]

    def head(self, count: int) -> bytes:
        """The first bytes, `count` of them or all there are."""
        return self.at(0, min(count, self.size))

    def tail(self, count: int) -> bytes:
        """The last bytes, `count` of them or all there are."""
        count = min(count, self.size)
        return self.at(self.size - count, count)

    def _read(self, offset: int, count: int) -> bytes:
        """From `offset` on at least `count` bytes, and fewer only where the file ends."""
        data = b""
        while len(data) < count and (more := self._some(offset + len(data), count)):
            data += more
        return data

    def _some(self, offset: int, count: int) -> bytes:
        count = max(count, _WINDOW)
        if sys.platform == "win32":
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, count)
        return os.pread(self._descriptor, count, offset)
