"""A disk whose every write and flush is noted, so that a power cut can be had at any of them.

A file `disk` in a FUSE mount stands behind a loop device with a real ext4 on it: what the file
system hands to the disk arrives here, in its order, and a flush as an fsync (no other barrier is
passed on). Run as `python -m faults.recording_disk IMAGE LOG MOUNTPOINT`; it ends with the unmount.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import mfusepy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NAME: Final = "/disk"
_HEAD: Final = struct.Struct("<dqI")  # when, where (-1: a flush), how many bytes
_FLUSH: Final = -1


@dataclass(frozen=True, slots=True)
class Step:
    """A write, or with `data` None a flush."""

    at_s: float  #: of `time.monotonic`
    offset: int
    data: bytes | None


class RecordingDisk(mfusepy.Operations):  # type: ignore[misc]  # untyped
    """The one file, and what is done to it."""

    use_ns = True

    def __init__(self, image: Path, log: Path) -> None:
        self._image = os.open(image, os.O_RDWR)
        self._log: IO[bytes] = log.open("ab")

    def getattr(self, path: str, _handle: int | None = None) -> dict[str, Any]:
        if path == "/":
            return {"st_mode": 0o40700, "st_nlink": 2}
        if path != _NAME:
            raise mfusepy.FuseOSError(2)
        return {"st_mode": 0o100600, "st_nlink": 1, "st_size": os.fstat(self._image).st_size}

    def readdir(self, _path: str, _handle: int) -> list[str]:
        return [".", "..", _NAME[1:]]

    def open(self, _path: str, _flags: int) -> int:
        return 0

    def read(self, _path: str, size: int, offset: int, _handle: int) -> bytes:
        return os.pread(self._image, size, offset)

    def write(self, _path: str, data: bytes, offset: int, _handle: int) -> int:
        self._note(offset, data)
        return os.pwrite(self._image, data, offset)

    def fsync(self, _path: str, _data_only: int, _handle: int) -> int:
        self._note(_FLUSH, b"")
        return 0

    def destroy(self, _path: str) -> None:
        self._log.close()

    def _note(self, offset: int, data: bytes) -> None:
        self._log.write(_HEAD.pack(time.monotonic(), offset, len(data)) + data)
        self._log.flush()


def steps(log: Path) -> Iterator[Step]:
    """What was done to the disk, in order."""
    with log.open("rb") as file:
        while head := file.read(_HEAD.size):
            at_s, offset, size = _HEAD.unpack(head)
            data = file.read(size)
            yield Step(at_s, offset, None if offset == _FLUSH else data)


def crash_image(base: Path, image: Path, done: Sequence[Step], kept: Sequence[bool]) -> None:
    """The disk after a power cut: what was flushed, and of the rest what is `kept`.

    Args:
        base: The disk as it was before the first step.
        image: Made.
        done: The steps before the cut.
        kept: For each write after the last flush, whether it reached the disk.
    """
    last = max((n for n, step in enumerate(done) if step.data is None), default=-1)
    chosen = iter(kept)
    image.write_bytes(base.read_bytes())
    with image.open("r+b") as disk:
        for number, step in enumerate(done):
            if step.data is not None and (number < last or next(chosen)):
                disk.seek(step.offset)
                disk.write(step.data)


def unflushed(done: Sequence[Step]) -> int:
    """How many writes came after the last flush."""
    count = 0
    for step in reversed(done):
        if step.data is None:
            break
        count += 1
    return count


if __name__ == "__main__":
    # One thread: the order of the log is the order of the writes.
    mfusepy.FUSE(
        RecordingDisk(Path(sys.argv[1]), Path(sys.argv[2])),
        sys.argv[3],
        foreground=True,
        nothreads=True,
        fsname="recording-disk",
        big_writes=True,
    )
