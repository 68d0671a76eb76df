"""Durable file operations: what they return from survives a power cut."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import sys
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from passerelle.errors import Changed, SpoolFull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK: Final = 1 << 20
_NAME_LIMIT: Final = 255  # bytes, of every file system in use here
#: One process writes below a data_dir, and in it one thread at a time takes a name.
_naming: Final = threading.Lock()
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def full_told() -> Iterator[None]:
    """Translate a full disk.

    Raises:
        SpoolFull: Nothing more fits.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        msg = f"spool: the disk of the data_dir takes no more: {error.strerror}"
        raise SpoolFull(msg) from error


def free_bytes_wanted(min_free: str, total: int) -> int:
    """The reserve that `min_free` asks for on a disk of `total` bytes: `"5%"` or bytes."""
    if min_free.endswith("%"):
        return int(total * float(min_free[:-1]) / 100)
    return int(min_free)


def room(folder: Path, min_free: str) -> None:
    """Return when the reserve is there.

    Raises:
        SpoolFull: Less than `min_free` is free.
    """
    usage = shutil.disk_usage(folder)
    if usage.free < free_bytes_wanted(min_free, usage.total):
        msg = f"spool: {usage.free >> 20} MiB free, less than min_free = {min_free}"
        raise SpoolFull(msg)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows does so by itself and cannot be asked."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable that somebody else wrote."""
    with path.open("r+b", buffering=0) as file:
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder and what is above it, for this user only."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file's content as a whole, or not at all.

    Raises:
        SpoolFull: There is no room for it.
    """
    stage(path, content)
    show(path)
    sync_folder(path.parent)


def stage(path: Path, content: bytes) -> None:
    """Write what `show` will make a file's content, durably.

    Raises:
        SpoolFull: There is no room for it.
    """
    with full_told():
        try:
            with _partial(path).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            unstage(path)
            raise


def show(path: Path) -> None:
    """Let a file have the content that was staged for it; its folder is to be synchronised.

    Raises:
        SpoolFull: There is no room for its name.
    """
    with full_told():
        try:
            _partial(path).replace(path)
        except OSError:
            unstage(path)
            raise


def unstage(path: Path) -> None:
    """Forget what was staged for a file and not shown."""
    _partial(path).unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f"tmp.{path.name}")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read in blocks."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_durably(source: Path, target: Path) -> str:
    """Copy a regular file to a new one, never following a link; the SHA-256 of what was copied.

    Raises:
        Changed: The source is gone, no regular file, or was written to meanwhile.
        SpoolFull: There is no room for the copy.
    """
    with _regular(source) as reading, full_told():
        before = os.fstat(reading.fileno())
        digest = hashlib.sha256()
        try:
            with target.open("xb") as writing:
                while block := reading.read(_BLOCK):
                    digest.update(block)
                    writing.write(block)
                writing.flush()
                os.fsync(writing.fileno())
        except OSError:
            target.unlink(missing_ok=True)
            raise
        after = os.fstat(reading.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        target.unlink()
        msg = "changed while it was copied"
        raise Changed(msg)
    return digest.hexdigest()


def durable_move(source: Path, folder: Path) -> Path:
    """Move a file into a folder, to another disk if need be; where it is now.

    A name that is taken gets a number; nothing is ever overwritten. It is durable where it is now;
    on a file system without a journal a power cut may leave it in both places.

    Raises:
        SpoolFull: There is no room on that disk; the source stays.
    """
    with full_told():
        make_folder(folder)
        crossing = None if _is_on_disk_of(source, folder) else _copied(source, folder)
        with _naming:
            target = _free(folder, source.name)
            (crossing or source).replace(target)
        sync_folder(folder)
        if crossing:
            source.unlink()
    return target


def _is_on_disk_of(source: Path, folder: Path) -> bool:
    return os.lstat(source).st_dev == folder.stat().st_dev


def _copied(source: Path, folder: Path) -> Path:
    """A verified copy in `folder` under a name that is not finished yet."""
    partial = folder / f"tmp.{hashlib.sha256(os.fsencode(source)).hexdigest()}"
    partial.unlink(missing_ok=True)
    try:
        if copy_durably(source, partial) != sha256_of(partial):
            partial.unlink()
            raise OSError(errno.EIO, "the copy differs from the original")
    except Changed as change:
        raise OSError(errno.EBUSY, str(change)) from change
    shutil.copystat(source, partial)
    return partial


def _free(folder: Path, name: str) -> Path:
    names = (folder / _numbered(name, number) for number in range(sys.maxsize))
    return next(target for target in names if not os.path.lexists(target))


def _numbered(name: str, number: int) -> str:
    if number == 0:
        return name
    stem, dot, suffix = name.rpartition(".")
    tail = os.fsencode(f"-{number}" + (f".{suffix}" if stem and dot else ""))
    head = os.fsencode(stem if stem and dot else name)
    return os.fsdecode(head[: _NAME_LIMIT - len(tail)] + tail)


def _regular(source: Path) -> IO[bytes]:
    # O_NONBLOCK: a FIFO put in its place must not block the open. Windows has neither flag.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(source, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        msg = f"cannot be opened: {error.strerror}"
        raise Changed(msg) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        msg = "is no regular file"
        raise Changed(msg)
    return os.fdopen(descriptor, "rb", buffering=0)
