"""The one mechanism that starts, limits and watches children, tried on one that misbehaves."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passerelle.children.child import Child
from passerelle.errors import ChildError, EncodingError
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 512 << 20


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(Path(__file__).parents[2]), "agent")))
    child = Child("rogue_child", limit_bytes=LIMIT, idle_s=60)
    yield child
    child.close()


def ask(child: Child, kind: str, deadline_s: float = 20, **body: object) -> dict[str, object]:
    return child.request(kind, body, deadline_s=deadline_s)


def test_a_child_starts_with_its_first_request_and_serves_the_next_ones(child: Child) -> None:
    assert child.pid is None
    first = ask(child, "echo", x="é\udcff")
    assert first["x"] == "é\udcff"
    assert ask(child, "echo")["pid"] == first["pid"] == child.pid


def test_an_error_that_the_parent_can_act_on_crosses_by_name(child: Child) -> None:
    with pytest.raises(EncodingError, match=r"^TIFF: no pixels$"):
        ask(child, "refuse")
    assert ask(child, "echo")["pid"] == child.pid, "the child lives on"


def test_a_crash_is_told_and_the_next_request_starts_another_child(child: Child) -> None:
    first = ask(child, "echo")["pid"]
    with pytest.raises(ChildError, match=r"rogue_child: ended unasked \(SIGABRT\)"):
        ask(child, "crash")
    assert ask(child, "echo")["pid"] != first


def test_an_unexpected_exception_tells_its_kind_and_place_but_not_its_text(child: Child) -> None:
    with pytest.raises(ChildError, match=r"crashed, KeyError at rogue_child.py:\d+") as caught:
        ask(child, "trip", secret="Doe^Jane")  # noqa: S106 - a name, not a password
    assert "Doe" not in str(caught.value)


def test_a_child_that_hangs_is_ended_at_the_deadline(child: Child) -> None:
    ask(child, "echo")
    hanging = child.pid
    assert hanging
    with pytest.raises(ChildError, match="silent for 0 s, ended"):
        ask(child, "hang", deadline_s=0.3)
    with pytest.raises(ProcessLookupError):
        os.kill(hanging, 0)


def test_a_child_that_eats_memory_fails_at_its_limit_and_not_the_machine(child: Child) -> None:
    with pytest.raises(ChildError, match="MemoryError"):
        ask(child, "eat")
    assert ask(child, "echo")["pid"]


def test_notices_are_answered_while_a_request_is_under_way(child: Child) -> None:
    answer = child.request(
        "count", {"to": 5}, deadline_s=20, on_asked=lambda asked: {"twice": 2 * asked["n"]}
    )
    assert answer == {"replies": [0, 2, 4, 6, 8]}


def test_what_a_library_prints_does_not_break_the_frames(child: Child) -> None:
    assert ask(child, "babble") == {}
    assert ask(child, "echo")["pid"] == child.pid


def test_an_idle_child_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(Path(__file__).parents[2]), "agent")))
    child = Child("rogue_child", limit_bytes=LIMIT, idle_s=0.2)
    first = ask(child, "echo")["pid"]
    wait_until(lambda: child.pid is None)
    assert ask(child, "echo")["pid"] != first
    child.close()


def test_closing_frees_a_request_that_is_under_way(child: Child) -> None:
    ask(child, "echo")
    failures: list[ChildError] = []

    def hang() -> None:
        try:
            ask(child, "hang")
        except ChildError as error:
            failures.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    child.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_child_ends_itself_when_its_parent_is_killed(child: Child) -> None:
    ask(child, "echo")
    process = child._process  # noqa: SLF001 - the pipe breaks as when the parent is killed
    assert process
    assert process.stdin
    process.stdin.close()
    wait_until(lambda: process.poll() is not None)
    assert process.returncode == 0


def test_a_closed_child_is_never_started_again(child: Child) -> None:
    ask(child, "echo")
    child.close()
    with pytest.raises(ChildError, match="rogue_child: closed"):
        ask(child, "echo")
    assert child.pid is None
