"""What couriers do: lease what is due, write down what became of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from passerelle.spool.writable import Writable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passerelle.model import Delivery

#: The longest backoff is 10 min: what is due later than this was put off by a clock that was wrong.
_BELIEVABLE_S: Final = 900.0


class Deliveries(Writable):
    """The deliveries of every destination; each outcome is durable when its method returns."""

    def lease(
        self, destination: str, *, limit: int = 1, limit_bytes: int = sys.maxsize
    ) -> list[Delivery]:
        """Take what is due, first come first: SENDING from now on; empty when nothing is.

        Args:
            destination: Whose deliveries.
            limit: So many at most.
            limit_bytes: The one that reaches it is the last.
        """

        def decide() -> list[Delivery]:
            now, size = self._now(), 0
            taken: list[Delivery] = []
            while len(taken) < limit and size < limit_bytes:
                row = self._database.row(
                    "lease", destination=destination, now=now, never=now + _BELIEVABLE_S
                )
                if row is None:
                    break
                taken.append(self._delivery_of(row))
                size += taken[-1].instance.size
            return taken

        return self._mended(decide)

    def interrupted(self, destination: str) -> int:
        """What was being sent when its courier ended is to be asked for; how many these are."""

        def decide() -> int:
            return self._database.run("interrupted_there", destination=destination, now=self._now())

        return self._mended(decide)

    def put_back(self, deliveries: Iterable[Delivery]) -> None:
        """Leases of which nothing was begun: as if they had not been taken."""
        back = list(deliveries)

        def decide() -> None:
            for delivery in back:
                self._database.run(
                    "put_back",
                    uid=delivery.instance.sop_instance_uid,
                    destination=delivery.destination,
                    now=self._now(),
                )

        if back:
            self._mended(decide)

    def next_due(self, destination: str) -> float | None:
        """When the next delivery is due, s since the epoch; None when none waits."""
        first = self._database.row("first_due", destination=destination)
        last = self._database.row("last_due", destination=destination)
        if first is None or last is None or first["at"] is None:
            return None
        now = self._now()
        return now if last["at"] > now + _BELIEVABLE_S else float(first["at"])

    def unknown(self, destination: str, limit: int) -> list[Delivery]:
        """Deliveries whose answer was lost, oldest first: to be asked for, not sent."""

        def decide() -> list[Delivery]:
            rows = self._database.rows("unknown", destination=destination, limit=limit)
            return [self._delivery_of(row) for row in rows]

        return self._seen(decide)

    def delivery(self, destination: str, uid: str) -> Delivery | None:
        """One delivery as it stands; None when this instance is not owed there."""

        def decide() -> Delivery | None:
            row = self._database.row("delivery", destination=destination, uid=uid)
            return self._delivery_of(row) if row else None

        return self._seen(decide)

    def stored(self, delivery: Delivery, *, remark: str = "") -> None:
        """The destination says that it has it."""
        self._move("stored", delivery, remark, reason=remark)

    def found(self, delivery: Delivery) -> None:
        """The destination was asked and has it, or proof will be asked for in its stead."""
        self._move("found", delivery, "")

    def retry(self, delivery: Delivery, *, at: float, reason: str, blamed: bool) -> None:
        """Try again later; unless it is to blame it keeps its place in the line.

        Args:
            delivery: Whatever state it is in: SENDING, UNKNOWN, or STORED and lost there.
            at: Not before this, s since the epoch.
            reason: What an operator reads.
            blamed: The destination failed on this instance.
        """
        self._move("again", delivery, reason, at=float(at), reason=reason, blamed=int(blamed))

    def missing(self, delivery: Delivery) -> None:
        """The destination was asked and does not have it: the same object goes again, at once."""
        self.retry(delivery, at=self._now(), reason="not found at the destination", blamed=False)

    def mark_unknown(self, delivery: Delivery, *, reason: str) -> None:
        """The answer was lost: ask before anything is sent again."""
        self._move("unanswered", delivery, reason, reason=reason)

    def refuse(self, delivery: Delivery, *, reason: str) -> None:
        """This destination will never take it: a person decides."""
        self._move("refused", delivery, reason, reason=reason)
