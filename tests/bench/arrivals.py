"""When files were closed in a folder, told by the kernel."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_CLOSED_OR_RENAMED = 0x8 | 0x80  # IN_CLOSE_WRITE, IN_MOVED_TO
_HEAD = struct.calcsize("iIII")


class Arrivals:
    """Notes for each file of a folder when it was last closed after writing, or moved in."""

    def __init__(self, folder: Path) -> None:
        self._at: dict[bytes, float] = {}
        self._came = threading.Condition()
        library = ctypes.CDLL(None, use_errno=True)
        self._events: int = library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        watch = library.inotify_add_watch(self._events, os.fsencode(folder), _CLOSED_OR_RENAMED)
        assert watch >= 0, os.strerror(ctypes.get_errno())
        self._ending, self._end = os.pipe()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        self._thread.join()
        os.close(self._ending)
        os.close(self._events)

    def wait(self, count: int, timeout_s: float) -> list[float]:
        """When each of so many files came, in the order they came; fewer after the time."""
        with self._came:
            self._came.wait_for(lambda: len(self._at) >= count, timeout_s)
            return sorted(self._at.values())

    def _read(self) -> None:
        while self._ending not in select.select([self._events, self._ending], [], [])[0]:
            events, now = os.read(self._events, 1 << 16), time.monotonic()
            with self._came:
                while events:
                    (length,) = struct.unpack_from("I", events, 12)
                    name = events[_HEAD : _HEAD + length].rstrip(b"\0")
                    self._at[name] = now
                    events = events[_HEAD + length :]
                self._came.notify_all()
