"""Reads the ledger: for the operator, for the status, and as the ground the spool stands on."""

from __future__ import annotations

import datetime as dt
import heapq
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from passerelle.errors import LedgerError
from passerelle.model import AcquisitionState, DeliveryState, Exam, Moment
from passerelle.spool.database import Database
from passerelle.spool.layout import Layout
from passerelle.spool.records import Kept, read_kept_record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_PAGE: Final = 500
_KEPT: Final = (AcquisitionState.HELD, AcquisitionState.QUARANTINED)
#: The states whose deliveries an index holds; of the others there are the more, the older it is.
_INDEXED: Final = frozenset(DeliveryState) - {DeliveryState.COMMITTED, DeliveryState.DISCARDED}
_UNSENT: Final = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much there is of what."""

    acquisitions: dict[str, int]  #: state to number; every state is there
    deliveries: dict[str, int]  #: state to number; every state is there
    by_destination: dict[str, dict[str, int]]  #: destination to state to number
    oldest_unsent: dict[str, float]  #: destination to s since the epoch, where something waits
    newest_at: float | None  #: s since the epoch, of the newest acquisition
    bytes_since_open: int  #: admitted since this process opened the spool


class Ledger:
    """What is durable here and what is owed to whom, to be read only."""

    def __init__(self, layout: Layout, database: Database) -> None:
        """Use an open database; `read_only` opens one."""
        self._layout = layout
        self._database = database
        self._admitted_bytes = 0

    @classmethod
    def read_only(cls, data_dir: Path) -> Self:
        """The ledger of a data_dir, whether an agent runs on it or not.

        Raises:
            LedgerError: There is none, or it cannot be read.
        """
        layout = Layout(data_dir)
        return cls(layout, Database.read_only(layout.database))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def counts(self) -> Counts:
        """How much there is of what; as quick with a million instances as with ten."""
        acquisitions = dict.fromkeys(map(str, AcquisitionState), 0)
        by_destination: dict[str, dict[str, int]] = {}
        for row in self._database.rows("tallies"):
            if row["subject"] == "acquisition":
                acquisitions[row["state"]] = acquisitions.get(row["state"], 0) + row["n"]
            else:
                by_destination.setdefault(row["grouped_by"], {})[row["state"]] = row["n"]
        newest = self._database.row("newest_acquisition")
        oldest = {name: self._oldest(name, _UNSENT) for name in by_destination}
        return Counts(
            acquisitions=acquisitions,
            deliveries={
                state: sum(states.get(state, 0) for states in by_destination.values())
                for state in map(str, DeliveryState)
            },
            by_destination=by_destination,
            oldest_unsent={name: at for name, at in oldest.items() if at is not None},
            newest_at=newest["at"] if newest else None,
            bytes_since_open=self._admitted_bytes,
        )

    def rows(self, state: str | None = None) -> Iterator[dict[str, Any]]:
        """What is owed to whom, oldest first, then what waits for a person.

        The keys are those of `queue list --json`; a kept acquisition has no SOP Instance UID.
        """
        if state in _INDEXED:
            pages = [
                self._pages("open_rows", destination=row["name"], state=state, gone=gone)
                for row in self._database.rows("destinations")
                for gone in (0, 1)
            ]
            owed: Iterator[sqlite3.Row] = heapq.merge(
                *pages, key=lambda row: (row["made_at"], row["place"])
            )
        else:
            owed = self._pages("delivery_rows", state=state)
        yield from map(_listed, owed)
        yield from map(_listed, self._pages("kept_rows", state=state))

    def _pages(self, statement: str, **values: Any) -> Iterator[sqlite3.Row]:  # noqa: ANN401 - SQL's types
        at, place = 0.0, 0
        while page := self._database.rows(statement, at=at, place=place, limit=_PAGE, **values):
            yield from page
            at, place = page[-1]["made_at"], page[-1]["place"]

    def show(self, uid: str) -> dict[str, Any] | None:
        """An instance by its UID or an acquisition by its id, with all that happened to it."""
        instance = self._database.row("instance_shown", uid=uid)
        acquisition_id = instance["acquisition"] if instance else uid
        acquisition = self._database.row("acquisition_shown", id=acquisition_id)
        if acquisition is None:
            return None
        shown: dict[str, Any] = {**_dated(acquisition)}
        shown["original"] = json.loads(shown["original"] or '""')
        shown["identity"] = json.loads(shown["identity"] or "null")
        if instance is not None:
            shown |= _dated(instance)
            deliveries = self._database.rows("deliveries_shown", uid=uid)
            shown["deliveries"] = [_dated(row) for row in deliveries]
        else:
            instances = self._database.rows("instances_of", id=uid)
            shown["instances"] = [_dated(row) for row in instances]
        events = self._database.rows("events_of", acquisition=acquisition_id, uid=uid)
        shown["events"] = [
            {key: told for key, told in _dated(row).items() if key not in ("rank", "place")}
            for row in events
        ]
        return shown

    def files(self, uid: str) -> list[Path]:
        """The files of an instance, of an acquisition's instances, or of a kept original."""
        kept = self.kept(uid)
        if kept is not None:
            return [kept.media, *([kept.sidecar] if kept.sidecar else [])]
        instances = [
            *self._database.rows("instances_of", id=uid),
            *self._database.rows("instance", uid=uid),
        ]
        here = [row["sop_instance_uid"] for row in instances if row["removed_at"] is None]
        return [self._layout.object(one) for one in here]

    def kept(self, acquisition_id: str) -> Kept | None:
        """The original of a held or quarantined acquisition; None if there is none."""
        row = self._database.row("acquisition", id=acquisition_id)
        if row is None or row["state"] not in _KEPT:
            return None
        checked(row)
        folder = self._layout.kept(row["state"], acquisition_id)
        record = read_kept_record(folder / "record.json")
        if record is None:
            return None
        return Kept(
            id=acquisition_id,
            origin=record.origin,
            state=AcquisitionState(row["state"]),
            reason=row["reason"],
            media=folder / "media" / record.media,
            sidecar=folder / "sidecar" / record.sidecar if record.sidecar else None,
        )

    def kept_acquisitions(self) -> list[Kept]:
        """Every original that waits for a person."""
        found = (self.kept(row["id"]) for row in self._database.rows("kept_ids"))
        return [kept for kept in found if kept is not None]

    def latest_exam(self) -> Exam | None:
        """The exam that was opened last, whether it is open still or not."""
        row = self._database.row("latest_exam")
        return exam_of(row) if row else None

    def _oldest(self, destination: str, states: tuple[DeliveryState, ...]) -> float | None:
        times = [
            row["at"]
            for state in states
            for row in self._database.rows("oldest_in_state", destination=destination, state=state)
        ]
        return min((at for at in times if at is not None), default=None)


