"""The agent is killed before every step of what it makes durable, and started again."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from crash_support import killed
from passerelle.spool import Spool
from spool_support import NOON, WHO, Clock, admit, is_intact, leased, made, origin, original, states

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills a fork of itself")


def _killed_everywhere(
    data_dir: Path,
    tmp_path: Path,
    act: Callable[[Spool], None],
    then: Callable[[Spool], None],
) -> int:
    """Kill `act` before each of its steps, every time on a fresh copy; how many steps it has."""
    for step in range(1000):
        folder = tmp_path / f"killed-{step}"
        shutil.copytree(data_dir, folder)

        def run(folder: Path = folder) -> None:
            spool = Spool.open(folder, now=Clock())
            act(spool)
            spool.close()

        was_killed = killed(step, run)
        for start in ("first", "second"):
            with Spool.open(folder, now=Clock(NOON + 60)) as again:
                assert again.findings == [], f"{start} start after a death before step {step}"
                then(again)
                assert list(again.staging.iterdir()) == []
        shutil.rmtree(folder)
        if not was_killed:
            return step
    pytest.fail("it never ends")


def test_no_acquisition_is_lost_or_doubled(data_dir: Path, tmp_path: Path) -> None:
    def act(spool: Spool) -> None:
        admit(spool, "a.png", count=2, to=["pacs", "research"])

    def then(spool: Spool) -> None:
        if spool.known(origin("a.png")) is None:
            act(spool)  # the source offers it again: it was not released
        owed = states(spool)
        assert len(owed) == 4
        assert set(owed.values()) <= {"PENDING", "UNKNOWN"}
        for delivery in spool.unknown("pacs", 9):
            assert is_intact(delivery.instance)

    assert _killed_everywhere(data_dir, tmp_path, act, then) > 60


def test_no_original_is_lost_that_waits_for_a_person(data_dir: Path, tmp_path: Path) -> None:
    of, media, sidecar = original(tmp_path / "device")

    def act(spool: Spool) -> None:
        spool.hold(of, media, sidecar, reason="no patient")

    def then(spool: Spool) -> None:
        if spool.known(of) is None:
            act(spool)
        (kept,) = spool.kept_acquisitions()
        assert kept.media.read_bytes() == media.read_bytes()
        assert kept.sidecar is not None

    assert _killed_everywhere(data_dir, tmp_path, act, then) > 30


def test_a_held_original_is_wrapped_and_archived_once(data_dir: Path, tmp_path: Path) -> None:
    of, media, sidecar = original(tmp_path / "device")
    with Spool.open(data_dir) as spool:
        spool.hold(of, media, sidecar, reason="no patient")

    def act(spool: Spool) -> None:
        if spool.known(of) == "HELD":
            spool.admit(of, WHO, [made(spool, of)], ["pacs"])
        spool.release_kept(of.id, spool.staging.parents[1] / "archive" / "export")

    def then(spool: Spool) -> None:
        act(spool)
        assert len(states(spool)) == 1
        archived = list(spool.staging.parents[1].glob("archive/export/*/*.png"))
        assert [path.read_bytes() for path in archived] == [media.read_bytes()]

    assert _killed_everywhere(data_dir, tmp_path, act, then) > 60


def test_an_outcome_is_written_or_asked_for(data_dir: Path, tmp_path: Path) -> None:
    with Spool.open(data_dir, now=Clock()) as spool:
        admit(spool)

    def act(spool: Spool) -> None:
        spool.stored(leased(spool))

    def then(spool: Spool) -> None:
        assert set(states(spool).values()) <= {"PENDING", "UNKNOWN", "STORED"}
        assert len(states(spool)) == 1

    assert _killed_everywhere(data_dir, tmp_path, act, then) > 20


def test_a_removal_is_finished_or_was_not_begun(data_dir: Path, tmp_path: Path) -> None:
    with Spool.open(data_dir, now=Clock()) as spool:
        uids = admit(spool, count=2)
        spool.committed("pacs", uids, proof="commitment")

    def act(spool: Spool) -> None:
        spool.remove(spool.removable(NOON + 1, 10))

    def then(spool: Spool) -> None:
        act(spool)
        assert set(states(spool).values()) == {"COMMITTED"}
        assert spool.files(uids[0]) + spool.files(uids[1]) == []
        assert list(spool.staging.parent.glob("*/2.25*")) == []

    assert _killed_everywhere(data_dir, tmp_path, act, then) > 20
