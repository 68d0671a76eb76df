"""The report listener: no process while nobody calls, and no report is lost."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from delivery_support import sent
from passerelle.children.child import PEER, Child
from passerelle.errors import SourceError
from passerelle.reports import ReportListener
from peers_support import AGENT_AET, Orthanc, instance
from support import free_port, peer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.model import CommitmentReport


class Post:
    """A listener in its thread, and the reports that reached it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.reports: list[CommitmentReport] = []
        self.listener = ReportListener(self.port, AGENT_AET, self.reports.append)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.listener.run, args=(self.stop,))

    @contextmanager
    def open(self) -> Iterator[Post]:
        self.thread.start()
        wait_until(self.is_open)
        try:
            yield self
        finally:
            self.end()

    def end(self) -> None:
        self.stop.set()
        self.listener.wake()
        self.thread.join(5)
        assert not self.thread.is_alive()

    def is_open(self) -> bool:
        return self.listener._child is not None  # noqa: SLF001 - without connecting

    @property
    def pid(self) -> int | None:
        child = self.listener._child  # noqa: SLF001 - whether a process runs
        return child.pid if child else None

    def echo(self) -> bool:
        command = [peer("echoscu"), "-to", "20", "-aec", AGENT_AET, "127.0.0.1", str(self.port)]
        return subprocess.run(command, check=False, timeout=30).returncode == 0


def test_while_nobody_calls_it_costs_no_process_and_a_caller_is_answered() -> None:
    with Post().open() as post:
        assert post.pid is None
        assert post.echo()
        assert post.pid is not None


def test_a_report_of_a_real_archive_arrives(tmp_path: Path) -> None:
    sender = Child(PEER)
    with Post().open() as post, Orthanc(tmp_path / "orthanc", post.port) as orthanc:
        body = instance(tmp_path)
        node = {"node": orthanc.node()}
        sent(sender, node["node"], body)
        asked = {"transaction_uid": "2.25.77", "instances": [body], "wait_s": 0.1}
        sender.request("commit", {**node, **asked}, deadline_s=30)
        wait_until(lambda: post.reports, timeout_s=20)
        sender.close()
    (report,) = post.reports
    assert (report.transaction_uid, report.committed) == ("2.25.77", (body["sop_instance_uid"],))
    assert report.failed == {}


def test_a_stop_ends_it_while_a_caller_stays_connected() -> None:
    with Post().open() as post, socket.create_connection(("127.0.0.1", post.port)):
        wait_until(lambda: post.pid is not None)


def test_a_port_that_is_taken_is_told_and_it_can_be_started_again() -> None:
    post = Post()
    with (
        socket.create_server(("", post.port)),
        pytest.raises(SourceError, match=f"cannot listen on port {post.port}: "),
    ):
        post.listener.run(post.stop)
    with post.open():
        assert post.echo()
