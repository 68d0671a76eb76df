"""The ground under every part that changes the ledger: mending, noting, moving deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from passerelle.errors import LedgerError
from passerelle.model import Delivery, DeliveryState, Instance
from passerelle.spool import entry
from passerelle.spool.ledger import Ledger, checked
from passerelle.spool.mending import mend
from passerelle.spool.reservation import Reservation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from passerelle.spool.database import Database
    from passerelle.spool.layout import Layout

_Decided = TypeVar("_Decided")


class Writable(Ledger):
    """A ledger that this process alone writes."""

    def __init__(
        self, layout: Layout, database: Database, findings: list[str], now: Callable[[], float]
    ) -> None:
        """Use an open and recovered database."""
        super().__init__(layout, database)
        self.findings = findings  #: what was found damaged or missing, and what became of it
        self._now = now
        self._reserved = Reservation()  # acquisitions and instances whose files are worked on

    def together(self) -> AbstractContextManager[None]:
        """Make all that is done within durable at once, when it ends."""
        return self._database.transaction()

    def note(self, subject: str, kind: str, actor: str, detail: str = "") -> None:
        """Add an event to the audit record of an instance or acquisition."""
        with self._database.transaction():
            entry.note(self._database, subject, kind, now=self._now(), actor=actor, detail=detail)

    def _mended(self, decide: Callable[[], _Decided]) -> _Decided:
        """Decide in one transaction; when a row is damaged, mend the ledger and decide again."""

        def decided() -> _Decided:
            with self._database.transaction():
                return decide()

        return self._seen(decided)

    def _seen(self, decide: Callable[[], _Decided]) -> _Decided:
        """Decide on what is durable; when a row is damaged, mend the ledger and decide again."""
        try:
            return decide()
        except LedgerError:
            found = mend(self._database, self._layout, self._now())
            if not found:
                raise
            self.findings.append(found)
        return decide()

    def _instance(self, uid: str) -> Instance:
        row = self._database.row("instance", uid=uid)
        if row is None:
            msg = "ledger: an instance is not what was written"
            raise LedgerError(msg)
        return self._instance_of(row)

    def _instance_of(self, row: sqlite3.Row) -> Instance:
        checked(row)
        return Instance(
            sop_instance_uid=row["sop_instance_uid"],
            sop_class_uid=row["sop_class_uid"],
            study_instance_uid=row["study_instance_uid"],
            series_instance_uid=row["series_instance_uid"],
            transfer_syntax_uid=row["transfer_syntax_uid"],
            sha256=row["sha256"],
            size=row["size"],
            path=self._layout.object(row["sop_instance_uid"]),
        )

    def _delivery_of(self, row: sqlite3.Row) -> Delivery:
        checked(row)
        return Delivery(
            instance=self._instance(row["sop_instance_uid"]),
            destination=row["destination"],
            state=DeliveryState(row["state"]),
            attempts=row["attempts"],
            first_failed_at=row["first_failed_at"],
            failures=row["failures"],
            uncertain=bool(row["uncertain"]),
        )

    def _move(self, statement: str, delivery: Delivery, detail: str, **values: Any) -> None:  # noqa: ANN401 - SQL's types
        """Move a delivery on, unless somebody moved it since it was read: a proof, an operator."""

        def decide() -> None:
            uid, now = delivery.instance.sop_instance_uid, self._now()
            if delivery.state is DeliveryState.STORED:
                # What its row tells of it may be overwritten now.
                self._database.run("stored_once", uid=uid, destination=delivery.destination)
            moved = self._database.run(
                statement,
                uid=uid,
                destination=delivery.destination,
                was=delivery.state,
                now=now,
                **values,
            )
            if moved and (detail or statement != "stored"):
                told = f"{delivery.destination}: {detail}" if detail else delivery.destination
                entry.note(self._database, uid, statement, now=now, detail=told)

        self._mended(decide)
