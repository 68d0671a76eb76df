"""The device's file, opened so that nothing else can take its place unseen."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from passerelle.errors import Changed
from passerelle.model import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # or opening a pipe that took the file's place waits for ever
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_media(media: Path) -> BufferedReader:
    """Open a regular file for reading, never through a link.

    Raises:
        Changed: It is gone, cannot be opened, or is no regular file.
    """
    try:
        descriptor = os.open(media, _FLAGS)
    except OSError as error:
        msg = f"media: cannot be opened: {error.strerror}"
        raise Changed(msg) from error
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        msg = "media: is no regular file"
        raise Changed(msg)
    return file


@contextmanager
def unchanged(media: Path, sha256: str) -> Iterator[None]:
    """Vouch that the file holds what was hashed, before and while the block reads it.

    Raises:
        Changed: It does not, or did not stay so.
    """
    with open_media(media) as file:
        before = Fingerprint.of(os.fstat(file.fileno()))
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            msg = "media: is not what was hashed"
            raise Changed(msg)
    yield
    try:
        after = Fingerprint.of(os.lstat(media))
    except OSError as error:
        msg = f"media: is gone: {error.strerror}"
        raise Changed(msg) from error
    if before != after:
        msg = "media: changed while it was read"
        raise Changed(msg)
