from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlite_utils

from passerelle.model import DeliveryState, Fingerprint
from passerelle.spool import Spool
from passerelle.spool.migrate import migrate
from passerelle.spool.seal import VERSION, register, schema_digest
from spool_support import admit, origin, state_of, states

if TYPE_CHECKING:
    from pathlib import Path

SEEN = Fingerprint(size=1, mtime_ns=2, inode=3, device=4)


def _copied_back(data_dir: Path, version: int) -> None:
    """Put the rows of a ledger into one of an older version, as an older agent left them."""
    newest = data_dir / "queue.db"
    older = data_dir / "older.db"
    migrate(older, to=version)
    with closing(sqlite3.connect(older)) as connection:
        register(connection)
        connection.execute("ATTACH ? AS newest", [str(newest)])
        tables = ("acquisition", "patient", "instance", "delivery", "proof_request", "event")
        for table in tables:
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM newest.{table}")  # noqa: S608 - our tables
        connection.commit()
    older.replace(newest)


@pytest.mark.parametrize("version", range(1, VERSION))
def test_nothing_is_lost_when_an_older_ledger_is_migrated(
    spool: Spool, data_dir: Path, version: int
) -> None:
    uids = admit(spool, count=3)
    spool.committed("pacs", uids[:1], proof="commitment")
    spool.begin_transaction("2.25.9", "pacs", uids[1:2])
    before = states(spool)
    spool.close()
    _copied_back(data_dir, version)
    with Spool.open(data_dir) as migrated:
        assert migrated.findings == []
        assert states(migrated) == before
        assert migrated.known(origin()) == "WRAPPED"
        assert state_of(migrated, uids[0]) is DeliveryState.COMMITTED
        assert migrated.counts().deliveries["PENDING"] == 2
        assert migrated.transaction("2.25.9") is not None
        migrated.memory("export").remember("export", "a.png", SEEN)


def test_nothing_is_due_of_what_an_older_agent_removed_and_damage_stays_damage(
    spool: Spool, data_dir: Path
) -> None:
    uids = admit(spool, count=3)
    spool.committed("pacs", uids[:2], proof="commitment")
    spool.remove(spool.removable(time.time() + 1e9, 9))
    spool.close()
    _copied_back(data_dir, 2)
    with closing(sqlite3.connect(data_dir / "queue.db")) as connection:
        register(connection)
        connection.execute("UPDATE delivery SET next_attempt_at = created_at")
        connection.execute("DROP TRIGGER delivery_changed")
        connection.execute(
            "UPDATE delivery SET attempts = 77 WHERE sop_instance_uid = ?", [uids[1]]
        )
        connection.commit()
        migrate(data_dir / "queue.db")
        rows = connection.execute(
            "SELECT sop_instance_uid, next_attempt_at IS NULL, attempts FROM delivery"
        ).fetchall()
    assert sorted(rows) == sorted([(uids[0], 1, 0), (uids[1], 0, 77), (uids[2], 0, 0)])


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_every_path_leads_to_the_same_schema(
    tmp_path: Path, empty_ledger: Path, version: int
) -> None:
    path = tmp_path / "queue.db"
    migrate(path, to=version)
    migrate(path)
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(empty_ledger)) as other:
        assert schema_digest(one) == schema_digest(other)
        assert one.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    migrate(path, to=1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE remembered (of_a_later_version)")
    with pytest.raises(sqlite3.OperationalError):
        migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT number FROM version").fetchone() == (1,)


def test_a_new_data_dir_gets_its_ledger_from_a_program_of_its_own(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from passerelle.spool import Spool;"
        "Spool.open(pathlib.Path(sys.argv[1])).close();"
        "print(sorted({'numpy', 'sqlite_utils', 'pydicom', 'PIL'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "the agent itself loads neither"
    tables = sqlite_utils.Database(tmp_path / "data" / "queue.db")
    assert "delivery" in tables.table_names()
    tables.close()
