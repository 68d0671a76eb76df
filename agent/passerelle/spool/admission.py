"""How acquisitions become durable here: as objects, or as originals that wait for a person."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from passerelle.errors import EncodingError, SpoolFull
from passerelle.model import AcquisitionState, DeliveryState
from passerelle.spool import entry
from passerelle.spool.files import full_told, make_folder, show, sync_file, sync_folder, unstage
from passerelle.spool.keeping import keep, release
from passerelle.spool.layout import RECORD
from passerelle.spool.ledger import checked
from passerelle.spool.records import ObjectRecord, read_object_record, stage_record
from passerelle.spool.writable import Writable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from passerelle.model import Identity, Origin
    from passerelle.spool.database import Database
    from passerelle.spool.layout import Layout
    from passerelle.spool.records import Kept, Produced

_WAITING: Final = (AcquisitionState.HELD, AcquisitionState.QUARANTINED)
_STRANGER: Final = "a different object with this SOP Instance UID came here before"


@dataclass(frozen=True, slots=True)
class _Step:
    """What admitting one object takes."""

    record: ObjectRecord
    here: Path
    file: Path | None  #: to be put there; None: only what the record says changes


class Admission(Writable):
    """Takes what intake hands over; what a method returned from is durable."""

    def __init__(
        self, layout: Layout, database: Database, findings: list[str], now: Callable[[], float]
    ) -> None:
        """Use an open and recovered database."""
        super().__init__(layout, database, findings, now)
        self._counting = threading.Lock()

    def known(self, origin: Origin) -> AcquisitionState | None:
        """How far this acquisition has come; None when it is not durable here."""

        def decide() -> AcquisitionState | None:
            row = self._database.row("acquisition", id=origin.id)
            state = AcquisitionState(checked(row)["state"]) if row else None
            return None if state is AcquisitionState.RECEIVED else state

        return self._seen(decide)

    def admit(
        self,
        origin: Origin,
        identity: Identity | None,
        produced: Sequence[Produced],
        destinations: Sequence[str],
    ) -> None:
        """Take the instances of an acquisition: all of them, or none.

        Records are durable before their objects, all objects before the one transaction that
        makes them visible. The acquisition, were it held before, is WRAPPED from then on.

        Raises:
            EncodingError: Another object with one of these UIDs was admitted before.
            SpoolFull: There is no room.
        """
        records = _records(origin, identity, produced, destinations, self._now())
        files = {one.sop_instance_uid: one.file for one in produced}
        with self._reserved.of({origin.id, *files}):
            steps = []
            try:
                steps = [step for record in records if (step := self._step(record, files))]
                self._place(steps)
                self._mended(lambda: self._enter(records, steps))
            except (SpoolFull, OSError):
                self._take_back(steps)
                raise
            finally:
                for file in files.values():
                    file.unlink(missing_ok=True)
        self._admitted(sum(record.size for record in records))

    def hold(self, origin: Origin, media: Path, sidecar: Path | None, *, reason: str) -> None:
        """Keep an original until a person says whose it is.

        Raises:
            Changed: It is no longer what was hashed.
            SpoolFull: There is no room.
        """
        self._keep(AcquisitionState.HELD, origin, media, sidecar, reason)

    def quarantine(self, origin: Origin, media: Path, sidecar: Path | None, *, reason: str) -> None:
        """Keep an original that cannot become DICOM.

        Raises:
            Changed: It is no longer what was hashed.
            SpoolFull: There is no room.
        """
        self._keep(AcquisitionState.QUARANTINED, origin, media, sidecar, reason)

    def kept(self, acquisition_id: str) -> Kept | None:
        """The original of a held or quarantined acquisition; None if there is none."""
        return self._seen(lambda: super(Admission, self).kept(acquisition_id))

    def release_kept(self, acquisition_id: str, archive: Path | None) -> None:
        """Let go of an original that need not wait any more.

        Args:
            acquisition_id: WRAPPED or DISCARDED by now; otherwise nothing happens.
            archive: The folder below which it goes, by day; None: it is removed.
        """
        row = self._database.row("acquisition", id=acquisition_id)
        if row is not None and row["state"] not in _WAITING:
            for state in _WAITING:
                release(self._layout.kept(state, acquisition_id), archive, self._now())

    def _keep(
        self,
        state: AcquisitionState,
        origin: Origin,
        media: Path,
        sidecar: Path | None,
        reason: str,
    ) -> None:
        with self._reserved.of({origin.id}):
            if self.known(origin) is not None:
                return
            now = self._now()
            record = keep(self._layout, state, origin, media, sidecar, reason=reason, now=now)
            self._mended(lambda: entry.enter_kept(self._database, record, state, now=now))
            self._admitted(record.size)

    def _admitted(self, size: int) -> None:
        with self._counting:
            self._admitted_bytes += size

    def _step(self, record: ObjectRecord, files: Mapping[str, Path]) -> _Step | None:
        """What is to be done for one object; None when it is here and owed to all of them."""
        uid = record.sop_instance_uid
        here = self._layout.object(uid)
        row = self._seen(lambda: self._checked_instance(uid))
        if row is None:
            return _Step(record, here, files[uid])
        if row["sha256"] != record.sha256 and row["acquisition_id"] != record.origin.id:
            raise EncodingError(_STRANGER)
        owed = {found["destination"] for found in self._database.rows("destinations_of", uid=uid)}
        more = tuple(name for name in record.destinations if name not in owed)
        if not more:
            return None
        if row["removed_at"] is None:
            # What was offered under this UID stays as it is, for ever.
            first = read_object_record(here.with_suffix(RECORD)) or record
            owing = replace(first, destinations=(*first.destinations, *more))
            return _Step(owing, here, None)
        return _Step(record, here, files[uid]) if row["sha256"] == record.sha256 else None

    def _checked_instance(self, uid: str) -> sqlite3.Row | None:
        row = self._database.row("instance", uid=uid)
        return checked(row) if row else None

    def _place(self, steps: Sequence[_Step]) -> None:
        """Bytes first, then names: a record's before its object's, all of a folder at once."""
        for step in steps:
            make_folder(step.here.parent)
            stage_record(step.here.with_suffix(RECORD), step.record)
            if step.file is not None:
                sync_file(step.file)
        with full_told():
            for step in steps:
                show(step.here.with_suffix(RECORD))
                if step.file is not None:
                    step.file.replace(step.here)
            for folder in {step.here.parent for step in steps}:
                sync_folder(folder)

    def _enter(self, records: Sequence[ObjectRecord], steps: Sequence[_Step]) -> None:
        now, first = self._now(), records[0]
        is_new = self._database.row("acquisition_is_here", id=first.origin.id) is None
        entry.enter_acquisition(self._database, first, AcquisitionState.WRAPPED)
        for step in steps:
            entry.enter_object(self._database, step.record, state=DeliveryState.PENDING, now=now)
        known = len(records) - sum(step.file is not None for step in steps)
        if is_new and not known:
            return
        self._database.run(
            "acquisition_moved", id=first.origin.id, state=AcquisitionState.WRAPPED, reason=""
        )
        detail = f"{len(records)} instances, {known} of them here already" if known else ""
        entry.note(self._database, first.origin.id, "wrapped", now=now, detail=detail)

    def _take_back(self, steps: Sequence[_Step]) -> None:
        """Undo what no row speaks of: a full disk stays as it was."""
        for step in steps:
            unstage(step.here.with_suffix(RECORD))
            if step.file is not None:
                step.here.unlink(missing_ok=True)
                step.here.with_suffix(RECORD).unlink(missing_ok=True)


def _records(
    origin: Origin,
    identity: Identity | None,
    produced: Sequence[Produced],
    destinations: Sequence[str],
    now: float,
) -> list[ObjectRecord]:
    if not produced:
        msg = "nothing was made of it"
        raise EncodingError(msg)
    said = (
        {"attributes": dict(identity.attributes), "resolver": identity.resolver}
        if identity
        else None
    )
    return [
        ObjectRecord(
            origin=origin,
            instances=len(produced),
            acquisition_size=sum(each.size for each in produced),
            number=one.number,
            sop_instance_uid=one.sop_instance_uid,
            sop_class_uid=one.sop_class_uid,
            study_instance_uid=one.study_instance_uid,
            series_instance_uid=one.series_instance_uid,
            transfer_syntax_uid=one.transfer_syntax_uid,
            sha256=one.sha256,
            size=one.size,
            destinations=tuple(destinations),
            created_at=now,
            identity=said,
        )
        for one in produced
    ]