def checked(row: sqlite3.Row) -> sqlite3.Row:
    """The row, if it is what was written.

    Raises:
        LedgerError: Its seal is broken.
    """
    if not row["intact"]:
        msg = "ledger: a row is not what was written"
        raise LedgerError(msg)
    return row


def exam_of(row: sqlite3.Row) -> Exam:
    """The exam of a row.

    Raises:
        LedgerError: The row is damaged.
    """
    checked(row)
    opened_at, closed_at = row["opened_at"], row["closed_at"]
    return Exam(
        id=row["id"],
        opened_by=row["opened_by"],
        opened_at=opened_at,
        closed_at=closed_at,
        last=Moment(
            at=opened_at if closed_at is None else closed_at,
            boot=row["boot"],
            steady_offset=row["steady_offset"],
        ),
        attributes=json.loads(row["identity"]),
    )


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    listed = _dated(row)
    del listed["place"], listed["made_at"]
    listed["original"] = json.loads(listed["original"] or '""')
    return listed


def _dated(row: sqlite3.Row) -> dict[str, Any]:
    """A row whose moments are ISO 8601 in UTC."""
    return {
        key: _moment(row[key]) if key == "at" or key.endswith("_at") else row[key]
        for key in row.keys()  # noqa: SIM118 - iterating over a Row yields its values
    }


def _moment(epoch_s: float | None) -> str | None:
    if epoch_s is None:
        return None
    instant = dt.datetime.fromtimestamp(epoch_s, tz=dt.UTC)
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
