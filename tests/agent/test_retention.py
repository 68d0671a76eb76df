"""Retention: what is proven and old goes; whatever is owed to an archive stays."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from passerelle.retention import Retention
from queue_support import Clock, admitted, state

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.spool import Spool

DAY = 86400.0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "data" / "archive"


@pytest.fixture
def retention(spool: Spool, archive: Path, clock: Clock) -> Retention:
    return Retention(spool, archive, committed_days=7, unproven_ok=(), now=clock)


def store(spool: Spool, destination: str = "pacs") -> None:
    (delivery,) = spool.lease(destination)
    spool.stored(delivery)


def original(archive: Path, day: str) -> Path:
    path = archive / "export" / day / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"original")
    return path


def test_what_is_proven_goes_after_its_days_and_not_before(
    spool: Spool, clock: Clock, retention: Retention
) -> None:
    uid = admitted(spool)
    (path,) = spool.files(uid)
    store(spool)
    spool.committed("pacs", [uid], proof="report")
    clock.now += 7 * DAY - 1
    assert retention.remove_old() == 0
    assert path.exists()
    clock.now += 2
    assert retention.remove_old() == 1
    assert not path.exists()
    assert state(spool, uid) == "COMMITTED", "the queue still tells what became of it"


def test_what_is_stored_but_not_proven_stays_for_ever(
    spool: Spool, clock: Clock, retention: Retention
) -> None:
    uid = admitted(spool)
    store(spool)
    clock.now += 3650 * DAY
    assert retention.remove_old() == 0
    assert spool.files(uid)[0].exists()


def test_what_one_destination_lacks_stays(spool: Spool, clock: Clock, retention: Retention) -> None:
    uid = admitted(spool, destinations=("pacs", "vna"))
    store(spool)
    spool.committed("pacs", [uid], proof="report")
    clock.now += 30 * DAY
    assert retention.remove_old() == 0
    assert spool.files(uid)[0].exists()


def test_stored_is_enough_where_commitment_is_off(
    spool: Spool, archive: Path, clock: Clock
) -> None:
    admitted(spool)
    store(spool)
    clock.now += 8 * DAY
    lenient = Retention(spool, archive, committed_days=7, unproven_ok=["pacs"], now=clock)
    assert lenient.remove_old() == 1


def test_more_than_a_batch_goes_at_once(spool: Spool, clock: Clock, retention: Retention) -> None:
    uids = [admitted(spool, number) for number in range(1, 203)]
    for _ in uids:
        store(spool)
    spool.committed("pacs", uids, proof="report")
    clock.now += 8 * DAY
    assert retention.remove_old() == 202


def test_archived_originals_go_by_the_day_and_only_when_all_of_that_time_is_proven(
    spool: Spool, archive: Path, clock: Clock, retention: Retention
) -> None:
    clock.now = 1_800_000_000.0  # 2027-01-15, 08:00 UTC
    uid = admitted(spool)
    old, today = original(archive, "2027-01-10"), original(archive, "2027-01-15")
    clock.now += 30 * DAY
    retention.remove_old()
    assert not old.exists(), "older than anything that lacks a proof"
    assert today.exists(), "the instance of that day is not proven"
    store(spool)
    spool.committed("pacs", [uid], proof="report")
    retention.remove_old()
    assert not today.exists()


def test_originals_stay_as_long_as_the_instances(
    archive: Path, clock: Clock, retention: Retention
) -> None:
    path = original(archive, "2027-01-15")
    clock.now = 1_800_000_000.0 + 7 * DAY
    retention.remove_old()
    assert path.exists()
    clock.now += 3 * DAY
    retention.remove_old()
    assert not path.exists()


def test_a_folder_that_is_no_day_stays(archive: Path, clock: Clock, retention: Retention) -> None:
    path = original(archive, "2027-99-99")
    clock.now += 300 * DAY
    retention.remove_old()
    assert path.exists()


def test_it_looks_when_woken_and_ends_when_told(
    spool: Spool, clock: Clock, retention: Retention
) -> None:
    uid = admitted(spool)
    store(spool)
    spool.committed("pacs", [uid], proof="report")
    stop = threading.Event()
    thread = threading.Thread(target=retention.run, args=(stop,))
    thread.start()
    clock.now += 8 * DAY
    retention.wake()
    stop.set()
    retention.wake()
    thread.join(5)
    assert not thread.is_alive()
