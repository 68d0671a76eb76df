"""C-STORE: the same bytes as pynetdicom's, a named outcome for each way it can go wrong."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread
from pynetdicom import AE

from faulty_peers import (
    ABORT,
    RELEASE,
    FaultyPeer,
    Proxy,
    accept_association,
    element,
    read_exactly,
    read_object,
    reset,
    store_response,
)
from passerelle.dimse.association import Association, associate
from passerelle.dimse.node import Node
from passerelle.dimse.store import Outgoing, store
from passerelle.errors import AgentError, Deferred, Refused, Unavailable, Uncertain
from peers_support import Storescp, instance, large_instance

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

PATIENCE_S = 1.0


def opened(port: int, body: dict[str, Any], **settings: float) -> Association:
    known = {"dimse_timeout_s": PATIENCE_S, "floor_kbps": 64_000.0, **settings}
    node = Node(
        host="127.0.0.1",
        port=port,
        ae_title="PEER",
        calling_ae_title="AGENT",
        **known,  # type: ignore[arg-type]  # some settings are whole numbers
    )
    return associate(node, [pair(body)], lambda _event, _syntax: 0)


def pair(body: dict[str, Any]) -> tuple[str, str]:
    return body["sop_class_uid"], body["transfer_syntax_uid"]


def outgoing(body: dict[str, Any], sha256: str = "") -> Outgoing:
    return Outgoing(
        path=Path(body["file"]),
        pair=pair(body),
        sop_instance_uid=body["sop_instance_uid"],
        sha256=sha256,
    )


def send(association: Association, body: dict[str, Any]) -> tuple[int, str]:
    return store(association, outgoing(body), lambda *_: None)


def stored(port: int, body: dict[str, Any], **settings: float) -> tuple[int, str]:
    association = opened(port, body, **settings)
    try:
        return send(association, body)
    finally:
        association.abort()


def answering(*elements: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def script(connection: socket.socket, _over: threading.Event) -> None:
        accept_association(connection)
        context_id = read_object(connection)[0][0]
        connection.sendall(store_response(context_id, *elements))
        connection.recv(100)

    return script


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xA700, 0xA900, 0xC000, 0x0111, 0x0124])
def test_any_status_is_told_with_its_comment(tmp_path: Path, status: int) -> None:
    answer = answering(element(0x0900, status.to_bytes(2, "little")), element(0x0902, b"why so"))
    with FaultyPeer(answer) as peer:
        assert stored(peer.port, instance(tmp_path)) == (status, "why so")


@pytest.mark.parametrize("kilobytes", [1, 15, 16, 300])
@pytest.mark.parametrize("max_pdu", [1024, 16384, 0])
def test_what_leaves_is_what_pynetdicom_would_send(
    tmp_path: Path, kilobytes: int, max_pdu: int
) -> None:
    arrived: list[list[tuple[int, int, bytes]]] = []

    def script(connection: socket.socket, _over: threading.Event) -> None:
        accept_association(connection, max_pdu=max_pdu)
        arrived.append(read_object(connection))
        success = element(0x0900, b"\0\0")
        connection.sendall(store_response(arrived[-1][0][0], success))
        connection.recv(100)

    body = instance(tmp_path, kilobytes=kilobytes)
    with FaultyPeer(script) as peer:
        # pynetdicom sends the whole object in one PDU to a peer that sets no limit.
        assert stored(peer.port, body, max_pdu=1 << 20) == (0, "")
        entity = AE("AGENT")
        entity.add_requested_context(*pair(body))
        association = entity.associate("127.0.0.1", peer.port)
        assert association.send_c_store(body["file"], priority=0).Status == 0
        association.abort()
    ours, theirs = arrived
    assert ours == theirs


def test_a_peer_that_sets_no_limit_gets_pdus_of_our_own_limit(tmp_path: Path) -> None:
    sizes: list[int] = []

    def script(connection: socket.socket, _over: threading.Event) -> None:
        accept_association(connection, max_pdu=0)
        fragments = read_object(connection)
        sizes.extend(len(fragment) for _, _, fragment in fragments)
        connection.sendall(store_response(fragments[0][0], element(0x0900, b"\0\0")))
        connection.recv(100)

    with FaultyPeer(script) as peer:
        stored(peer.port, instance(tmp_path, kilobytes=300))
    assert max(sizes) == 128 * 1024 - 6


def test_an_association_carries_one_object_after_another(tmp_path: Path) -> None:
    with Storescp(tmp_path / "scp") as peer:
        bodies = [instance(tmp_path, number) for number in range(5)]
        association = opened(peer.port, bodies[0])
        assert [send(association, body) for body in bodies] == [(0, "")] * 5
        association.release()
        assert len(peer.received()) == 5


def _reads_and(ending: bytes, *, whole: bool) -> Callable[[socket.socket, threading.Event], None]:
    def script(connection: socket.socket, over: threading.Event) -> None:
        accept_association(connection)
        if whole:
            read_object(connection)
        else:
            read_exactly(connection, 100_000)
        connection.sendall(ending)
        over.wait(10)

    return script


def _resets(connection: socket.socket, _over: threading.Event) -> None:
    accept_association(connection)
    read_exactly(connection, 100_000)
    reset(connection)


def _stops_reading(connection: socket.socket, over: threading.Event) -> None:
    accept_association(connection)
    read_exactly(connection, 100_000)
    over.wait(20)


def _drips(connection: socket.socket, over: threading.Event) -> None:
    accept_association(connection)
    while not over.wait(0.05):
        read_exactly(connection, 10)


def _answers_drop_by_drop(connection: socket.socket, over: threading.Event) -> None:
    accept_association(connection)
    context_id = read_object(connection)[0][0]
    for byte in store_response(context_id, element(0x0900, b"\0\0")):
        if over.wait(0.2):
            return
        connection.sendall(bytes((byte,)))


HUGE = b"\x04\0\xff\xff\xff\xff"
NO_STATUS = store_response(1)
OTHER_SIDE = [
    pytest.param(_reads_and(ABORT, whole=False), "the peer ended", 0.5, id="abort during"),
    pytest.param(_reads_and(ABORT, whole=True), "the peer aborted", 0.5, id="abort after"),
    pytest.param(_reads_and(RELEASE, whole=True), "released the assoc", 0.5, id="release after"),
    pytest.param(_reads_and(b"", whole=True), "no answer in time", PATIENCE_S, id="mute after"),
    pytest.param(_reads_and(HUGE[:3], whole=True), "stopped inside", PATIENCE_S, id="freezes"),
    pytest.param(_reads_and(HUGE, whole=True), "4294967295 bytes", 0.5, id="4 GiB PDU"),
    pytest.param(_reads_and(b"rubbish!", whole=True), "does not speak DICOM", 0.5, id="rubbish"),
    pytest.param(_reads_and(NO_STATUS, whole=True), "is no answer", 0.5, id="no status"),
    pytest.param(_resets, "the connection broke|closed the conn", 0.5, id="RST"),
    pytest.param(_stops_reading, "stopped reading", PATIENCE_S, id="stops reading"),
    pytest.param(_drips, "stopped reading", PATIENCE_S + 5, id="drips"),
    pytest.param(_answers_drop_by_drop, "stopped inside", PATIENCE_S, id="answers in drops"),
]


@pytest.mark.parametrize(("script", "cause", "within_s"), OTHER_SIDE)
def test_what_goes_wrong_after_the_first_byte_is_uncertain_and_ends_in_time(
    tmp_path: Path,
    script: Callable[[socket.socket, threading.Event], None],
    cause: str,
    within_s: float,
) -> None:
    body = large_instance(tmp_path, 40)
    with FaultyPeer(script) as peer:
        association = opened(peer.port, body)
        began = time.monotonic()
        with pytest.raises(Uncertain, match=cause):
            send(association, body)
        assert time.monotonic() - began < within_s + 1
        association.abort()


def test_an_answer_that_is_lost_on_the_way_back_is_uncertain(tmp_path: Path) -> None:
    body = instance(tmp_path)
    with Storescp(tmp_path / "scp") as archive, Proxy(archive.port, loses="answer") as proxy:
        with pytest.raises(Uncertain, match="the object left, no answer came"):
            stored(proxy.port, body)
        assert archive.received(), "the archive has it all the same"


def test_a_slow_line_is_waited_for_longer_than_for_an_answer(tmp_path: Path) -> None:
    body = instance(tmp_path, kilobytes=2000)
    with Storescp(tmp_path / "scp") as archive, Proxy(archive.port, bytes_per_s=800_000) as line:
        began = time.monotonic()
        answer = stored(line.port, body, floor_kbps=3200.0, dimse_timeout_s=1.0)
        assert answer == (0, "")
        assert time.monotonic() - began > 2


def test_a_peer_that_ended_before_the_first_byte_makes_it_unavailable(tmp_path: Path) -> None:
    body = instance(tmp_path)
    aborted = threading.Event()

    def script(connection: socket.socket, over: threading.Event) -> None:
        accept_association(connection)
        connection.sendall(ABORT)
        aborted.set()
        over.wait(10)

    with FaultyPeer(script) as peer:
        association = opened(peer.port, body)
        assert aborted.wait(5)
        assert association.wire.waiting(5)
        with pytest.raises(Unavailable, match="the peer ended the association"):
            send(association, body)
        association.abort()


@pytest.mark.parametrize(
    ("change", "error", "cause"),
    [
        (lambda path: path.write_bytes(b"\0" * 200), Refused, "is no DICOM file"),
        (lambda path: path.write_bytes(path.read_bytes()[:140]), Refused, "is no DICOM file"),
        (lambda path: path.write_bytes(b""), Refused, "is no DICOM file"),
        (lambda path: path.unlink(), Refused, "gone from the spool"),
        (lambda path: (path.unlink(), path.mkdir()), Deferred, "cannot be read"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"1000.1", b"1000.2")),
            Refused,
            "not of the SOP Class, instance or syntax",
        ),
    ],
)
def test_a_file_that_is_not_the_instance_sends_nothing(
    tmp_path: Path, change: Callable[[Path], None], error: type[AgentError], cause: str
) -> None:
    body = instance(tmp_path)
    other = instance(tmp_path, 7)
    with Storescp(tmp_path / "scp") as peer:
        association = opened(peer.port, body)
        change(Path(body["file"]))
        with pytest.raises(error, match=cause):
            send(association, body)
        assert send(association, other) == (0, ""), "the association is as good as before"
        association.release()
        assert len(peer.received()) == 1


def test_progress_is_told_for_an_object_that_takes_time(tmp_path: Path) -> None:
    body = instance(tmp_path, kilobytes=4000)
    told: list[tuple[int, int]] = []
    with Storescp(tmp_path / "scp") as archive, Proxy(archive.port, bytes_per_s=4e6) as line:
        association = opened(line.port, body, floor_kbps=1000.0)
        store(association, outgoing(body), lambda sent, size: told.append((sent, size)))
        association.release()
    sent = [part for part, _ in told]
    assert sent
    assert sent == sorted(sent)
    assert {size for _, size in told} == {data_set_size(Path(body["file"]))}
    assert len(told) < 12


def data_set_size(path: Path) -> int:
    return path.stat().st_size - path.read_bytes().index(b"\x08\0\x16\0UI")


@pytest.mark.parametrize("kilobytes", [20, 900, 9000])
def test_a_damaged_object_of_any_size_is_never_sent_whole(tmp_path: Path, kilobytes: int) -> None:
    body, other = instance(tmp_path, kilobytes=kilobytes), instance(tmp_path, 7)
    path = Path(body["file"])
    content = path.read_bytes()
    whole = hashlib.sha256(content).hexdigest()
    with Storescp(tmp_path / "scp") as peer:
        association = opened(peer.port, body)
        for at in (40, len(content) // 2, len(content) - 1):
            damaged = bytearray(content)
            damaged[at] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(Refused, match="the object is damaged"):
                store(association, outgoing(body, whole), lambda *_: None)
            if association.is_spent:
                association.abort()
                association = opened(peer.port, body)
        path.write_bytes(content)
        assert store(association, outgoing(body, whole), lambda *_: None) == (0, "")
        assert send(association, other) == (0, "")
        association.release()
        received = sorted(peer.received(), key=lambda one: one.stat().st_size)
        assert len(received) == 2
        assert dcmread(received[-1]).PixelData == dcmread(path).PixelData
