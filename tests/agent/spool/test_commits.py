"""Threads that work on one ledger at the same time share a commit and lose nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import pytest

from passerelle.errors import SpoolFull
from passerelle.spool import Spool
from passerelle.spool.commits import Commits
from spool_support import WHO, Clock, admit, leased, made, origin, states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LANES: Final = 8


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(tmp_path / "a.db", check_same_thread=False, isolation_level=None)
    ) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE done (n INTEGER UNIQUE CHECK (n < 1000))")
        yield opened


class Lanes:
    """Threads that all stand in line before the first of them has its turn."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.commits = Commits(connection)
        self.statements: list[str] = []
        self.outcomes: dict[int, BaseException | None] = {}
        self._connection = connection

    def run(self, act: Callable[[int], None]) -> None:
        def take(number: int) -> None:
            self.outcomes[number] = None
            try:
                with self.commits.transaction():
                    act(number)
            except (sqlite3.Error, ValueError) as error:
                self.outcomes[number] = error

        threads = [threading.Thread(target=take, args=(number,)) for number in range(LANES)]
        with suppress(sqlite3.Error), self.commits.transaction():
            for thread in threads:
                thread.start()
            while self.commits._in_line < LANES:  # noqa: SLF001 - all of them wait
                time.sleep(0.001)
            self._connection.set_trace_callback(self.statements.append)
        for thread in threads:
            thread.join()
        self._connection.set_trace_callback(None)

    def rows(self) -> list[int]:
        return [n for (n,) in self._connection.execute("SELECT n FROM done ORDER BY n")]


def test_those_in_line_share_one_commit(connection: sqlite3.Connection) -> None:
    lanes = Lanes(connection)
    lanes.run(lambda number: _done(connection, number))
    assert lanes.rows() == list(range(LANES))
    assert lanes.statements.count("COMMIT") == 1, "their own and that of whoever was before them"


