"""The SHA-256 of what is sent, beside the sending where there is much of it."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

#: From here on a thread is worth its start: hashing takes as long as sending to a near archive.
_MUCH: Final = 4 << 20


class Hashing:
    """Takes a block's pieces while the block before it may still be hashed, and none before that.

    So whoever fills two blocks in turn never touches one that is being hashed.
    """

    def __init__(self, head: bytes, beside: ThreadPoolExecutor | None) -> None:
        """Begin with `head`; without a thread `beside`, each block is hashed at once."""
        self._digest = hashlib.sha256(head)
        self._beside = beside
        self._under_way: Future[None] | None = None

    def add(self, pieces: Sequence[memoryview]) -> None:
        """The next bytes, which stay as they are until the next call returns."""
        if self._beside is None:
            self._update(pieces)
            return
        self._wait()
        self._under_way = self._beside.submit(self._update, pieces)

    def hexdigest(self) -> str:
        """Of all there was."""
        self._wait()
        return self._digest.hexdigest()

    def _wait(self) -> None:
        if self._under_way:
            self._under_way.result()

    def _update(self, pieces: Sequence[memoryview]) -> None:
        for piece in pieces:
            self._digest.update(piece)


@contextmanager
def hashing(head: bytes, size: int) -> Iterator[Hashing]:
    """The hash of a file that begins with `head`, with so many bytes to come."""
    with ExitStack() as stack:
        beside = None
        if size >= _MUCH:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for few objects

            beside = stack.enter_context(ThreadPoolExecutor(1))
        yield Hashing(head, beside)
