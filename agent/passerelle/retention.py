"""Removes what is proven and old; whatever is still owed to an archive stays."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from passerelle.spool import Spool

_log = logging.getLogger(__name__)

_DAY_S: Final = 86400.0
_EVERY_S: Final = 3600.0
_BATCH: Final = 200


class Retention:
    """Owns the end of an instance's stay here.

    An instance goes when every delivery of it is proven and `committed_days` have passed. A
    day's archived originals go when they are as old and nothing acquired by then is unproven.
    """

    name = "retention"

    def __init__(
        self,
        spool: Spool,
        archive: Path,
        *,
        committed_days: float,
        unproven_ok: Sequence[str],
        now: Callable[[], float] = time.time,
    ) -> None:
        """A retention that has not started.

        Args:
            spool: What instances are removed from.
            archive: Where released originals lie, `<source>/<YYYY-MM-DD>/`.
            committed_days: How long what is proven is kept.
            unproven_ok: Destinations whose STORED is enough: their commitment is off.
            now: s since the epoch.
        """
        self._spool = spool
        self._archive = archive
        self._keep_s = committed_days * _DAY_S
        self._unproven_ok = tuple(unproven_ok)
        self._now = now
        self._bell = threading.Event()
        self._looked_until = (
            0.0  #: what was proven before and is here still waits for another proof
        )

    def wake(self) -> None:
        """Look now."""
        self._bell.set()

    def run(self, stop: threading.Event) -> None:
        """Look every hour until `stop` is set; `wake` after setting it."""
        while not stop.is_set():
            self.remove_old()
            self._bell.wait(_EVERY_S)
            self._bell.clear()  # before `stop` is looked at: its bell must not be lost

    def remove_old(self) -> int:
        """Remove everything that may go; how many instances went."""
        before = self._now() - self._keep_s
        removed = 0
        since = self._looked_until if self._looked_until <= before else 0.0  # a clock put back
        for batch in self._spool.batches_of_removable(
            before, _BATCH, since=since, unproven_ok=self._unproven_ok
        ):
            self._spool.remove(batch)
            removed += len(batch)
        self._looked_until = before
        if removed:
            _log.info("retention: %d proven instances removed", removed)
        self._remove_originals(before)
        return removed

    def _remove_originals(self, before: float) -> None:
        oldest = self._spool.oldest_unproven(unproven_ok=self._unproven_ok)
        limit = before if oldest is None else min(before, oldest)
        last = dt.datetime.fromtimestamp(limit, tz=dt.UTC).date()
        for day in self._archive.glob("*/????-??-??"):
            with suppress(ValueError):  # a folder of somebody's own, which stays
                # A day's folder is filled until the day's end, in whatever zone it was named.
                if dt.date.fromisoformat(day.name) + dt.timedelta(days=2) <= last:
                    shutil.rmtree(day)
                    _log.info("retention: originals of %s removed", day.name)
