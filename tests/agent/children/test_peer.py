"""The peer child as a process: against Orthanc, DCMTK, the embedded archive and faulty peers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from delivery_support import sent
from faulty_peers import (
    ABORT,
    FaultyPeer,
    Proxy,
    accept_association,
    element,
    read_object,
    store_response,
)
from passerelle.children.child import PEER, Child
from passerelle.errors import NoContext, Unavailable, Uncertain
from peers_support import (
    SECONDARY_CAPTURE,
    Dcmqrscp,
    Orthanc,
    Storescp,
    embedded_archive,
    instance,
    large_instance,
)
from support import free_port, wait_until

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Iterator

JPEG_LS = "1.2.840.10008.1.2.4.80"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child(PEER)
    yield child
    child.close()


def ask(child: Child, kind: str, node: dict[str, Any], **body: Any) -> dict[str, Any]:  # noqa: ANN401
    return child.request(kind, {"node": node, **body}, deadline_s=60)


def stranger(port: int, **settings: object) -> dict[str, Any]:
    known = {"host": "127.0.0.1", "port": port, "ae_title": "PEER", "calling_ae_title": "AGENT"}
    return {**known, **settings}


def sockets(child: Child) -> int:
    links = [path.readlink().name for path in Path(f"/proc/{child.pid}/fd").iterdir()]
    return sum(link.startswith("socket:") for link in links)


def unread(port: int) -> int:
    """How many bytes from that port wait in this machine's sockets."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, _, queues, *_ = line.split()
        if remote.endswith(f":{port:04X}") and not queues.endswith(":00000000"):
            return int(queues.partition(":")[2], 16)
    return 0


