"""The SHA-256 of what is sent, beside the sending where there is much of it."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

#: From here on a thread is worth its start: hashing takes as long as sending to a near archive.
_MUCH: Final = 4 << 20


class Hashing:
    """The hash of a file that is being sent: of the pieces as they come, or of the file, beside."""

    def __init__(self, head: bytes, beside: Future[str] | None) -> None:
        """Begin with `head`; what is `beside` takes care of everything by itself."""
        self._digest = hashlib.sha256(head)
        self._beside = beside

    def add(self, pieces: Sequence[memoryview]) -> None:
        """The next bytes."""
        if self._beside is None:
            for piece in pieces:
                self._digest.update(piece)

    def hexdigest(self) -> str:
        """Of the whole file."""
        return self._beside.result() if self._beside else self._digest.hexdigest()


@contextmanager
def hashing(path: Path, head: bytes, size: int) -> Iterator[Hashing]:
    """The hash of a file that begins with `head`, with so many bytes to come."""
    if size < _MUCH:
        yield Hashing(head, None)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for few objects

    with ThreadPoolExecutor(1) as beside:
        # Of the file, not of the fragments: in large pieces, which leave the interpreter alone;
        # both read the same pages, which the system has just brought.
        yield Hashing(head, beside.submit(_of_file, path))


def _of_file(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
