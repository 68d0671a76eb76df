"""What an operator orders; every order is in the audit record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle.model import AcquisitionState, DeliveryState
from passerelle.spool import entry
from passerelle.spool.admission import Admission

if TYPE_CHECKING:
    from collections.abc import Sequence


class Orders(Admission):
    """Try again, give up."""

    def retry_now(self, uids: Sequence[str], actor: str, *, all_held: bool = False) -> list[str]:
        """Make deliveries due at once that are refused, held, or put off; the UIDs changed.

        What may have arrived already is asked for first. `all_held` adds every delivery that is
        refused or held.
        """

        def decide() -> list[str]:
            now = self._now()
            named = dict.fromkeys(uids)
            held = dict.fromkeys(self._held()) if all_held else {}
            rows = [
                row
                for uid in named | held
                for row in self._database.rows("try_now", uid=uid, now=now, named=uid in named)
            ]
            for row in rows:
                uid, detail = row["sop_instance_uid"], row["destination"]
                entry.note(self._database, uid, "retried", now=now, actor=actor, detail=detail)
            return list(dict.fromkeys(row["sop_instance_uid"] for row in rows))

        return self._mended(decide)

    def discard(self, uid: str, reason: str, actor: str) -> bool:
        """Give up an instance's deliveries, or a kept original; whether there was any.

        What is being sent just now, and what is proven, cannot be given up. A kept original goes
        to the archive of its source, where retention ends its stay.
        """
        kept = self.kept(uid)

        def decide() -> bool:
            now = self._now()
            given_up = bool(kept)
            detail = reason
            if kept is not None:
                self._database.run(
                    "acquisition_moved", id=uid, state=AcquisitionState.DISCARDED, reason=reason
                )
            else:
                rows = self._database.rows("discard_deliveries", uid=uid, reason=reason, now=now)
                given_up = bool(rows)
                detail = f"{', '.join(row['destination'] for row in rows)}: {reason}"
            if given_up:
                entry.note(self._database, uid, "discarded", now=now, actor=actor, detail=detail)
            return given_up

        discarded = self._mended(decide)
        if kept is not None:
            self.release_kept(uid, self._layout.archive / kept.origin.source)
        return discarded

    def _held(self) -> list[str]:
        return [
            row["sop_instance_uid"]
            for destination in self._database.rows("destinations")
            for state in (DeliveryState.REFUSED, DeliveryState.HELD)
            for row in self._database.rows("in_state", destination=destination["name"], state=state)
        ]
