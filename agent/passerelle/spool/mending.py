"""Makes rows anew from the records beside the objects, when their seals are broken."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from passerelle.model import AcquisitionState, DeliveryState
from passerelle.spool import entry
from passerelle.spool.keeping import RECORD_NAME
from passerelle.spool.layout import OBJECT, PARTIAL, RECORD, is_uid, shelf_of
from passerelle.spool.records import read_kept_record, read_object_record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from passerelle.spool.database import Database
    from passerelle.spool.layout import Layout
    from passerelle.spool.records import KeptRecord


def mend(database: Database, layout: Layout, now: float) -> str:
    """Replace damaged rows by what the records say; what to tell an operator, "" if all is well.

    Whether a delivery had begun is not in the records: it is UNKNOWN, and asked for first.

    Raises:
        LedgerError: The database is damaged beyond its rows.
    """
    with database.transaction():
        broken = {table: rows for table, rows in database.broken().items() if rows}
        if not broken:
            return ""
        database.run("later_foreign_keys")
        database.run("reindex")  # an index entry of a damaged key would survive its row
        for table, rowids in broken.items():
            database.delete(table, rowids)
        enter_objects(database, layout, scan(layout).objects, now)
        for kept in kept_folders(layout):
            if kept.record and not _is_whole(database, kept.record.origin.id):
                entry.enter_kept(database, kept.record, kept.state, now=now)
        for repair in (
            "drop_lonely_deliveries",
            "adopt_instances",
            "drop_lonely_patients",
            "drop_lonely_exams",
            "drop_lonely_exam_patients",
        ):
            database.run(repair)
        recount(database)
    count = sum(len(rows) for rows in broken.values())
    return f"ledger: {count} damaged rows were made anew from the spool"


def enter_objects(database: Database, layout: Layout, uids: Iterable[str], now: float) -> list[str]:
    """Enter what is missing of these objects; the UIDs of those whose record cannot be read."""
    unrecorded = []
    for uid in uids:
        record = read_object_record(layout.record(uid))
        if record is None or record.sop_instance_uid != uid:
            unrecorded.append(uid)
            continue
        if not _is_whole(database, record.origin.id):
            entry.enter_acquisition(database, record)
        reason = "its row was lost: asked for before it is sent"
        entry.enter_object(database, record, state=DeliveryState.UNKNOWN, now=now, reason=reason)
    database.run("acquisition_completed")
    return unrecorded


def recount(database: Database) -> None:
    """Count anew what triggers count from then on."""
    with database.transaction():
        for statement in ("forget_tally", "tally_acquisitions", "tally_deliveries"):
            database.run(statement)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the spool."""

    objects: set[str]  #: UIDs
    records: set[str]  #: UIDs
    unfinished: list[Path]


def scan(layout: Layout) -> Found:
    """Look through the folders of the objects."""
    found = Found(set(), set(), [])
    for shelf in _entries(layout.spool):
        names = _names(shelf.path)
        objects = _uids(names, OBJECT, shelf.name)
        found.objects.update(objects)
        found.records.update(_uids(names, RECORD, shelf.name, known=objects))
        found.unfinished.extend(
            layout.spool / shelf.name / name for name in names if name.startswith(PARTIAL)
        )
    return found


def _uids(names: list[str], suffix: str, shelf: str, known: Collection[str] = ()) -> set[str]:
    uids = {name.removesuffix(suffix) for name in names if name.endswith(suffix)}
    return {uid for uid in uids if uid in known or (is_uid(uid) and shelf_of(uid) == shelf)}


def _is_whole(database: Database, acquisition_id: str) -> bool:
    row = database.row("acquisition_shown", id=acquisition_id)
    return row is not None and row["identity"] is not None


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """The folder of a kept original."""

    state: AcquisitionState
    path: Path
    record: KeptRecord | None  #: None: it cannot be read


def kept_folders(layout: Layout) -> Iterator[KeptFolder]:
    """Every folder of a kept original."""
    for state in (AcquisitionState.HELD, AcquisitionState.QUARANTINED):
        for found in _entries(layout.folder(state)):
            path = layout.kept(state, found.name)
            yield KeptFolder(state, path, read_kept_record(path / RECORD_NAME))


def _names(folder: Path | str) -> list[str]:
    with suppress(NotADirectoryError):
        return os.listdir(folder)  # noqa: PTH208 - a Path for each of 100,000 takes a second
    return []


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    with suppress(NotADirectoryError), os.scandir(folder) as found:
        return list(found)
    return []
