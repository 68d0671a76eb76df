from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import LedgerError
from passerelle.model import DeliveryState
from passerelle.spool import Spool
from passerelle.spool.database import Database
from passerelle.spool.judging import Verdict, judge
from passerelle.spool.layout import Layout
from passerelle.spool.mending import mend
from spool_support import NOON, Clock, admit, leased, origin, original, state_of, states

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def _falsified(spool: Spool, change: str) -> None:
    """Change rows as a flipped bit would: past the triggers that seal them."""
    connection: sqlite3.Connection = spool._database._connection  # noqa: SLF001 - the damage
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    kept = triggers.fetchall()
    for name, _sql in kept:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(change)
    for _name, sql in kept:
        connection.execute(sql)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE delivery SET state = 'COMMITTED'",
        "UPDATE delivery SET state = 'STORED'",
        "UPDATE delivery SET destination = 'pbcs'",
        "UPDATE delivery SET next_attempt_at = 1e300, seal = seal + 1",
        "UPDATE instance SET sha256 = 'beef'",
        "UPDATE instance SET sop_instance_uid = '2.25.66' || substr(sop_instance_uid, 8)",
        "UPDATE acquisition SET state = 'HELD'",
        "UPDATE patient SET original = '\"b.png\"'",
    ],
)
def test_a_falsified_row_is_made_anew_at_start_and_told(
    spool: Spool, data_dir: Path, change: str
) -> None:
    (uid,) = admit(spool)
    spool._database._connection.execute("PRAGMA foreign_keys = OFF")  # noqa: SLF001 - the damage
    _falsified(spool, change)
    spool.close()
    with Spool.open(data_dir) as again:
        assert "damaged" in again.findings[0]
        assert set(states(again)) == {f"{uid} pacs"}
        assert state_of(again, uid) in (DeliveryState.UNKNOWN, DeliveryState.PENDING)
        assert again.known(origin()) == "WRAPPED"
        (row,) = again.rows()
        assert (row["original"], row["destination"]) == ("a.png", "pacs")
    with Spool.open(data_dir) as healthy:
        assert healthy.findings == []


def test_a_row_falsified_while_the_agent_runs_is_never_used(spool: Spool) -> None:
    first, second = admit(spool, count=2)
    _falsified(spool, "UPDATE delivery SET attempts = 77 WHERE rowid = 1")
    assert leased(spool).instance.sop_instance_uid == second
    assert state_of(spool, first) is DeliveryState.UNKNOWN
    assert len(spool.findings) == 1


@pytest.mark.parametrize("reading", ["removable", "awaiting_proof", "known", "unknown"])
def test_no_decision_is_made_on_a_falsified_row(spool: Spool, reading: str) -> None:
    (uid,) = admit(spool)
    _falsified(
        spool,
        {
            "removable": "UPDATE delivery SET state = 'COMMITTED'",
            "awaiting_proof": "UPDATE delivery SET state = 'STORED'",
        }.get(reading, "UPDATE delivery SET state = 'UNKNOWN'"),
    )
    _falsified(spool, "UPDATE acquisition SET state = 'QUARANTINED'")
    match reading:
        case "removable":
            assert spool.removable(NOON + 10, 10) == []
        case "awaiting_proof":
            assert spool.awaiting_proof("pacs", 10) == []
        case "known":
            assert spool.known(origin()) == "WRAPPED"
        case _:
            assert not spool.unknown("pacs", 10)[0].failures
    assert state_of(spool, uid) is DeliveryState.UNKNOWN
    assert spool.findings


def test_a_damaged_acquisition_of_a_removed_instance_is_still_known(
    spool: Spool, clock: Clock, data_dir: Path
) -> None:
    (uid,) = admit(spool)
    spool.committed("pacs", [uid], proof="query")
    clock.at += 10
    spool.remove(spool.removable(clock.at, 10))
    _falsified(spool, "UPDATE acquisition SET state = 'RECEIVED'")
    spool.close()
    with Spool.open(data_dir) as again:
        assert again.known(origin()) == "WRAPPED"
        assert state_of(again, uid) is DeliveryState.COMMITTED


def test_a_damaged_key_leaves_nothing_in_an_index(spool: Spool, data_dir: Path) -> None:
    (uid,) = admit(spool)
    spool.close()
    path = data_dir / "queue.db"
    content = bytearray(path.read_bytes())
    at = content.index(f"{uid}pacsPENDING".encode())
    content[at + len(uid) - 1] ^= 1
    path.write_bytes(content)
    database = Database.opened(path)
    assert mend(database, Layout(data_dir), NOON)
    database.close()
    assert judge(path) is Verdict.SOUND


def test_damage_beyond_rows_is_an_error_not_a_loop(spool: Spool) -> None:
    with pytest.raises(LedgerError):
        spool._mended(_unreadable)  # noqa: SLF001 - damage that no row shows


def _unreadable() -> None:
    msg = "ledger: database disk image is malformed"
    raise LedgerError(msg)


def _picture_of(spool: Spool) -> tuple[dict[str, str], dict[str, str]]:
    known = {name: str(spool.known(origin(name))) for name in ("a.png", "b.png", "c.png")}
    return states(spool), known


def test_no_flipped_bit_changes_a_state_silently(
    spool: Spool, clock: Clock, data_dir: Path, tmp_path: Path
) -> None:
    admit(spool, "a.png", count=6, to=["pacs", "research"])
    for outcome in ("stored", "stored", "refused", "unknown"):
        delivery = leased(spool)
        match outcome:
            case "stored":
                spool.stored(delivery)
            case "refused":
                spool.refuse(delivery, reason="A900")
            case _:
                spool.mark_unknown(delivery, reason="no answer")
    gone = admit(spool, "b.png", to=["folder"])
    spool.committed("folder", gone, proof="query")
    clock.at += 10
    spool.remove(spool.removable(clock.at, 10))
    of, media, sidecar = original(tmp_path / "device", "c.png")
    spool.hold(of, media, sidecar, reason="no patient")
    before = _picture_of(spool)
    spool.close()
    sound = (data_dir / "queue.db").read_bytes()
    chance = random.Random(20260923)
    for bit in (chance.randrange(len(sound) * 8) for _ in range(60)):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        folder = tmp_path / f"bit-{bit}"
        shutil.copytree(data_dir, folder)
        (folder / "queue.db").write_bytes(flipped)
        with Spool.open(folder, now=clock) as again:
            owed, known = _picture_of(again)
            changed = {key for key in before[0] | owed if before[0].get(key) != owed.get(key)}
            assert again.findings or (not changed and known == before[1]), f"bit {bit}"
            assert {owed.get(key) for key in changed if gone[0] not in key} <= {"UNKNOWN"}
        shutil.rmtree(folder)
