"""The listener child on a socket of its parent's: reports reach the parent before their answer."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from delivery_support import sent
from passerelle.children.child import LISTENER, PEER, Child
from peers_support import AGENT_AET, Orthanc, embedded_archive, instance
from support import peer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

IDLE_S = 1.0


class Listener:
    """The parent's end: a listening socket, and a child asked to serve it."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.child = Child(LISTENER, inherit=[self.listening.fileno()])
        self.reports: list[dict[str, Any]] = []
        self._pool = ThreadPoolExecutor(1)

    def serve(self, idle_s: float = IDLE_S, allow: tuple[str, ...] = ()) -> Future[dict[str, Any]]:
        body = {
            "fd": self.listening.fileno(),
            "ae_title": AGENT_AET,
            "allow": list(allow),
            "idle_s": idle_s,
        }
        return self._pool.submit(
            self.child.request, "serve", body, deadline_s=60, on_asked=self._take
        )

    def _take(self, notice: dict[str, Any]) -> dict[str, Any]:
        self.reports.append(notice["commitment"])
        return {}

    def echo(self) -> bool:
        command = [peer("echoscu"), "-to", "10", "-aec", AGENT_AET, "127.0.0.1", str(self.port)]
        return subprocess.run(command, check=False, timeout=20).returncode == 0

    def close(self) -> None:
        self.child.close()
        self._pool.shutdown()
        self.listening.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def sender() -> Iterator[Child]:
    child = Child(PEER)
    yield child
    child.close()


def test_it_answers_who_waited_before_it_started_and_goes_when_nobody_comes(
    listener: Listener,
) -> None:
    waiting = threading.Thread(target=lambda: answers.append(listener.echo()))
    answers: list[bool] = []
    waiting.start()
    assert listener.serve().result(20) == {}
    waiting.join()
    assert answers == [True]


def test_it_serves_again_on_the_same_socket(listener: Listener) -> None:
    for _ in range(2):
        served = listener.serve()
        assert listener.echo()
        assert served.result(20) == {}


def test_orthancs_report_reaches_the_parent(
    tmp_path: Path, listener: Listener, sender: Child
) -> None:
    bodies = [instance(tmp_path, 1), instance(tmp_path, 2)]
    with Orthanc(tmp_path / "peer", commit_port=listener.port) as archive:
        served = listener.serve(allow=(archive.ae_title,))
        request = {"node": archive.node()}
        sent(sender, archive.node(), bodies[0])
        asked = {"transaction_uid": "1.2.3", "instances": bodies, "wait_s": 0.1}
        answer = sender.request("commit", {**request, **asked}, deadline_s=20)
        assert answer == {"report": None}
        wait_until(lambda: listener.reports, timeout_s=15)
        assert served.result(20) == {}
        jobs = archive.rest("/jobs?expand")
    assert listener.reports == [
        {
            "transaction_uid": "1.2.3",
            "committed": [bodies[0]["sop_instance_uid"]],
            "failed": {bodies[1]["sop_instance_uid"]: 0x0112},
        }
    ]
    assert {job["State"] for job in jobs} == {"Success"}, "Orthanc saw its report taken"


@pytest.mark.parametrize(("reporting", "failed"), [("new", 0), ("partial", 1), ("never", None)])
def test_the_embedded_archive_reports_as_it_is_told_to(
    tmp_path: Path, listener: Listener, sender: Child, reporting: str, failed: int | None
) -> None:
    bodies = [instance(tmp_path, 1), instance(tmp_path, 2)]
    report_to = f"127.0.0.1:{listener.port}"
    with embedded_archive(tmp_path / "peer", reporting=reporting, report_to=report_to) as node:
        served = listener.serve()
        for body in bodies:
            sent(sender, node, body)
        asked = {"node": node, "transaction_uid": "1.2.3", "instances": bodies, "wait_s": 0.1}
        sender.request("commit", asked, deadline_s=20)
        served.result(20)
    counts = [(len(report["committed"]), len(report["failed"])) for report in listener.reports]
    assert counts == ([] if failed is None else [(2 - failed, failed)])


def test_strangers_take_no_memory_and_no_place_from_an_archive(listener: Listener) -> None:
    served = listener.serve(idle_s=2)
    assert listener.echo()
    status = Path(f"/proc/{listener.child.pid}/status")
    with ExitStack() as stack:
        for said in (b"\x01\0\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n", os.urandom(5000)) * 4:
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", listener.port)))
            stranger.sendall(said)
        mute = [
            stack.enter_context(socket.create_connection(("127.0.0.1", listener.port)))
            for _ in range(8)
        ]
        began = time.monotonic()
        assert listener.echo()
        assert time.monotonic() - began < 5
        resident = next(row for row in status.read_text().splitlines() if row[:5] == "VmHWM")
        assert int(resident.split()[1]) < 80_000
        assert len(mute) == 8
    assert served.result(20) == {}