def _done(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("INSERT INTO done VALUES (?)", [number])


def test_a_failure_undoes_its_own_part_only(connection: sqlite3.Connection) -> None:
    lanes = Lanes(connection)

    def act(number: int) -> None:
        _done(connection, number)
        if number % 2:
            raise ValueError(number)

    lanes.run(act)
    assert lanes.rows() == [0, 2, 4, 6]
    assert [type(lanes.outcomes[number]) for number in (0, 1)] == [type(None), ValueError]


def test_whoever_is_alone_needs_no_savepoint(connection: sqlite3.Connection) -> None:
    commits, statements = Commits(connection), list[str]()
    connection.set_trace_callback(statements.append)
    with commits.transaction():
        _done(connection, 1)
    with suppress(sqlite3.IntegrityError), commits.transaction():
        _done(connection, 2)
        _done(connection, 1)
    connection.set_trace_callback(None)
    assert not [one for one in statements if "SAVEPOINT" in one], "a rebuild would take for ever"
    assert [n for (n,) in connection.execute("SELECT n FROM done")] == [1]


def test_an_inner_part_is_undone_alone(connection: sqlite3.Connection) -> None:
    commits = Commits(connection)
    with commits.transaction():
        _done(connection, 1)
        with suppress(sqlite3.IntegrityError), commits.transaction():
            _done(connection, 2)
            _done(connection, 1)
        with commits.transaction():
            _done(connection, 3)
    assert [n for (n,) in connection.execute("SELECT n FROM done")] == [1, 3]
    assert not connection.in_transaction


def test_a_commit_that_fails_is_told_to_all_it_was_for(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(
        "CREATE TABLE part (of INTEGER REFERENCES done (n) DEFERRABLE INITIALLY DEFERRED)"
    )
    lanes = Lanes(connection)

    def act(number: int) -> None:
        _done(connection, number)
        if number == 0:
            connection.execute("INSERT INTO part VALUES (77)")

    lanes.run(act)
    assert {type(outcome) for outcome in lanes.outcomes.values()} == {sqlite3.IntegrityError}
    assert lanes.rows() == []
    lanes.run(lambda number: _done(connection, number))
    assert lanes.rows() == list(range(LANES)), "and the next commit is another"


def test_what_sqlite_itself_undoes_is_told_to_those_before(connection: sqlite3.Connection) -> None:
    lanes = Lanes(connection)

    def act(number: int) -> None:
        _done(connection, number)
        if number == LANES - 1:
            connection.execute("INSERT OR ROLLBACK INTO done VALUES (2000)")

    lanes.run(act)
    told = [number for number, outcome in lanes.outcomes.items() if outcome is None]
    assert lanes.rows() == sorted(told), "whoever was told that it is done finds it done"
    assert isinstance(lanes.outcomes[LANES - 1], sqlite3.IntegrityError)


def test_what_is_not_durable_yet_is_read_by_nobody_else(spool: Spool) -> None:
    admit(spool)
    delivery = leased(spool)
    seen: list[set[str]] = []
    with spool._database.transaction():  # noqa: SLF001 - a commit that takes its time
        spool.stored(delivery)
        assert spool.delivery("pacs", delivery.instance.sop_instance_uid) != delivery
        other = threading.Thread(target=lambda: seen.append(set(states(spool).values())))
        other.start()
        other.join(10)
    assert seen == [{"SENDING"}], "and it was not kept waiting"
    assert set(states(spool).values()) == {"STORED"}


def _lane(spool: Spool, lane: int, count: int) -> None:
    for number in range(count):
        of = origin(f"{lane}-{number}.png")
        spool.admit(of, WHO, [made(spool, of)], ["pacs"])
        for delivery in spool.lease("pacs"):
            spool.stored(delivery)


def test_lanes_lose_and_double_nothing(spool: Spool, data_dir: Path) -> None:
    lanes = [threading.Thread(target=_lane, args=(spool, lane, 12)) for lane in range(LANES)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    expected = {f"{origin(f'{a}-{b}.png').uid()} pacs" for a in range(LANES) for b in range(12)}
    assert set(states(spool)) == expected
    assert len(list(spool.rows())) == len(expected)
    shown = [spool.show(key.split()[0]) for key in expected]
    assert all(
        [event["kind"] for event in one["events"]] == ["wrapped", "stored"] for one in shown if one
    )
    counted = spool.counts()
    spool.close()
    with Spool.open(data_dir) as again:
        assert again.findings == []
        assert again.counts().deliveries == counted.deliveries
        assert again.counts().deliveries["STORED"] == len(expected)


#: Says of each step that it was done, only after its method returned.
WORKING: Final = """
import pathlib, sys, threading
from passerelle.spool import Spool
from spool_support import WHO, made, origin
spool = Spool.open(pathlib.Path(sys.argv[1]))
say = threading.Lock()
def said(*words):
    with say:
        print(*words, flush=True)
def work(lane):
    for number in range(100000):
        of = origin(f"{lane}-{number}.png")
        spool.admit(of, WHO, [made(spool, of)], ["pacs"])
        said("admitted", of.uid())
        (delivery,) = spool.lease("pacs")
        said("leased", delivery.instance.sop_instance_uid)
        spool.stored(delivery)
        said("stored", delivery.instance.sop_instance_uid)
for lane in range(8):
    threading.Thread(target=work, args=(lane,)).start()
"""


@pytest.mark.parametrize("after", [30, 150])
def test_what_any_lane_was_told_survives_a_kill(data_dir: Path, after: int) -> None:
    command = [sys.executable, "-c", WORKING, str(data_dir)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as working:
        assert working.stdout is not None
        lines = [next(working.stdout) for _ in range(after)]
        working.kill()
        lines += list(working.stdout)
    said: dict[str, str] = {}
    leases = [line.split()[1] for line in lines if line.startswith("leased")]
    for line in lines:
        if line.endswith("\n"):
            word, uid = line.split()
            said[uid] = word
    assert len(set(leases)) == len(leases), "no delivery was leased twice"
    with Spool.open(data_dir, now=Clock()) as again:
        assert again.findings == []
        found = states(again)
        assert len(list(again.rows())) == len(found)
        for uid, word in said.items():
            now = found[f"{uid} pacs"]
            match word:
                case "stored":
                    assert now == "STORED"
                case "leased":
                    assert now in ("UNKNOWN", "STORED")
                case _:
                    assert now in ("PENDING", "UNKNOWN", "STORED")


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk")
def test_a_full_disk_refuses_lanes_and_keeps_what_it_took(
    small_disk: Path, empty_ledger: Path
) -> None:
    assert empty_ledger.exists()
    done: list[str] = []
    full: list[int] = []
    with Spool.open(small_disk) as spool:

        def work(lane: int) -> None:
            try:
                for number in range(1000):
                    name = f"{lane}-{number}.png"
                    of = origin(name)
                    one = made(spool, of, content="x" * 5000)
                    spool.admit(of, WHO, [one], ["pacs"])
                    done.append(of.uid())
            except (SpoolFull, OSError):
                full.append(lane)

        lanes = [threading.Thread(target=work, args=(lane,)) for lane in range(LANES)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        assert sorted(full) == list(range(LANES))
        shutil.rmtree(spool.staging)
        spool.staging.mkdir()
        owed = {key.split()[0] for key in states(spool)}
        assert owed == set(done)
        here = {path.stem for path in small_disk.glob("spool/??/*.dcm")}
        assert here == owed, "what was refused left nothing"
