"""The local door: who has the key is answered, and nobody else."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import TYPE_CHECKING

import pytest

from passerelle.control import Door, ask
from passerelle.errors import ConfigError
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.control import Body


def twice(body: Body) -> Body:
    return {"twice": 2 * body["n"]}


def refuse(_body: Body) -> Body:
    msg = "reassign: Rows cannot be assigned"
    raise ConfigError(msg)


def fail(_body: Body) -> Body:
    raise KeyError("Doe^Jane")  # noqa: EM101 - a defect, not an error of ours


@contextmanager
def running(data_dir: Path) -> Iterator[threading.Thread]:
    door = Door(data_dir, {"twice": twice, "refuse": refuse})
    stop = threading.Event()
    door.open()
    thread = threading.Thread(target=door.run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        door.wake()
        thread.join(5)
        assert not thread.is_alive()


def test_a_command_is_answered_by_the_running_agent(tmp_path: Path) -> None:
    with running(tmp_path):
        assert ask(tmp_path, "twice", {"n": 21}) == {"twice": 42}
        assert ask(tmp_path, "twice", {"n": 1}) == {"twice": 2}


def test_where_no_agent_runs_nothing_is_answered(tmp_path: Path) -> None:
    assert ask(tmp_path, "twice", {"n": 1}) is None


def test_what_a_stopped_agent_leaves_misleads_nobody(tmp_path: Path) -> None:
    with running(tmp_path):
        word = (tmp_path / "control.json").read_text()
    assert not (tmp_path / "control.json").exists()
    (tmp_path / "control.json").write_text(word)  # as one that was killed leaves it
    assert ask(tmp_path, "twice", {"n": 1}) is None
    (tmp_path / "control.json").write_text("not JSON")
    assert ask(tmp_path, "twice", {"n": 1}) is None


def test_an_error_crosses_as_its_sentence(tmp_path: Path) -> None:
    with running(tmp_path):
        with pytest.raises(ConfigError, match=r"^reassign: Rows cannot be assigned$"):
            ask(tmp_path, "refuse", {})
        assert ask(tmp_path, "twice", {"n": 2}) == {"twice": 4}, "the door stays open"


def test_a_caller_with_the_wrong_key_is_told_nothing(tmp_path: Path) -> None:
    with running(tmp_path):
        file = tmp_path / "control.json"
        port = json.loads(file.read_text())["port"]
        with pytest.raises(AuthenticationError):
            Client(("127.0.0.1", port), authkey=bytes(32))
        right = file.read_text()
        file.write_text(json.dumps({"port": port, "key": "00" * 32}))
        assert ask(tmp_path, "twice", {"n": 1}) is None
        file.write_text(right)
        assert ask(tmp_path, "twice", {"n": 1}) == {"twice": 2}


@pytest.mark.parametrize("frame", [b"not JSON", b"[]", b"{}", b'{"request": "other", "body": {}}'])
def test_a_frame_that_is_no_request_does_not_close_the_door(tmp_path: Path, frame: bytes) -> None:
    with running(tmp_path):
        word = json.loads((tmp_path / "control.json").read_text())
        with Client(("127.0.0.1", word["port"]), authkey=bytes.fromhex(word["key"])) as caller:
            caller.send_bytes(frame)
            with pytest.raises(EOFError):
                caller.recv_bytes()
        assert ask(tmp_path, "twice", {"n": 1}) == {"twice": 2}


def test_a_caller_that_says_nothing_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with running(tmp_path):
        word = json.loads((tmp_path / "control.json").read_text())
        address, key = ("127.0.0.1", word["port"]), bytes.fromhex(word["key"])
        with Client(address, authkey=key):
            answers: list[Body | None] = []
            thread = threading.Thread(
                target=lambda: answers.append(ask(tmp_path, "twice", {"n": 1})), daemon=True
            )
            thread.start()
            thread.join(8)
            assert answers == [{"twice": 2}]


@pytest.mark.skipif(os.name != "posix", reason="POSIX rights")
def test_the_key_is_readable_by_the_agents_user_only(tmp_path: Path) -> None:
    with running(tmp_path):
        assert (tmp_path / "control.json").stat().st_mode & 0o777 == 0o600


def test_a_handler_that_fails_ends_the_part_and_its_restart_opens_the_door_again(
    tmp_path: Path,
) -> None:
    door, stop = Door(tmp_path, {"twice": twice, "fail": fail}), threading.Event()
    door.open()
    answers: list[Body | None] = []
    caller = threading.Thread(target=lambda: answers.append(ask(tmp_path, "fail", {})))
    caller.start()
    with pytest.raises(KeyError):
        door.run(stop)
    caller.join(5)
    assert answers == [None]
    again = threading.Thread(target=door.run, args=(stop,))
    again.start()
    wait_until(lambda: ask(tmp_path, "twice", {"n": 1}) == {"twice": 2})
    stop.set()
    door.wake()
    again.join(5)
    assert not again.is_alive()


def test_a_caller_that_waits_when_the_agent_stops_is_not_left_waiting(tmp_path: Path) -> None:
    entered, go, stop = threading.Event(), threading.Event(), threading.Event()

    def slow(_body: Body) -> Body:
        entered.set()
        go.wait(10)
        return {}

    door = Door(tmp_path, {"slow": slow, "twice": twice})
    door.open()
    running = threading.Thread(target=door.run, args=(stop,))
    running.start()
    answers: list[Body | None] = []
    first = threading.Thread(target=ask, args=(tmp_path, "slow", {}))
    second = threading.Thread(target=lambda: answers.append(ask(tmp_path, "twice", {"n": 1})))
    first.start()
    assert entered.wait(10)
    second.start()
    wait_until(lambda: door._calls.qsize() == 1)  # noqa: SLF001 - it waits behind the slow one
    stop.set()
    door.wake()
    go.set()
    for thread in (running, first, second):
        thread.join(10)
        assert not thread.is_alive()
    assert answers == [None]