def resident_mb(child: Child) -> int:
    status = Path(f"/proc/{child.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def test_orthanc_gets_stores_tells_and_commits(tmp_path: Path, child: Child) -> None:
    bodies = [instance(tmp_path, number) for number in range(3)]
    with Orthanc(tmp_path / "peer") as archive:
        node = archive.node()
        assert ask(child, "echo", node) == {}
        for body in bodies:
            answer = sent(child, node, body)
            assert answer == {"status": 0, "comment": ""}
        assert archive.count() == 3
        found = ask(child, "find", node, instances=bodies)["held"]
        assert found == [body["sop_instance_uid"] for body in bodies]
        commit = ask(child, "commit", node, transaction_uid="1.2", instances=bodies, wait_s=0.3)
        assert commit == {"report": None}, "Orthanc reports on an association of its own"


def test_an_association_is_reused_and_released_when_nothing_is_due(
    tmp_path: Path, child: Child
) -> None:
    with Storescp(tmp_path / "peer") as archive:
        node = archive.node()
        sent(child, node, instance(tmp_path))
        assert sockets(child) == 1
        began = time.monotonic()
        for number in range(20):
            sent(child, node, instance(tmp_path, number))
        assert sockets(child) == 1
        assert time.monotonic() - began < 1.5
        wait_until(lambda: sockets(child) == 0, timeout_s=5)
        assert ask(child, "echo", node) == {}


def test_an_association_that_the_archive_ended_is_replaced_by_another(
    tmp_path: Path, child: Child
) -> None:
    body = instance(tmp_path)
    served: list[int] = []

    def script(connection: socket.socket, _over: threading.Event) -> None:
        accept_association(connection)
        context_id = read_object(connection)[0][0]
        served.append(context_id)
        connection.sendall(_success(context_id) + ABORT)

    with FaultyPeer(script) as peer:
        for _ in range(3):
            assert sent(child, stranger(peer.port), body)["status"] == 0
    assert len(served) == 3


def _success(context_id: int) -> bytes:
    return store_response(context_id, element(0x0900, b"\0\0"))


def test_a_syntax_that_is_not_taken_is_answered_with_those_that_are(
    tmp_path: Path, child: Child
) -> None:
    body = instance(tmp_path, syntax=JPEG_LS)
    body["alternatives"] = [JPEG_LS, EXPLICIT, IMPLICIT]
    with Storescp(tmp_path / "peer") as archive:
        answer = sent(child, archive.node(), body)
        assert "status" not in answer
        assert answer["accepted"] == [EXPLICIT, IMPLICIT]
    with Storescp(tmp_path / "other", "+xa") as archive:
        assert sent(child, archive.node(), body)["status"] == 0


def test_which_contexts_a_node_takes_is_told(tmp_path: Path, child: Child) -> None:
    pairs = [[SECONDARY_CAPTURE, JPEG_LS], [SECONDARY_CAPTURE, EXPLICIT], ["1.2.3", EXPLICIT]]
    with Storescp(tmp_path / "peer") as archive:
        assert ask(child, "contexts", archive.node(), pairs=pairs) == {"accepted": pairs[1:2]}


def test_an_archive_without_query_or_commitment_says_so(tmp_path: Path, child: Child) -> None:
    body = instance(tmp_path)
    with Storescp(tmp_path / "peer") as archive:
        node = archive.node()
        assert ask(child, "find", node, instances=[body]) == {"held": None}
        with pytest.raises(NoContext, match="Storage Commitment"):
            ask(child, "commit", node, transaction_uid="1.2", instances=[body], wait_s=0)
        assert sent(child, node, body)["status"] == 0


def test_dcmqrscp_tells_what_it_has(tmp_path: Path, child: Child) -> None:
    body = instance(tmp_path)
    with Dcmqrscp(tmp_path / "peer") as archive:
        assert sent(child, archive.node(), body)["status"] == 0
        found = ask(child, "find", archive.node(), instances=[body, instance(tmp_path, 2)])
        assert found == {"held": [body["sop_instance_uid"]]}


def test_a_report_on_the_same_association_is_the_answer(tmp_path: Path, child: Child) -> None:
    body = instance(tmp_path)
    with embedded_archive(tmp_path / "peer", reporting="same") as node:
        sent(child, node, body)
        answer = ask(child, "commit", node, transaction_uid="1.2", instances=[body], wait_s=5)
    committed = [body["sop_instance_uid"]]
    assert answer == {"report": {"transaction_uid": "1.2", "committed": committed, "failed": {}}}


def test_a_report_that_comes_later_is_told_with_the_next_answer(
    tmp_path: Path, child: Child
) -> None:
    body = instance(tmp_path)
    with embedded_archive(tmp_path / "peer", reporting="same") as node:
        sent(child, node, body)
        answer = ask(child, "commit", node, transaction_uid="1.2", instances=[body], wait_s=0)
        assert answer == {"report": None}
        wait_until(lambda: unread(node["port"]))
        reports = ask(child, "echo", node)["reports"]
    assert [report["transaction_uid"] for report in reports] == ["1.2"]


def test_a_report_that_comes_while_nothing_is_asked_is_kept(tmp_path: Path, child: Child) -> None:
    body = instance(tmp_path)
    with embedded_archive(tmp_path / "peer", reporting="same") as node:
        sent(child, node, body)
        ask(child, "commit", node, transaction_uid="1.2", instances=[body], wait_s=0)
        wait_until(lambda: sockets(child) == 0, timeout_s=6)
        assert [report["transaction_uid"] for report in ask(child, "echo", node)["reports"]] == [
            "1.2"
        ]
        assert ask(child, "echo", node) == {}, "told once"


def test_a_worklist_is_told_step_by_step(tmp_path: Path, child: Child) -> None:
    with embedded_archive(tmp_path / "peer") as node:
        steps = ask(child, "worklist", node, keys={"modality": "US"})["steps"]
    assert [step["PatientName"] for step in steps] == ["Müller^Jörg", "山田^太郎"]


def test_a_lost_answer_is_uncertain_and_the_next_request_is_served(
    tmp_path: Path, child: Child
) -> None:
    body = instance(tmp_path)
    with Orthanc(tmp_path / "peer") as archive:
        with Proxy(archive.port, loses="answer") as proxy:
            lossy = archive.node(port=proxy.port)
            with pytest.raises(Uncertain, match="the object left"):
                sent(child, lossy, body)
        assert ask(child, "find", archive.node(), instances=[body])["held"]
        assert sent(child, archive.node(), body)["status"] == 0
        assert archive.count() == 1


def test_an_archive_that_is_away_is_unavailable_and_back_at_once(
    tmp_path: Path, child: Child
) -> None:
    body = instance(tmp_path)
    with Orthanc(tmp_path / "peer") as archive:
        assert sent(child, archive.node(), body)["status"] == 0
        archive.kill()
        with pytest.raises(Unavailable, match="connection refused"):
            sent(child, archive.node(), body)
        archive.start()
        assert sent(child, archive.node(), body)["status"] == 0


def test_a_mute_peer_is_given_up_in_time_and_without_its_child(child: Child) -> None:
    def script(_connection: socket.socket, over: threading.Event) -> None:
        over.wait(10)

    with FaultyPeer(script) as peer:
        node = stranger(peer.port, acse_timeout_s=0.5)
        ask_closed(child)
        pid = child.pid
        began = time.monotonic()
        with pytest.raises(Unavailable, match="no association: no answer in time"):
            ask(child, "echo", node)
        assert time.monotonic() - began < 1.5
        assert child.pid == pid


def ask_closed(child: Child) -> None:
    with pytest.raises(Unavailable, match="connection refused"):
        ask(child, "echo", stranger(free_port()))


def test_an_object_of_200_mb_takes_no_more_memory_than_a_small_one(
    tmp_path: Path, child: Child
) -> None:
    with Storescp(tmp_path / "peer") as archive:
        sent(child, archive.node(), instance(tmp_path))
        before = resident_mb(child)
        heard: list[dict[str, Any]] = []
        answer = sent(child, archive.node(), large_instance(tmp_path, 200), heard)
        assert answer["status"] == 0
        assert resident_mb(child) - before < 4
        sizes = {path.stat().st_size for path in archive.received()}
        assert max(sizes) >= 200 << 20
        told = [(one["sent"], one["of"]) for one in heard if "sent" in one]
        assert all(0 <= sent <= size for sent, size in told)


def test_a_peer_that_announces_4_gib_takes_no_memory(child: Child) -> None:
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"\x02\0\xff\xff\xff\xff")
        block = bytes(1 << 20)
        while not over.is_set():
            connection.sendall(block)

    ask_closed(child)
    before = resident_mb(child)
    with FaultyPeer(script) as peer:
        with pytest.raises(Unavailable, match="announces a PDU of 4294967295 bytes"):
            ask(child, "echo", stranger(peer.port))
        assert resident_mb(child) - before < 2


def test_a_thousand_failures_leave_nothing_in_the_child(child: Child) -> None:
    node = stranger(free_port())
    ask_closed(child)
    before = resident_mb(child)
    for _ in range(1000):
        with pytest.raises(Unavailable):
            ask(child, "echo", node)
    assert sockets(child) == 0
    assert resident_mb(child) - before < 2
