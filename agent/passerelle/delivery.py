"""Moves instances from the spool to one destination, and knows when to wait."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from passerelle.errors import (
    ChildError,
    Deferred,
    LedgerError,
    NoContext,
    Refused,
    Unavailable,
    Uncertain,
)
from passerelle.policy import TRIES, Circuit, again_or_never

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle.interfaces import Destination
    from passerelle.model import Delivery
    from passerelle.spool import Spool

_log = logging.getLogger(__name__)

_ASK_AT_ONCE: Final = 50


class Courier:
    """Owns the deliveries to one destination.

    Every outcome is in the ledger before the next attempt, and no delivery is ever given up
    because of its age.
    """

    def __init__(
        self,
        spool: Spool,
        destination: Destination,
        *,
        may_prove: bool,
        circuit: Circuit | None = None,
        now: Callable[[], float] = time.time,
        on_stored: Callable[[], None] = lambda: None,
    ) -> None:
        """A courier that has not started.

        Args:
            spool: Where instances lie and outcomes are written.
            destination: Where they go.
            may_prove: Storage commitment will be asked for what was stored.
            circuit: Whether the destination is worth trying.
            now: s since the epoch.
            on_stored: Called after an instance was stored: proof may be asked for.
        """
        self.name = destination.name
        self.circuit = circuit or Circuit()
        self._spool = spool
        self._destination = destination
        self._now = now
        self._may_prove = may_prove
        self._on_stored = on_stored
        self._bell = threading.Event()

    def wake(self) -> None:
        """Something may be due."""
        self._bell.set()

    def retry_now(self) -> None:
        """An operator asked to try at once."""
        self.circuit.try_now()
        self.wake()

    def run(self, stop: threading.Event) -> None:
        """Deliver what is due until `stop` is set; `wake` after setting it."""
        while not stop.is_set():
            if self.deliver_next():
                continue
            if not self.circuit.is_open:
                self._destination.rest()
            self._bell.wait(self._idle_s())
            self._bell.clear()  # before `stop` is looked at: its bell must not be lost

    def deliver_next(self) -> bool:
        """Do the one thing that is due first; False when nothing is."""
        if self.circuit.is_open and not self._answers():
            return False
        try:
            return self._ask_about_the_unknown() or self._send_one()
        except Unavailable as outage:
            self._opened(str(outage))
            return False

    def _answers(self) -> bool:
        if self.circuit.wait_s() > 0:
            return False
        try:
            self._destination.probe()
        except Unavailable as outage:
            self._opened(str(outage))
            return False
        _log.info("%s: answers again", self.name)
        self.circuit.closed()
        return True

    def _opened(self, reason: str) -> None:
        self.circuit.opened(reason)
        _log.warning("%s; next try in %.0f s", reason, self.circuit.wait_s())

    def _send_one(self) -> bool:
        delivery = self._spool.lease(self.name)
        if delivery is None:
            return False
        try:
            self._spool.verify(delivery.instance)
            remark = self._destination.store(delivery.instance)
        except Unavailable as outage:
            self._unavailable(delivery, outage)
            raise
        except (Uncertain, ChildError) as loss:
            self._spool.mark_unknown(delivery, reason=str(loss))
        except Deferred as failure:
            self._again(delivery, str(failure), failure.tries)
        except NoContext as change:
            self._again(delivery, str(change), 3)
        except (Refused, LedgerError) as refusal:
            _log.warning("%s: instance %s refused", self.name, delivery.instance.sop_instance_uid)
            self._spool.refuse(delivery, reason=str(refusal))
        else:
            self._spool.stored(delivery, remark=remark)
            self._on_stored()
        return True

    def _unavailable(self, delivery: Delivery, outage: Unavailable) -> None:
        # An archive that already has the object may answer "out of resources" for ever.
        if delivery.uncertain:
            self._spool.mark_unknown(delivery, reason=str(outage))
        else:
            self._spool.retry(delivery, at=self._now(), reason=str(outage), blamed=False)

    def _ask_about_the_unknown(self) -> bool:
        unknown = self._spool.unknown(self.name, _ASK_AT_ONCE)
        if not unknown:
            return False
        held = self._destination.held([delivery.instance for delivery in unknown])
        for delivery in unknown:
            uid = delivery.instance.sop_instance_uid
            # An archive that cannot be queried is asked by storage commitment where it may be.
            if (held is None and self._may_prove) or (held is not None and uid in held):
                self._spool.found(delivery)
            else:
                self._again(delivery, "sent, but the answer was lost", TRIES)
        self._on_stored()
        return True

    def _again(self, delivery: Delivery, reason: str, tries: int) -> None:
        again_or_never(self._spool, delivery, reason, tries=tries, now=self._now())

    def _idle_s(self) -> float | None:
        if self.circuit.is_open:
            return self.circuit.wait_s()
        due = self._spool.next_due(self.name)
        return None if due is None else max(0.05, due - self._now())
