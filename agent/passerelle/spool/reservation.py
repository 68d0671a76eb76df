"""Names that one thread at a time may work on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Reservation:
    """Whoever wants a name that is taken waits; all others go on."""

    def __init__(self) -> None:
        """Nothing is taken."""
        self._taken: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def of(self, names: Collection[str]) -> Iterator[None]:
        """Take all of these names at once, so that no two threads wait for each other."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken.isdisjoint(names))
            self._taken.update(names)
        try:
            yield
        finally:
            with self._changed:
                self._taken.difference_update(names)
                self._changed.notify_all()
