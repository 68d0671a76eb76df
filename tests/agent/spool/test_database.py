from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import LedgerError
from passerelle.spool.database import Database
from passerelle.spool.judging import Verdict, judge
from spool_support import admit

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.spool import Spool


def test_what_a_failed_transaction_did_is_undone(spool: Spool) -> None:
    admit(spool)
    database = spool._database  # noqa: SLF001 - the part under test

    def fail() -> None:
        with database.transaction():
            database.run("drop_lonely_deliveries")
            database.run("interrupted", now=0.0)
            database.run("doubted", now=0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [row["state"] for row in spool.rows()] == ["PENDING"]


def test_commits_survive_a_power_cut(data_dir: Path) -> None:
    database = Database.opened(data_dir / "queue.db")
    connection = database._connection  # noqa: SLF001 - how it was opened
    pragmas = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_sound_ledger_is_told_from_damaged_ones(spool: Spool, data_dir: Path) -> None:
    admit(spool)
    spool.close()
    path = data_dir / "queue.db"
    assert judge(path) is Verdict.SOUND
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'PENDING', 'QENDING')"
            " WHERE name = 'delivery_due'"
        )
        connection.commit()
    assert judge(path) is Verdict.DAMAGED, "what is due would never be found"
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert judge(path) is Verdict.DAMAGED
    path.write_bytes(b"")
    assert judge(path) is Verdict.SOUND, "an empty file is an empty ledger"


def test_a_damaged_index_is_told_from_damaged_rows(spool: Spool, data_dir: Path) -> None:
    (uid,) = admit(spool)
    spool.close()
    path = data_dir / "queue.db"
    content = path.read_bytes()
    places = [at for at in range(len(content)) if content.startswith(f"{uid}pacs".encode(), at)]
    in_index = [
        at for at in places if content[at + len(uid) + 4 : at + len(uid) + 11] != b"PENDING"
    ]
    flipped = bytearray(content)
    flipped[in_index[0] + len(uid)] ^= 1
    path.write_bytes(flipped)
    assert judge(path) is Verdict.INDEX


def test_damage_met_while_running_is_an_error_of_the_ledger(data_dir: Path) -> None:
    path = data_dir / "queue.db"
    database = Database.opened(path)
    database.close()
    with pytest.raises(LedgerError):
        database.rows("tallies")
