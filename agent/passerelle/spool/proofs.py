"""What proof is asked for, and what was proven."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from passerelle.spool.ledger import checked
from passerelle.spool.writable import Writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from passerelle.model import Instance


class Proofs(Writable):
    """Storage commitment transactions (PS3.4 annex J) and their outcome."""

    def awaiting_proof(self, destination: str, limit: int) -> list[Instance]:
        """Instances stored there, oldest first, that no open transaction asks about."""

        def decide() -> list[Instance]:
            rows = self._database.rows("awaiting_proof", destination=destination, limit=limit)
            return [self._instance(checked(row)["sop_instance_uid"]) for row in rows]

        return self._seen(decide)

    def begin_transaction(
        self, transaction_uid: str, destination: str, uids: Sequence[str]
    ) -> None:
        """Note what is asked, before it is asked."""

        def decide() -> None:
            listed = json.dumps(list(uids))
            values = {"transaction_uid": transaction_uid, "destination": destination}
            self._database.run("begin_transaction", now=self._now(), **values)
            self._database.run("ask_in_transaction", uids=listed, **values)

        self._mended(decide)

    def transaction(self, transaction_uid: str) -> tuple[str, tuple[str, ...]] | None:
        """The destination and SOP Instance UIDs of an open transaction; None if it is not one."""
        row = self._database.row("transaction_of", transaction_uid=transaction_uid)
        return (row["destination"], self._asked_in(transaction_uid)) if row else None

    def close_transaction(self, transaction_uid: str) -> None:
        """What it asked and is not proven may be asked again."""

        def decide() -> None:
            self._database.run("end_transaction", transaction_uid=transaction_uid)
            self._database.run("free_from_transaction", transaction_uid=transaction_uid)

        self._mended(decide)

    def overdue_transactions(
        self, destination: str, *, older_than: float
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Transactions asked before `older_than` (s since the epoch), with what they asked."""
        rows = self._database.rows("overdue", destination=destination, older_than=older_than)
        return [(row["transaction_uid"], self._asked_in(row["transaction_uid"])) for row in rows]

    def has_open_transaction(self, destination: str) -> bool:
        """Whether a report is awaited from there."""
        return self._database.row("open_transaction", destination=destination) is not None

    def committed(self, destination: str, uids: Iterable[str], *, proof: str) -> None:
        """The destination proved that it has these.

        Args:
            destination: Who proved it.
            uids: SOP Instance UIDs; those refused, held or discarded keep their state.
            proof: `commitment` or `query`.
        """
        listed = json.dumps(list(uids))

        self._mended(
            lambda: self._database.run(
                "committed",
                destination=destination,
                uids=listed,
                proof=proof,
                now=self._now(),
            )
        )

    def _asked_in(self, transaction_uid: str) -> tuple[str, ...]:
        rows = self._database.rows("asked_in", transaction_uid=transaction_uid)
        return tuple(row["sop_instance_uid"] for row in rows)
