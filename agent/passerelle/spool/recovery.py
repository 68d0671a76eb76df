"""What is done when a spool is opened: the files are the truth, the ledger follows them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from passerelle.errors import LedgerError
from passerelle.model import AcquisitionState
from passerelle.spool import entry
from passerelle.spool.database import Database
from passerelle.spool.files import durable_move, sha256_of, sync_folder
from passerelle.spool.judging import Verdict, examine, refuse_newer
from passerelle.spool.keeping import release
from passerelle.spool.layout import PARTIAL
from passerelle.spool.mending import enter_objects, kept_folders, mend, recount, scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.spool.layout import Layout
    from passerelle.spool.mending import Found
    from passerelle.spool.records import KeptRecord


def open_ledger(layout: Layout, now: float, *, was_killed: bool) -> tuple[Database, list[str]]:
    """Open the ledger, or a new one where it is damaged, and make it agree with the files.

    Args:
        layout: Of a data_dir whose lock is held.
        now: s since the epoch.
        was_killed: The agent did not close the ledger.

    Raises:
        LedgerError: A newer agent wrote it, or it cannot be opened at all.
        SpoolFull: There is no room for it.
    """
    path = layout.database
    log = path.with_name(f"{path.name}-wal")
    # Whoever is killed leaves the log of the last commits; without it, rows are older than that.
    is_outdated = was_killed and path.exists() and not (log.exists() and log.stat().st_size)
    findings, seals_hold = _set_aside_if_damaged(path)
    is_whole = path.exists() and path.stat().st_size > 0
    database = Database.opened(path)
    try:
        # Between an object and its rows a kill is nothing to worry an operator with.
        if not seals_hold and (found := mend(database, layout, now)):
            findings.append(found)
        findings += _recovered(database, layout, now, tell_orphans=not (was_killed and is_whole))
        if is_outdated and database.run("doubted", now=now):
            findings.append("ledger: its last commits are lost; what is owed is asked for first")
    except BaseException:
        database.close()
        raise
    return database, findings


def _set_aside_if_damaged(path: Path) -> tuple[list[str], bool]:
    """What was found, and whether the seals of all rows hold."""
    if not path.exists():
        _set_aside(path)
        return [], True
    refuse_newer(path)
    verdict, seals_hold = examine(path)
    match verdict:
        case Verdict.SOUND:
            return [], seals_hold
        case Verdict.INDEX:
            try:
                database = Database.opened(path)
            except LedgerError:
                pass
            else:
                database.run("reindex")
                database.close()
                return ["ledger: a damaged index was made anew"], False
        case Verdict.DAMAGED:
            pass
    aside = _set_aside(path)
    return [f"ledger: damaged; set aside as {aside}, and made anew from the spool"], True


def _set_aside(path: Path) -> str:
    number = 1
    while path.with_name(f"{path.name}.broken-{number}").exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):  # a log must never meet another database
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(path.with_name(f"{path.name}.broken-{number}{suffix}"))
    sync_folder(path.parent)
    return f"{path.name}.broken-{number}"


def _recovered(database: Database, layout: Layout, now: float, *, tell_orphans: bool) -> list[str]:
    found = scan(layout)
    _sweep(layout, found.unfinished)
    with database.transaction():
        recount(database)
        database.run("interrupted", now=now)
        return [
            *_objects(database, layout, found, now, tell_orphans=tell_orphans),
            *_kept(database, layout, now),
        ]


def _sweep(layout: Layout, unfinished: list[Path]) -> None:
    """Remove what was never finished."""
    for path in (*unfinished, *layout.data_dir.glob(f"{PARTIAL}*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _objects(
    database: Database, layout: Layout, found: Found, now: float, *, tell_orphans: bool
) -> Iterator[str]:
    """Make rows and objects agree."""
    objects, records = found.objects, found.records
    rows = {row["sop_instance_uid"] for row in database.rows("uids_here")}
    removed = {uid for uid in objects - rows if database.row("instance", uid=uid)}
    for uid in removed:
        layout.object(uid).unlink()
    for uid in records - objects - rows | removed:
        layout.record(uid).unlink(missing_ok=True)
    orphans = sorted(objects - rows - removed)
    unrecorded = enter_objects(database, layout, orphans, now) if orphans else []
    for uid in unrecorded:
        durable_move(layout.object(uid), layout.folder("") / "unrecorded")
    entered = [uid for uid in orphans if uid not in set(unrecorded)]
    damaged = [uid for uid in entered if not _is_intact(database, layout, uid)]
    if entered and tell_orphans:
        yield f"spool: {len(entered)} objects had no rows; they are asked for before they are sent"
    if unrecorded:
        yield f"spool: {len(unrecorded)} objects without a record lie in quarantine/unrecorded"
    if damaged:
        yield f"spool: {len(damaged)} of these objects are damaged: they are not sent again"
    lost = rows - objects
    for uid in lost:
        database.run("object_gone", uid=uid, now=now)
    if lost:
        yield f"spool: {len(lost)} objects are gone, and the agent did not remove them"
    if bare := rows & objects - records:
        yield f"spool: {len(bare)} objects have no record; they could not be rebuilt"


def _is_intact(database: Database, layout: Layout, uid: str) -> bool:
    row = database.row("instance", uid=uid)
    return row is not None and row["sha256"] == sha256_of(layout.object(uid))


def _kept(database: Database, layout: Layout, now: float) -> Iterator[str]:
    """Make rows and kept originals agree."""
    seen = set()
    for folder in kept_folders(layout):
        seen.add(folder.path.name)
        if folder.record is not None:
            _enter_kept(database, layout, folder.state, folder.record, now)
    rows = {row["id"] for row in database.rows("kept_ids")}
    if gone := rows - seen:
        yield f"spool: {len(gone)} held or quarantined originals are gone"


def _enter_kept(
    database: Database, layout: Layout, state: AcquisitionState, record: KeptRecord, now: float
) -> None:
    origin = record.origin
    row = database.row("acquisition", id=origin.id)
    if row is None:
        entry.enter_kept(database, record, state, now=now)
    elif row["state"] == AcquisitionState.RECEIVED:
        database.run("acquisition_moved", id=origin.id, state=state, reason=record.reason)
    elif row["state"] in (AcquisitionState.WRAPPED, AcquisitionState.DISCARDED):
        release(layout.kept(state, origin.id), layout.archive / origin.source, now)
