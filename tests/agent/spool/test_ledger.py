from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passerelle.errors import LedgerError
from passerelle.model import AcquisitionState, DeliveryState
from passerelle.spool import Ledger
from spool_support import NOON, admit, leased, origin, original

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.spool import Spool
    from spool_support import Clock

CONTRACT = [
    "sop_instance_uid",
    "sop_class_uid",
    "study_instance_uid",
    "destination",
    "state",
    "attempts",
    "next_attempt_at",
    "reason",
    "source",
    "original",
    "bytes",
    "created_at",
]


def test_a_row_has_the_keys_of_the_contract(spool: Spool) -> None:
    (uid,) = admit(spool, "sub/a.png")
    (row,) = spool.rows()
    assert list(row)[: len(CONTRACT)] == CONTRACT
    assert (row["sop_instance_uid"], row["original"], row["source"]) == (uid, "sub/a.png", "export")
    assert row["acquisition"] == origin("sub/a.png").id
    assert row["created_at"] == row["next_attempt_at"] == "2026-09-21T14:13:20Z"


def test_rows_are_filtered_by_state_and_kept_originals_are_among_them(
    spool: Spool, tmp_path: Path
) -> None:
    admit(spool, count=2)
    leased(spool)
    of, media, _ = original(tmp_path / "device", "DOE.png")
    spool.hold(of, media, None, reason="no patient")
    assert [row["state"] for row in spool.rows()] == ["SENDING", "PENDING", "HELD"]
    (held,) = spool.rows("HELD")
    assert (held["sop_instance_uid"], held["acquisition"]) == ("", of.id)
    assert (held["original"], held["reason"]) == ("DOE.png", "no patient")


def test_more_rows_than_a_page_are_listed_once_each(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerelle.spool.ledger._PAGE", 2)
    uids = admit(spool, count=5)
    assert [row["sop_instance_uid"] for row in spool.rows()] == uids


def test_every_state_is_counted_even_where_there_is_none(spool: Spool) -> None:
    counts = spool.counts()
    assert counts.acquisitions == dict.fromkeys(AcquisitionState, 0)
    assert counts.deliveries == dict.fromkeys(DeliveryState, 0)
    assert (counts.oldest_unsent, counts.newest_at, counts.bytes_since_open) == ({}, None, 0)


def test_counts_follow_what_happens(spool: Spool, clock: Clock) -> None:
    admit(spool, "a.png", to=["pacs", "research"])
    clock.at += 10
    (second,) = admit(spool, "b.png")
    spool.stored(leased(spool))
    spool.committed("pacs", [second], proof="query")
    counts = spool.counts()
    assert {state: n for state, n in counts.deliveries.items() if n} == {
        "PENDING": 1,
        "STORED": 1,
        "COMMITTED": 1,
    }
    assert counts.by_destination["pacs"]["STORED"] == 1
    assert counts.oldest_unsent == {"research": NOON}
    assert counts.newest_at == NOON + 10
    assert counts.acquisitions["WRAPPED"] == 2
    assert counts.bytes_since_open == sum(row["bytes"] for row in spool.rows("STORED")) * 2


def test_an_instance_and_its_acquisition_are_shown_with_their_events(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.refuse(leased(spool), reason="A900")
    shown = spool.show(uid)
    assert shown is not None
    assert shown["identity"]["attributes"] == {"PatientID": "00042"}
    assert [(one["destination"], one["state"]) for one in shown["deliveries"]] == [
        ("pacs", "REFUSED")
    ]
    assert [event["kind"] for event in shown["events"]] == ["wrapped", "refused"]
    acquisition = spool.show(origin().id)
    assert acquisition is not None
    assert [one["sop_instance_uid"] for one in acquisition["instances"]] == [uid]
    assert spool.show("2.25.404") is None


def test_the_files_of_an_instance_an_acquisition_and_an_original_are_told(
    spool: Spool, tmp_path: Path
) -> None:
    uids = admit(spool, count=2)
    of, media, sidecar = original(tmp_path / "device", "b.png")
    spool.hold(of, media, sidecar, reason="no patient")
    assert [path.stem for path in spool.files(uids[0])] == uids[:1]
    assert [path.stem for path in spool.files(origin().id)] == uids
    assert [path.name for path in spool.files(of.id)] == ["b.png", "b.png.json"]
    assert spool.files("2.25.404") == []


def test_a_ledger_is_read_beside_a_running_agent_and_without_one(
    spool: Spool, data_dir: Path
) -> None:
    admit(spool)
    with Ledger.read_only(data_dir) as beside:
        assert len(list(beside.rows())) == 1
        admit(spool, "b.png")
        assert beside.counts().deliveries["PENDING"] == 2
    spool.close()
    with Ledger.read_only(data_dir) as alone:
        assert alone.counts().deliveries["PENDING"] == 2
    assert not (data_dir / "queue.db-wal").exists(), "reading leaves nothing behind"


def test_a_ledger_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="unable to open"):
        Ledger.read_only(tmp_path)
    (tmp_path / "queue.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(LedgerError, match="not a database"):
        Ledger.read_only(tmp_path)


def test_counting_does_not_take_longer_with_more_rows(spool: Spool) -> None:
    def cost() -> int:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        connection = spool._database._connection  # noqa: SLF001 - counts SQLite's own steps
        connection.set_progress_handler(step, 10)
        spool.counts()
        connection.set_progress_handler(None, 0)
        return steps

    admit(spool, "a.png", count=5)
    few = cost()
    admit(spool, "b.png", count=300)
    assert cost() <= few + 5
