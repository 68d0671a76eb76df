"""What may go once it is proven, and its going."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from passerelle.model import DeliveryState
from passerelle.spool.writable import Writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from passerelle.model import Instance

_OPEN: Final = (
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.UNKNOWN,
    DeliveryState.REFUSED,
    DeliveryState.HELD,
)


class Removal(Writable):
    """The end of an instance's stay here."""

    def removable(
        self, before: float, limit: int, *, unproven_ok: Sequence[str] = ()
    ) -> list[Instance]:
        """Some instances proven everywhere since before `before`; none only when there is none."""
        return next(self.batches_of_removable(before, limit, unproven_ok=unproven_ok), [])

    def batches_of_removable(
        self, before: float, limit: int, *, since: float = 0.0, unproven_ok: Sequence[str] = ()
    ) -> Iterator[list[Instance]]:
        """Every instance proven everywhere since before `before`, by the time of its last proof.

        STORED counts as proof at the destinations of `unproven_ok`. An instance that is owed to
        nobody stays. A batch may be removed before the next is asked for, and none is empty.

        Args:
            before: s since the epoch.
            limit: How many instances a batch has at most.
            since: What was proven before and could not go was looked at already.
            unproven_ok: Destinations whose STORED is enough.
        """
        allowed = {"before": before, "unproven_ok": json.dumps(list(unproven_ok))}
        yield from self._batches("settled", since, limit, allowed)
        for destination in unproven_ok:
            # By the time of their making, which tells less: whether they may go can change later.
            yield from self._batches("stored_at", 0.0, limit, allowed, destination=destination)

    def remove(self, instances: Iterable[Instance]) -> None:
        """Remove objects and records; their rows stay, so that the same file is known again.

        What has become owed to somebody since it was chosen stays.

        The rows say so first: an object that a crash then leaves is removed at the next start,
        and none is ever missing that a row still promises.
        """
        chosen = {instance.sop_instance_uid: instance for instance in instances}

        def decide() -> list[Instance]:
            now = self._now()
            gone = [uid for uid in chosen if self._database.run("removed", uid=uid, now=now)]
            for uid in gone:
                self._database.run("nothing_due", uid=uid)
            return [chosen[uid] for uid in gone]

        with self._reserved.of(chosen):
            for instance in self._mended(decide):
                instance.path.unlink(missing_ok=True)
                self._layout.record(instance.sop_instance_uid).unlink(missing_ok=True)

    def oldest_unproven(self, *, unproven_ok: Sequence[str] = ()) -> float | None:
        """When the oldest instance was acquired that lacks a proof, s since the epoch."""
        found = []
        for row in self._database.rows("destinations"):
            stored = () if row["name"] in unproven_ok else (DeliveryState.STORED,)
            found.append(self._oldest(row["name"], (*_OPEN, *stored)))
        return min((at for at in found if at is not None), default=None)

    def _batches(
        self, candidates: str, since: float, limit: int, allowed: dict[str, Any], **where: str
    ) -> Iterator[list[Instance]]:
        at, place, before = since, 0, allowed["before"]
        while rows := self._database.rows(
            candidates, at=at, place=place, before=before, limit=limit, **where
        ):
            at, place = rows[-1]["at"], rows[-1]["place"]
            uids = dict.fromkeys(row["sop_instance_uid"] for row in rows)

            def decide(uids: Iterable[str] = uids) -> list[Instance]:
                found = (self._database.row("removable", uid=uid, **allowed) for uid in uids)
                return [self._instance_of(row) for row in found if row]

            if batch := self._seen(decide):
                yield batch
