"""Asks a destination to prove what it stored, and records the proof (PS3.4 annex J)."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import TYPE_CHECKING, Final

from passerelle.errors import NoContext, Unavailable
from passerelle.policy import TRIES, again_or_never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle.interfaces import Destination
    from passerelle.model import CommitmentReport, Delivery, Instance
    from passerelle.spool import Spool

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 100  # instances in a transaction
_GATHER_S: Final = 0.5  # what is stored meanwhile joins the same transaction
_PAUSE_S: Final = 30.0  # after the destination did not answer
_HOPELESS_S: Final = 3600.0  # until an archive that can prove nothing is asked again

#: Failure Reasons (PS3.3 C.14.1.1) with which an archive says that it does not have it.
_NOT_THERE: Final = frozenset({0x0112})
#: It has something else under this UID.
_CONFLICT: Final = frozenset({0x0119})
#: It cannot say: SOP Class not supported for commitment.
_CANNOT_SAY: Final = frozenset({0x0122})


class Prover:
    """Owns the proofs of one destination.

    What is stored is asked for in transactions whose UIDs are in the ledger before they leave, so
    that a report finds its instances after any restart. An archive that has no storage
    commitment, or leaves `unanswered_limit` requests unanswered, is asked by query instead.
    """

    def __init__(
        self,
        spool: Spool,
        destination: Destination,
        *,
        timeout_s: float,
        unanswered_limit: int,
        now: Callable[[], float] = time.time,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """A prover that has not started.

        Args:
            spool: Where proofs are written.
            destination: Who proves.
            timeout_s: How long to wait for a report before asking again.
            unanswered_limit: Requests without a report before a query counts as proof.
            now: s since the epoch.
            on_lost: Called when something has to be sent again.
        """
        self.name = destination.name
        self.reason = ""  #: why nothing can be proven; "" when all is well
        self._spool = spool
        self._destination = destination
        self._timeout_s = timeout_s
        self._unanswered_limit = unanswered_limit
        self._unanswered = 0
        self._quiet_until = 0.0
        self._now = now
        self._on_lost = on_lost
        self._bell = threading.Event()

    def wake(self) -> None:
        """Something was stored."""
        self._bell.set()

    def run(self, stop: threading.Event) -> None:
        """Ask for proof until `stop` is set; `wake` after setting it."""
        while not stop.is_set():
            wait_s: float | None
            try:
                wait_s = self.prove()
            except Unavailable as outage:
                _log.info("no proof now: %s", outage)
                wait_s = _PAUSE_S
            self._bell.wait(wait_s)
            if self._bell.is_set() and not stop.is_set():
                stop.wait(_GATHER_S)
            self._bell.clear()  # before `stop` is looked at: its bell must not be lost

    def prove(self) -> float | None:
        """Ask for what is due; seconds until there is something to do, None when unknown."""
        self._ask_about_the_overdue()
        if self._now() >= self._quiet_until:
            while instances := self._spool.awaiting_proof(self.name, _AT_ONCE):
                if not self._request(instances):
                    break
        return self._next_s()

    def take(self, report: CommitmentReport) -> None:
        """Record what the archive reports; a report nobody waits for changes nothing."""
        known = self._spool.transaction(report.transaction_uid)
        if known is None or known[0] != self.name:
            _log.warning("%s: report on an unknown transaction", self.name)
            return
        self._unanswered, self.reason = 0, ""
        asked = set(known[1])
        committed = [uid for uid in report.committed if uid in asked]
        self._spool.committed(self.name, committed, proof="commitment")
        failed = {uid: reason for uid, reason in report.failed.items() if uid in asked}
        for uid, reason in failed.items():
            self._judge(uid, reason)
        self._spool.close_transaction(report.transaction_uid)
        if len(committed) < len(asked):
            self._quiet_until = self._now() + min(self._timeout_s, _PAUSE_S)
        self.wake()

    def _request(self, instances: Sequence[Instance]) -> bool:
        transaction_uid = f"2.25.{uuid.uuid4().int}"
        uids = [instance.sop_instance_uid for instance in instances]
        self._spool.begin_transaction(transaction_uid, self.name, uids)
        try:
            report = self._destination.request_commitment(transaction_uid, instances)
        except NoContext:
            self._spool.close_transaction(transaction_uid)
            return self._ask_by_query(instances)
        except Unavailable:
            self._spool.close_transaction(transaction_uid)
            raise
        if report is not None:
            self.take(report)
        return self._now() >= self._quiet_until

    def _ask_about_the_overdue(self) -> None:
        overdue = self._spool.overdue_transactions(
            self.name, older_than=self._now() - self._timeout_s
        )
        for transaction_uid, uids in overdue:
            self._unanswered += 1
            self.reason = f"{self.name}: {self._unanswered} requests for proof without a report"
            self._spool.close_transaction(transaction_uid)
            if self._unanswered >= self._unanswered_limit:
                self._ask_by_query([delivery.instance for delivery in self._deliveries(uids)])

    def _ask_by_query(self, instances: Sequence[Instance]) -> bool:
        """Proof by C-FIND where the archive has no storage commitment; False if it has neither."""
        held = self._destination.held(instances)
        if held is None:
            self.reason = f"{self.name}: the archive offers no proof, neither commitment nor query"
            self._quiet_until = self._now() + _HOPELESS_S
            # Whether these arrived at all nobody can say: the identical bytes go again.
            for delivery in self._deliveries([i.sop_instance_uid for i in instances]):
                if delivery.uncertain:
                    self._lost(delivery, "sent, but the answer was lost")
            return False
        self._spool.committed(self.name, sorted(held), proof="query")
        missing = [i.sop_instance_uid for i in instances if i.sop_instance_uid not in held]
        for delivery in self._deliveries(missing):
            self._lost(delivery, "the archive answered 0000 and does not have it")
        return True

    def _judge(self, uid: str, reason: int) -> None:
        for delivery in self._deliveries([uid]):
            if reason in _NOT_THERE:
                self._lost(delivery, f"not committed, {reason:04X}: the archive does not have it")
            elif reason in _CONFLICT:
                text = f"not committed, {reason:04X}: the archive has another object of this UID"
                self._spool.refuse(delivery, reason=text)
            elif reason in _CANNOT_SAY:
                self._ask_by_query([delivery.instance])

    def _lost(self, delivery: Delivery, reason: str) -> None:
        _log.warning("%s: %s: %s", self.name, delivery.instance.sop_instance_uid, reason)
        again_or_never(self._spool, delivery, reason, tries=TRIES, now=self._now())
        self._on_lost()

    def _deliveries(self, uids: Sequence[str]) -> list[Delivery]:
        found = (self._spool.delivery(self.name, uid) for uid in uids)
        return [delivery for delivery in found if delivery is not None]

    def _next_s(self) -> float | None:
        waits = [
            self._quiet_until - self._now() if self._quiet_until > self._now() else None,
            self._timeout_s if self._spool.has_open_transaction(self.name) else None,
        ]
        return min((wait for wait in waits if wait is not None), default=None)
