"""What couriers do: lease what is due, write down what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from passerelle.errors import LedgerError
from passerelle.spool.files import sha256_of
from passerelle.spool.writable import Writable

if TYPE_CHECKING:
    from passerelle.model import Delivery, Instance

#: The longest backoff is 10 min: what is due later than this was put off by a clock that was wrong.
_BELIEVABLE_S: Final = 900.0


class Deliveries(Writable):
    """The deliveries of every destination; each outcome is durable when its method returns."""

    def lease(self, destination: str) -> Delivery | None:
        """Take the first delivery that is due: SENDING from now on; None when nothing is."""

        def decide() -> Delivery | None:
            now = self._now()
            row = self._database.row(
                "lease", destination=destination, now=now, never=now + _BELIEVABLE_S
            )
            return self._delivery_of(row) if row else None

        return self._mended(decide)

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

    def verify(self, instance: Instance) -> None:
        """Return when the object is what was written.

        Raises:
            LedgerError: It is missing or damaged.
        """
        try:
            sha256 = sha256_of(instance.path)
        except OSError as error:
            msg = f"spool: the object cannot be read: {error.strerror}"
            raise LedgerError(msg) from error
        if sha256 != instance.sha256:
            msg = "spool: the object is damaged: its bytes are not those that were written"
            raise LedgerError(msg)

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
