"""Brings a ledger to the version of this code: `python -m passerelle.spool.migrate queue.db`.

A program of its own, run only when a ledger is older: sqlite-utils loads numpy, which the agent
never does. A migration is never changed after its release; a new one is added below it.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import TYPE_CHECKING, Final

import sqlite_utils

from passerelle.spool.seal import (
    VERSION,
    expression,
    register,
    schema_digest,
    sealed_columns,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TALLY: Final = (
    "INSERT OR IGNORE INTO tally VALUES ('{table}', {row}.{group}, {row}.state, 0);"
    "UPDATE tally SET n = n {sign} 1 WHERE subject = '{table}'"
    " AND grouped_by = {row}.{group} AND state = {row}.state;"
)


def migrate(path: Path | str, to: int = VERSION) -> None:
    """Run what a ledger lacks, all of it or nothing."""
    connection = sqlite3.connect(path)
    register(connection)
    database = sqlite_utils.Database(connection)
    with database.atomic():
        (version,) = database.execute("PRAGMA user_version").fetchone()
        for step in _STEPS[version:to]:
            step(database)
        if to > version:
            database.execute("DELETE FROM version")
            digest = schema_digest(connection)
            database.execute("INSERT INTO version VALUES (?, ?)", [to, digest])
            database.execute(f"PRAGMA user_version = {to:d}")
    connection.close()


def _first(database: sqlite_utils.Database) -> None:
    database.table("version").create({"number": int, "digest": str})
    database.table("tally").create(
        {"subject": str, "grouped_by": str, "state": str, "n": int},
        pk=("subject", "grouped_by", "state"),
    )
    _acquisitions(database)
    _instances(database)
    _deliveries(database)
    database.table("proof_request").create(
        {"transaction_uid": str, "destination": str, "asked_at": float}, pk="transaction_uid"
    )
    database.table("proof_request").create_index(["destination", "asked_at"])
    database.table("event").create(
        {"id": int, "at": float, "kind": str, "actor": str, "subject": str, "detail": str},
        pk="id",
    )
    database.table("event").create_index(["subject"])
    for table, columns in sealed_columns(database.conn).items():
        _seal(database, table, columns)
    _tally(database, "acquisition", "source")
    _tally(database, "delivery", "destination")


def _second(database: sqlite_utils.Database) -> None:
    """Originals that stay at the device (`after = "keep"`)."""
    database.table("remembered").create({"name_digest": str, "fingerprint": str}, pk="name_digest")


def _third(database: sqlite_utils.Database) -> None:
    """What waits and what may go is found by an index, however much there is of the rest.

    Nothing is due of a removed instance: `next_attempt_at` is NULL from then on.
    """
    intact = expression("delivery", sealed_columns(database.conn)["delivery"], "delivery")
    database.execute(
        "UPDATE delivery SET next_attempt_at = NULL"  # noqa: S608 - our columns
        f" WHERE seal = {intact} AND sop_instance_uid IN"
        " (SELECT sop_instance_uid FROM instance WHERE removed_at IS NOT NULL)"
    )
    database.execute("DROP INDEX idx_acquisition_received_at")
    database.execute("DROP INDEX delivery_open")
    database.execute(
        "CREATE INDEX delivery_open"
        " ON delivery (destination, state, next_attempt_at IS NULL, created_at)"
        " WHERE state NOT IN ('COMMITTED', 'DISCARDED')"
    )
    database.execute(
        "CREATE INDEX delivery_settled ON delivery (changed_at)"
        " WHERE state IN ('COMMITTED', 'DISCARDED') AND next_attempt_at IS NOT NULL"
    )
    _tally_by_upsert(database, "acquisition", "source")
    _tally_by_upsert(database, "delivery", "destination")


def _fourth(database: sqlite_utils.Database) -> None:
    """Exams that somebody opened; whose they are lies apart, as with acquisitions."""
    database.table("exam").create(
        {
            "id": int,
            "opened_by": str,
            "opened_at": float,
            "closed_at": float,
            "boot": str,
            "steady_offset": float,
            "seal": int,
        },
        pk="id",
    )
    database.table("exam").create_index(["opened_at"])
    database.execute("CREATE INDEX exam_open ON exam (id) WHERE closed_at IS NULL")
    database.table("exam_patient").create(
        {"exam_id": int, "identity": str, "seal": int}, pk="exam_id"
    )
    database.table("exam_doubt").create(
        {"id": int, "exam_id": int, "begins": float, "ends": float, "seal": int}, pk="id"
    )
    sealed = sealed_columns(database.conn)
    for table in ("exam", "exam_patient", "exam_doubt"):
        _seal(database, table, sealed[table])


_STEPS: Final[tuple[Callable[[sqlite_utils.Database], None], ...]] = (
    _first,
    _second,
    _third,
    _fourth,
)


def _acquisitions(database: sqlite_utils.Database) -> None:
    database.table("acquisition").create(
        {
            "id": str,
            "agent": str,
            "source": str,
            "state": str,
            "reason": str,
            "sha256": str,
            "sidecar_sha256": str,
            "size": int,
            "instances": int,
            "received_at": float,
            "seal": int,
        },
        pk="id",
    )
    database.table("acquisition").create_index(["received_at"])
    database.execute(
        "CREATE INDEX acquisition_kept ON acquisition (state)"
        " WHERE state IN ('HELD', 'QUARANTINED')"
    )
    database.table("patient").create(
        {"acquisition_id": str, "identity": str, "original": str, "seal": int},
        pk="acquisition_id",
        foreign_keys=[("acquisition_id", "acquisition", "id")],
    )


def _instances(database: sqlite_utils.Database) -> None:
    database.table("instance").create(
        {
            "sop_instance_uid": str,
            "acquisition_id": str,
            "number": int,
            "sop_class_uid": str,
            "study_instance_uid": str,
            "series_instance_uid": str,
            "transfer_syntax_uid": str,
            "sha256": str,
            "size": int,
            "created_at": float,
            "removed_at": float,
            "seal": int,
        },
        pk="sop_instance_uid",
        foreign_keys=[("acquisition_id", "acquisition", "id")],
    )
    database.table("instance").create_index(["acquisition_id"])
    database.execute("CREATE INDEX instance_here ON instance (created_at) WHERE removed_at IS NULL")


def _deliveries(database: sqlite_utils.Database) -> None:
    database.table("delivery").create(
        {
            "sop_instance_uid": str,
            "destination": str,
            "state": str,
            "attempts": int,
            "next_attempt_at": float,
            "first_failed_at": float,
            "failures": int,
            "uncertain": int,
            "reason": str,
            "created_at": float,
            "changed_at": float,
            "stored_at": float,
            "committed_at": float,
            "proof": str,
            "transaction_uid": str,
            "seal": int,
        },
        pk=("sop_instance_uid", "destination"),
        foreign_keys=[("sop_instance_uid", "instance", "sop_instance_uid")],
    )
    database.execute(
        "CREATE INDEX delivery_due ON delivery (destination, next_attempt_at)"
        " WHERE state = 'PENDING'"
    )
    database.execute(
        "CREATE INDEX delivery_open ON delivery (destination, state, created_at)"
        " WHERE state NOT IN ('COMMITTED', 'DISCARDED')"
    )
    database.execute(
        "CREATE INDEX delivery_asked ON delivery (transaction_uid)"
        " WHERE transaction_uid IS NOT NULL"
    )


def _seal(database: sqlite_utils.Database, table: str, columns: tuple[str, ...]) -> None:
    """Seal what is written, and write nothing upon a row whose seal is broken."""
    listed = ", ".join(columns)
    renewed = f"SET seal = {expression(table, columns, table)} WHERE rowid = NEW.rowid"
    renew = f"BEGIN UPDATE {table} {renewed}; END"
    database.execute(
        f"CREATE TRIGGER {table}_guarded BEFORE UPDATE OF {listed} ON {table}"
        f" WHEN OLD.seal IS NOT {expression(table, columns, 'OLD')}"
        " BEGIN SELECT RAISE(ABORT, 'a seal is broken'); END"
    )
    database.execute(f"CREATE TRIGGER {table}_changed AFTER UPDATE OF {listed} ON {table} {renew}")
    database.execute(f"CREATE TRIGGER {table}_written AFTER INSERT ON {table} {renew}")


def _tally(database: sqlite_utils.Database, table: str, group: str) -> None:
    """Count rows by state as they change: counting a million of them takes too long."""
    gone = _TALLY.format(table=table, group=group, row="OLD", sign="-")
    come = _TALLY.format(table=table, group=group, row="NEW", sign="+")
    name = f"CREATE TRIGGER {table}_tally"
    database.execute(f"{name}_come AFTER INSERT ON {table} BEGIN {come} END")
    database.execute(f"{name}_gone AFTER DELETE ON {table} BEGIN {gone} END")
    database.execute(
        f"{name}_moved AFTER UPDATE OF state, {group} ON {table} BEGIN {gone} {come} END"
    )


def _tally_by_upsert(database: sqlite_utils.Database, table: str, group: str) -> None:
    """Count with half the statements, and not where the state stays."""
    gone = (
        f"UPDATE tally SET n = n - 1 WHERE subject = '{table}'"  # noqa: S608 - our columns
        f" AND grouped_by = OLD.{group} AND state = OLD.state;"
    )
    come = (
        f"INSERT INTO tally VALUES ('{table}', NEW.{group}, NEW.state, 1)"  # noqa: S608 - as above
        " ON CONFLICT (subject, grouped_by, state) DO UPDATE SET n = n + 1;"
    )
    for name in ("come", "gone", "moved"):
        database.execute(f"DROP TRIGGER {table}_tally_{name}")
    name = f"CREATE TRIGGER {table}_tally"
    database.execute(f"{name}_come AFTER INSERT ON {table} BEGIN {come} END")
    database.execute(f"{name}_gone AFTER DELETE ON {table} BEGIN {gone} END")
    database.execute(
        f"{name}_moved AFTER UPDATE OF state, {group} ON {table}"
        f" WHEN OLD.state != NEW.state OR OLD.{group} != NEW.{group} BEGIN {gone} {come} END"
    )


if __name__ == "__main__":
    migrate(sys.argv[1])
