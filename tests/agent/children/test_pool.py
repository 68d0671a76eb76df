"""Several children of one program: no more than needed, and none blamed for another."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passerelle.children.child import Child
from passerelle.children.pool import Pool, workers
from passerelle.errors import ChildError
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future


class Bench:
    """A pool of children that misbehave on request, asked by several threads."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        self.children = [
            Child("rogue_child", limit_bytes=512 << 20, idle_s=60) for _ in range(size)
        ]
        self.pool = Pool(self.children)
        self.go = folder / "go"
        self._threads = ThreadPoolExecutor(8)

    def ask(self, kind: str, *, alone: bool = False, subject: str = "") -> Future[int]:
        body = {"file": str(self.go)}
        return self._threads.submit(
            lambda: self.pool.request(kind, body, deadline_s=20, alone=alone, subject=subject)[
                "pid"
            ]
        )

    def prepare(self, subject: str, *, crash: bool = False) -> None:
        told = self.go.with_name(f"prepared-{subject}")
        self.pool.prepare(subject, {"file": str(self.go), "told": str(told), "crash": crash})

    def prepared(self, subject: str) -> list[int]:
        """Who prepared it, as soon as somebody does."""
        told = self.go.with_name(f"prepared-{subject}")
        wait_until(lambda: told.exists() and told.read_text())
        return [int(pid) for pid in told.read_text().split()]

    def running(self) -> int:
        return sum(child.pid is not None for child in self.children)

    def close(self) -> None:
        self.pool.close()
        self._threads.shutdown()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(Path(__file__).parents[2]), "agent")))
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_requests_at_the_same_time_have_a_child_each(bench: Bench) -> None:
    asked = [bench.ask("wait") for _ in range(3)]
    wait_until(lambda: bench.running() == 3)
    bench.go.touch()
    assert len({one.result() for one in asked}) == 3


def test_one_request_after_another_needs_one_child(bench: Bench) -> None:
    assert len({bench.ask("echo").result() for _ in range(5)}) == 1
    assert bench.running() == 1


def test_a_request_too_many_waits_for_its_turn(bench: Bench) -> None:
    asked = [bench.ask("wait") for _ in range(5)]
    wait_until(lambda: bench.running() == 3)
    bench.go.touch()
    assert len({one.result() for one in asked}) == 3


def test_the_end_of_one_child_is_told_to_whom_it_served_and_to_nobody_else(bench: Bench) -> None:
    waiting = bench.ask("wait")
    wait_until(lambda: bench.running() == 1)
    with pytest.raises(ChildError, match="SIGABRT"):
        bench.ask("crash").result()
    bench.go.touch()
    assert waiting.result()
    assert bench.ask("echo").result(), "and its place is taken by another"


def test_who_asks_to_be_alone_waits_for_the_others_and_keeps_the_next_ones_waiting(
    bench: Bench,
) -> None:
    waiting = bench.ask("wait")
    wait_until(lambda: bench.running() == 1)
    alone = bench.ask("echo", alone=True)
    wait_until(lambda: bench.pool._alone == 1)  # noqa: SLF001 - that it waits shows nowhere else
    later = bench.ask("echo")
    assert not alone.done()
    assert not later.done()
    assert bench.running() == 1
    bench.go.touch()
    assert {waiting.result(), alone.result(), later.result()} == {bench.children[0].pid}


def test_a_failure_alone_lets_the_others_go_on(bench: Bench) -> None:
    with pytest.raises(ChildError):
        bench.ask("crash", alone=True).result()
    assert bench.ask("echo").result()


def test_a_warm_child_is_the_one_that_the_first_request_gets(bench: Bench) -> None:
    bench.pool.warm()
    bench.pool.warm()
    wait_until(lambda: bench.running() == 1)
    (warmed,) = (child.pid for child in bench.children if child.pid)
    assert bench.ask("echo").result() == warmed
    assert bench.running() == 1


def test_a_child_that_cannot_be_warmed_is_told_by_its_request(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "nowhere")
    bench.pool.warm()
    with pytest.raises(ChildError):
        bench.ask("echo").result()


def test_closing_ends_what_is_under_way(bench: Bench) -> None:
    asked = [bench.ask("wait") for _ in range(5)]
    wait_until(lambda: bench.running() == 3)
    bench.pool.close()
    for one in asked:
        with pytest.raises(ChildError):
            one.result(timeout=5)
    assert bench.running() == 0


def test_there_are_workers_for_this_machines_cores_and_none_runs_yet() -> None:
    children = workers()
    assert 1 <= len(children) <= 4
    assert {child.pid for child in children} == {None}


def test_who_is_preparing_something_is_waited_for_and_asked(bench: Bench) -> None:
    bench.prepare("a")
    (preparing,) = bench.prepared("a")
    other = bench.ask("echo").result()
    assert other != preparing, "it is not kept from others"
    asked = bench.ask("echo", subject="a")
    wait_until(lambda: bench.pool._wanting == 1)  # noqa: SLF001 - that it waits shows nowhere else
    bench.go.touch()
    assert asked.result() == preparing


def test_nothing_is_prepared_while_requests_wait(bench: Bench) -> None:
    asked = [bench.ask("wait") for _ in range(4)]
    wait_until(lambda: bench.pool._wanting == 1)  # noqa: SLF001 - that it waits shows nowhere else
    bench.prepare("a")
    bench.go.touch()
    assert all(one.result() for one in asked)
    assert not bench.go.with_name("prepared-a").exists()


def test_what_is_requested_first_is_not_prepared_any_more(bench: Bench) -> None:
    for subject in "abcd":
        bench.prepare(subject)
    busy = [bench.prepared(subject) for subject in "abc"]
    asked = bench.ask("echo", subject="d")
    wait_until(lambda: bench.pool._wanting == 1)  # noqa: SLF001 - that it waits shows nowhere else
    bench.go.touch()
    assert asked.result() in {pid for (pid,) in busy}
    assert not bench.go.with_name("prepared-d").exists()


def test_a_preparation_that_ends_its_child_harms_nobody(bench: Bench) -> None:
    bench.prepare("a", crash=True)
    bench.prepared("a")
    assert bench.ask("echo", subject="a").result()


def test_only_so_many_preparations_wait(bench: Bench) -> None:
    subjects = [f"{number:03}" for number in range(40)]
    for subject in subjects:
        bench.prepare(subject)
    bench.go.touch()
    wait_until(lambda: len(bench.pool._free) == 3)  # noqa: SLF001 - nobody is at work any more
    done = sum(bench.go.with_name(f"prepared-{subject}").exists() for subject in subjects)
    assert 16 <= done <= 20
