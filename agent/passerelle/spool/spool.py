"""The spool: one data_dir, opened by one process."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Self

from passerelle.spool import files
from passerelle.spool.deliveries import Deliveries
from passerelle.spool.exams import Exams
from passerelle.spool.layout import Layout
from passerelle.spool.lock import Lock
from passerelle.spool.memory import Memory
from passerelle.spool.orders import Orders
from passerelle.spool.proofs import Proofs
from passerelle.spool.recovery import open_ledger
from passerelle.spool.removal import Removal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from passerelle.spool.database import Database


class Spool(Orders, Deliveries, Proofs, Removal, Exams):
    """What is durable here. Every method may be called from any thread."""

    def __init__(
        self,
        layout: Layout,
        database: Database,
        findings: list[str],
        now: Callable[[], float],
        lock: Lock,
    ) -> None:
        """Use what `open` made."""
        super().__init__(layout, database, findings, now)
        self._lock = lock
        place = database.row("last_acquisition_place")
        self._numbers = itertools.count(place["place"] + 1 if place else 1)

    @classmethod
    def open(cls, data_dir: Path, *, now: Callable[[], float] = time.time) -> Self:
        """Open a data_dir, made if it is missing, and repair what a crash left.

        Args:
            data_dir: Everything of this agent lies in it.
            now: s since the epoch.

        Raises:
            AlreadyRunning: Another process has it open.
            LedgerError: A newer agent wrote the ledger, or it cannot be opened.
            SpoolFull: There is no room for the ledger.
        """
        layout = Layout(data_dir)
        files.make_folder(data_dir)
        lock = Lock(layout.lock)
        try:
            layout.make()
            database, findings = open_ledger(layout, now(), was_killed=lock.was_killed)
            lock.opened()
        except BaseException:
            lock.release()
            raise
        return cls(layout, database, findings, now, lock)

    def close(self) -> None:
        """Close the ledger and let go of the data_dir."""
        self._lock.closing()
        super().close()
        self._lock.release()

    @property
    def staging(self) -> Path:
        """Where objects are made; what is left there goes at the next start."""
        return self._layout.staging

    def room(self, min_free: str) -> None:
        """Return when the reserve is there.

        Args:
            min_free: Percent of the disk (`"5%"`) or bytes.

        Raises:
            SpoolFull: Less is free.
        """
        files.room(self._layout.data_dir, min_free)

    def next_number(self) -> int:
        """A number for the next acquisition, greater than those before."""
        return next(self._numbers)

    def memory(self, _source: str) -> Memory:
        """What a source remembers of originals that stay where they are."""
        return Memory(self._database)
