"""Moves instances from the spool to one destination, and knows when to wait."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from passerelle.errors import Deferred, NoContext, Refused, Unavailable, Uncertain
from passerelle.policy import TRIES, Circuit, again_or_never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle.interfaces import Destination, Outcome
    from passerelle.model import Delivery, Instance
    from passerelle.spool import Spool

_log = logging.getLogger(__name__)

_ASK_AT_ONCE: Final = 50
#: Leased together: one transaction for many, and few to be asked for after a crash.
_BATCH: Final = 64
_BATCH_BYTES: Final = 32 << 20
#: Written down together: what a crash loses of it is asked for, never sent twice.
_GATHER: Final = 32
_GATHER_S: Final = 0.2


class Courier:
    """Owns the deliveries to one destination.

    Every outcome is in the ledger before the next batch, and no delivery is ever given up
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
        self._ahead: list[Delivery] = []  # leased for the next batch

    def wake(self) -> None:
        """Something may be due."""
        self._bell.set()

    def retry_now(self) -> None:
        """An operator asked to try at once."""
        self.circuit.try_now()
        self.wake()

    def run(self, stop: threading.Event) -> None:
        """Deliver what is due until `stop` is set; `wake` after setting it."""
        self._spool.interrupted(self.name)
        while not stop.is_set():
            if self.deliver_some():
                continue
            self._bell.wait(self._idle_s())
            self._bell.clear()  # before `stop` is looked at: its bell must not be lost
        self._put_ahead_back()

    def deliver_some(self) -> bool:
        """Do what is due first; False when nothing is."""
        if self.circuit.is_open and not self._answers():
            return False
        try:
            return self._ask_about_the_unknown() or self._send()
        except Unavailable as outage:
            self._put_ahead_back()
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

    def _send(self) -> bool:
        leased, self._ahead = self._ahead or self._leased(), []
        if not leased:
            return False
        batch = _Batch(leased, self._write, self._look_ahead)
        try:
            self._destination.store([delivery.instance for delivery in leased], batch.told)
        except Unavailable as outage:
            batch.missed(outage)
            raise
        finally:
            batch.write()
            self._spool.put_back(batch.untold)
        if batch.outage:
            raise batch.outage
        return True

    def _leased(self) -> list[Delivery]:
        return self._spool.lease(self.name, limit=_BATCH, limit_bytes=_BATCH_BYTES)

    def _look_ahead(self) -> None:
        """Lease the next batch while this one is under way: the destination need not wait."""
        self._ahead = self._leased()

    def _put_ahead_back(self) -> None:
        ahead, self._ahead = self._ahead, []
        self._spool.put_back(ahead)

    def _write(self, told: Sequence[tuple[Delivery, Outcome]]) -> None:
        with self._spool.together():
            for delivery, outcome in told:
                self._became(delivery, outcome)
        if any(isinstance(outcome, str) for _, outcome in told):
            self._on_stored()

    def _became(self, delivery: Delivery, outcome: Outcome) -> None:
        match outcome:
            case str():
                self._spool.stored(delivery, remark=outcome)
            case Unavailable() if delivery.uncertain:
                # An archive that already has the object may answer "out of resources" for ever.
                self._spool.mark_unknown(delivery, reason=str(outcome))
            case Unavailable():
                self._spool.retry(delivery, at=self._now(), reason=str(outcome), blamed=False)
            case Uncertain():
                self._spool.mark_unknown(delivery, reason=str(outcome))
            case Deferred():
                self._again(delivery, str(outcome), outcome.tries)
            case NoContext():
                self._again(delivery, str(outcome), 3)
            case Refused():
                uid = delivery.instance.sop_instance_uid
                _log.warning("%s: instance %s refused", self.name, uid)
                self._spool.refuse(delivery, reason=str(outcome))
            case _:
                raise outcome

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


class _Batch:
    """Deliveries on their way together, and what was told of them since it was written down."""

    def __init__(
        self,
        leased: Sequence[Delivery],
        write: Callable[[Sequence[tuple[Delivery, Outcome]]], None],
        on_half: Callable[[], None],
    ) -> None:
        self._open = {delivery.instance.sop_instance_uid: delivery for delivery in leased}
        self._write = write
        self._half = len(leased) // 2
        self._on_half = on_half
        self._told: list[tuple[Delivery, Outcome]] = []
        self._written_at = time.monotonic()
        self.outage: Unavailable | None = None

    @property
    def untold(self) -> list[Delivery]:
        """Those of which nothing has left."""
        return list(self._open.values())

    def told(self, instance: Instance, outcome: Outcome) -> bool:
        """Take note; whether to go on."""
        self._told.append((self._open.pop(instance.sop_instance_uid), outcome))
        if isinstance(outcome, Unavailable):
            self.outage = outcome
        if len(self._told) >= _GATHER or time.monotonic() - self._written_at >= _GATHER_S:
            self.write()
        if len(self._open) == self._half and self.outage is None:
            self._on_half()
        return self.outage is None

    def missed(self, outage: Unavailable) -> None:
        """The destination was not there: the first that was not begun is what was tried."""
        if self._open:
            self._told.append((self._open.pop(next(iter(self._open))), outage))

    def write(self) -> None:
        """Write down what was told."""
        told, self._told = self._told, []
        if told:
            self._write(told)
        self._written_at = time.monotonic()
