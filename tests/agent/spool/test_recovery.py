from __future__ import annotations

import os
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import LedgerError
from passerelle.model import DeliveryState
from passerelle.spool import Spool
from passerelle.spool.layout import Layout
from passerelle.spool.migrate import migrate
from spool_support import WHO, admit, is_intact, leased, made, origin, original, state_of, states

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spool_support import Clock


def _damage_zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _damage_truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def _damage_emptied(path: Path) -> None:
    os.truncate(path, 0)


def _damage_deleted(path: Path) -> None:
    path.unlink()


def _damage_overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = os.urandom(4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [_damage_zeroed, _damage_truncated, _damage_emptied, _damage_deleted, _damage_overwritten],
)
def test_a_lost_ledger_is_made_anew_and_everything_is_asked_for_before_it_is_sent(
    spool: Spool, data_dir: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    uids = admit(spool, "a.png", count=3, to=["pacs", "research"])
    spool.stored(leased(spool))
    of, media, sidecar = original(tmp_path / "device", "b.png")
    spool.hold(of, media, sidecar, reason="no patient")
    spool.close()
    damage(data_dir / "queue.db")
    with Spool.open(data_dir) as rebuilt:
        assert states(rebuilt) == {
            f"{uid} {name}": "UNKNOWN" for uid in uids for name in ("pacs", "research")
        }
        assert (rebuilt.known(origin("a.png")), rebuilt.known(of)) == ("WRAPPED", "HELD")
        (kept,) = rebuilt.kept_acquisitions()
        assert (kept.origin, kept.reason) == (of, "no patient")
        assert rebuilt.findings
        shown = rebuilt.show(uids[0])
        assert shown is not None
        assert shown["identity"]["attributes"] == {"PatientID": "00042"}
    with Spool.open(data_dir) as again:
        assert again.findings == []


def test_a_damaged_ledger_is_set_aside_not_overwritten(spool: Spool, data_dir: Path) -> None:
    spool.close()
    for number in (1, 2):
        (data_dir / "queue.db").write_bytes(b"not a database" * 999)
        with Spool.open(data_dir) as rebuilt:
            assert f"queue.db.broken-{number}" in rebuilt.findings[0]
        assert (data_dir / f"queue.db.broken-{number}").read_bytes().startswith(b"not a")


def test_a_log_without_its_ledger_is_not_replayed_into_another(
    spool: Spool, data_dir: Path
) -> None:
    admit(spool)
    log = (data_dir / "queue.db-wal").read_bytes()
    spool.close()
    (data_dir / "queue.db").unlink()
    (data_dir / "queue.db-wal").write_bytes(log)
    with Spool.open(data_dir) as rebuilt:
        assert set(states(rebuilt).values()) == {"UNKNOWN"}
    assert (data_dir / "queue.db.broken-1-wal").read_bytes() == log


def test_an_interrupted_delivery_is_asked_for(spool: Spool, data_dir: Path) -> None:
    sending, pending = admit(spool, count=2)
    leased(spool)
    spool.close()
    with Spool.open(data_dir) as again:
        (unknown,) = again.unknown("pacs", 10)
        assert (unknown.instance.sop_instance_uid, unknown.uncertain) == (sending, True)
        assert state_of(again, pending) is DeliveryState.PENDING
        assert again.findings == [], "a killed agent is no damage"


def test_what_was_never_finished_goes(spool: Spool, data_dir: Path) -> None:
    made(spool, origin())
    (spool.staging / "tmp.abc").mkdir()
    (data_dir / "spool" / "0f").mkdir()
    (data_dir / "spool" / "0f" / "tmp.2.25.1.json").write_bytes(b"half")
    spool.close()
    with Spool.open(data_dir) as again:
        assert list(again.staging.iterdir()) == []
        assert list(data_dir.glob("spool/0f/*")) == []
        assert again.findings == []


def test_a_record_whose_object_never_came_goes(spool: Spool, data_dir: Path) -> None:
    admit(spool)
    path = leased(spool).instance.path
    spool.close()
    lonely = Layout(data_dir).record("2.25.77")
    lonely.parent.mkdir(exist_ok=True)
    lonely.write_bytes(path.with_suffix(".json").read_bytes())
    with Spool.open(data_dir) as again:
        assert not lonely.exists()
        assert path.with_suffix(".json").exists()
        assert again.findings == []


def test_an_object_that_is_gone_is_told_and_waits_for_a_person(
    spool: Spool, data_dir: Path
) -> None:
    gone, stays = admit(spool, count=2)
    (spool.files(gone)[0]).unlink()
    spool.close()
    with Spool.open(data_dir) as again:
        assert again.findings == ["spool: 1 objects are gone, and the agent did not remove them"]
        assert state_of(again, gone) is DeliveryState.REFUSED
        assert state_of(again, stays) is DeliveryState.PENDING


def test_a_removal_that_was_interrupted_is_finished(
    spool: Spool, data_dir: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (uid,) = admit(spool)
    spool.committed("pacs", [uid], proof="query")
    clock.at += 10
    path = spool.files(uid)[0]
    monkeypatch.setattr(type(path), "unlink", _stopped)
    with pytest.raises(KeyboardInterrupt):
        spool.remove(spool.removable(clock.at, 10))
    monkeypatch.undo()
    assert path.exists()
    spool.close()
    with Spool.open(data_dir) as again:
        assert not path.exists()
        assert not path.with_suffix(".json").exists()
        assert state_of(again, uid) is DeliveryState.COMMITTED
        assert again.findings == []


def _stopped(*_args: object, **_kwargs: object) -> None:
    raise KeyboardInterrupt


def test_an_object_without_a_record_is_set_aside_and_told(spool: Spool, data_dir: Path) -> None:
    (uid,) = admit(spool)
    path = spool.files(uid)[0]
    spool.close()
    path.with_suffix(".json").write_bytes(b"{}")
    (data_dir / "queue.db").unlink()
    with Spool.open(data_dir) as again:
        assert (data_dir / "quarantine" / "unrecorded" / path.name).exists()
        assert "1 objects without a record" in again.findings[0]
        assert again.known(origin()) is None


def test_a_damaged_object_is_told_when_the_ledger_is_made_anew(
    spool: Spool, data_dir: Path
) -> None:
    (uid,) = admit(spool)
    spool.files(uid)[0].write_bytes(b"damaged")
    spool.close()
    (data_dir / "queue.db").unlink()
    with Spool.open(data_dir) as again:
        assert any("1 of these objects are damaged" in finding for finding in again.findings)
        assert state_of(again, uid) is DeliveryState.UNKNOWN, "the archive may have it"


def test_an_acquisition_that_is_not_complete_is_taken_again_without_doubling(
    spool: Spool, data_dir: Path
) -> None:
    uids = admit(spool, count=2)
    path = spool.files(uids[1])[0]
    spool.close()
    (data_dir / "queue.db").unlink()
    path.unlink()
    with Spool.open(data_dir) as again:
        assert again.known(origin()) is None, "one of its two instances is missing"
        of = origin()
        produced = [made(again, of, number, content=f"made anew {number}") for number in (0, 1)]
        again.admit(of, WHO, produced, ["pacs"])
        assert again.known(of) == "WRAPPED"
        assert states(again) == {f"{uids[0]} pacs": "UNKNOWN", f"{uids[1]} pacs": "PENDING"}
        assert is_intact(again.unknown("pacs", 1)[0].instance)


def test_commits_that_were_lost_with_their_log_make_everything_doubtful(
    spool: Spool, data_dir: Path, tmp_path: Path
) -> None:
    (uid,) = admit(spool)
    spool.close()
    with Spool.open(data_dir) as sender:
        sender.stored(leased(sender))
        killed = tmp_path / "killed"
        shutil.copytree(data_dir, killed)  # what the disk holds when the power goes
    (killed / "queue.db-wal").unlink()
    (killed / "queue.db-shm").unlink()
    with Spool.open(killed) as again:
        assert state_of(again, uid) is DeliveryState.UNKNOWN, "it was sent; the row says PENDING"
        assert "last commits are lost" in again.findings[0]


def test_a_kept_original_that_is_gone_is_told(spool: Spool, data_dir: Path, tmp_path: Path) -> None:
    of, media, sidecar = original(tmp_path / "device")
    spool.hold(of, media, sidecar, reason="no patient")
    spool.close()
    (data_dir / "held").rename(tmp_path / "stolen")
    with Spool.open(data_dir) as again:
        assert again.findings == ["spool: 1 held or quarantined originals are gone"]


def test_a_release_that_was_interrupted_is_finished(
    spool: Spool, data_dir: Path, tmp_path: Path
) -> None:
    of, media, sidecar = original(tmp_path / "device")
    spool.hold(of, media, sidecar, reason="no patient")
    spool.admit(of, WHO, [made(spool, of)], ["pacs"])
    spool.close()
    with Spool.open(data_dir) as again:
        assert list(data_dir.glob("held/*")) == []
        archived = sorted(path.name for path in data_dir.glob("archive/export/*/*"))
        assert archived == ["a.png", "a.png.json"]
        assert again.findings == []


def test_a_ledger_of_a_newer_agent_is_left_alone(spool: Spool, data_dir: Path) -> None:
    spool.close()
    with sqlite3.connect(data_dir / "queue.db") as connection:
        connection.execute("UPDATE version SET number = 99")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (data_dir / "queue.db").read_bytes()
    with pytest.raises(LedgerError, match="version 99"):
        Spool.open(data_dir)
    assert (data_dir / "queue.db").read_bytes() == before


def test_a_ledger_of_the_first_version_is_migrated(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    migrate(data_dir / "queue.db", to=1)
    with Spool.open(data_dir) as opened:
        assert opened.findings == []
        admit(opened)
