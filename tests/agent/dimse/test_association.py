"""Associations: each failure has its name and its time, an idle one costs nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faulty_peers import (
    ABORT,
    FaultyPeer,
    accept_association,
    acceptance,
    read_pdu,
    rejection,
    reset,
)
from passerelle.dimse.association import EXPLICIT, IMPLICIT, VERIFICATION, Association, associate
from passerelle.dimse.node import Node
from passerelle.errors import NoContext, Unavailable
from peers_support import SECONDARY_CAPTURE, Dcmqrscp, Orthanc, Storescp
from support import free_port

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

JPEG_LS = "1.2.840.10008.1.2.4.80"
PATIENCE_S = 0.5
HTTP = b"HTTP/1.1 400 Bad Request\r\n\r\n"
TLS_ALERT = b"\x15\x03\x01\0\x02\x02\x46"


def opened(port: int, *pairs: tuple[str, str], ae_title: str = "PEER") -> Association:
    node = Node(
        host="127.0.0.1",
        port=port,
        ae_title=ae_title,
        calling_ae_title="AGENT",
        connect_timeout_s=PATIENCE_S,
        acse_timeout_s=PATIENCE_S,
        dimse_timeout_s=PATIENCE_S,
    )
    return associate(node, pairs or [(VERIFICATION, EXPLICIT)], lambda _event, _syntax: 0)


def saying(*parts: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def script(connection: socket.socket, over: threading.Event) -> None:
        read_pdu(connection)
        for part in parts:
            connection.sendall(part)
            over.wait(0.1)
        over.wait(10)

    return script


def _closes(connection: socket.socket, _over: threading.Event) -> None:
    read_pdu(connection)


def _resets(connection: socket.socket, _over: threading.Event) -> None:
    read_pdu(connection)
    reset(connection)


def _drips(connection: socket.socket, over: threading.Event) -> None:
    for byte in acceptance(read_pdu(connection)):
        connection.sendall(bytes((byte,)))
        if over.wait(0.1):
            return


BEFORE = [
    pytest.param(saying(rejection(1, 1, 7)), r"called AE title not recognised \(permanent\)"),
    pytest.param(saying(rejection(1, 1, 3)), r"calling AE title not recognised \(permanent\)"),
    pytest.param(saying(rejection(2, 3, 2)), r"local limit exceeded \(transient\)"),
    pytest.param(saying(rejection(2, 9, 9)), r"reason unknown \(transient\)"),
    pytest.param(saying(ABORT), "the peer aborted"),
    pytest.param(saying(b"\x02\0\xff\xff\xff\xff"), "announces a PDU of 4294967295 bytes"),
    pytest.param(saying(b"\x02\0\0\0\0\x04abcd"), "malformed"),
    pytest.param(saying(b"\x04\0\0\0\0\0"), "unexpected P_DATA_TF"),
    pytest.param(saying(b"\0\1\2"), "does not speak DICOM"),
    pytest.param(saying(HTTP), "speaks HTTP, not DICOM"),
    pytest.param(saying(TLS_ALERT), "speaks TLS, not plain DICOM"),
    pytest.param(saying(), "no answer in time"),
    pytest.param(saying(b"\x02\0\0"), "stopped inside an answer"),
    pytest.param(saying(b"\x02\0\0\0\1\0", b"half"), "stopped inside an answer"),
    pytest.param(_drips, "stopped inside an answer"),
    pytest.param(_closes, "the peer closed the connection"),
    pytest.param(_resets, "the connection broke|closed the connection"),
]


@pytest.mark.parametrize(("script", "cause"), BEFORE)
def test_an_association_that_cannot_be_says_why_and_in_time(
    script: Callable[[socket.socket, threading.Event], None], cause: str
) -> None:
    with FaultyPeer(script) as peer:
        began = time.monotonic()
        with pytest.raises(Unavailable, match=f"no association: .*({cause})"):
            opened(peer.port)
        assert time.monotonic() - began < PATIENCE_S + 0.5


def test_a_thousand_failed_associations_leave_no_socket_and_no_thread() -> None:
    def script(connection: socket.socket, _over: threading.Event) -> None:
        read_pdu(connection)
        connection.sendall(rejection(2, 3, 2))

    port = free_port()
    with FaultyPeer(script) as peer:
        for _ in range(50):
            with pytest.raises(Unavailable):
                opened(peer.port)
    before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(1000):
        with pytest.raises(Unavailable):
            opened(port)
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before


def test_only_what_the_peer_takes_is_accepted(tmp_path: Path) -> None:
    pairs = [(SECONDARY_CAPTURE, syntax) for syntax in (JPEG_LS, EXPLICIT, IMPLICIT)]
    with Storescp(tmp_path) as peer:
        association = opened(peer.port, *pairs, ae_title="STORESCP")
        assert list(association.accepted) == pairs[1:]
        association.release()
    with Storescp(tmp_path, "+xa") as peer:
        association = opened(peer.port, *pairs, ae_title="STORESCP")
        assert list(association.accepted) == pairs
        association.release()


def test_an_acceptor_that_chooses_another_syntax_than_proposed_accepts_nothing() -> None:
    def script(connection: socket.socket, _over: threading.Event) -> None:
        answer = acceptance(read_pdu(connection))
        connection.sendall(answer.replace(JPEG_LS.encode(), b"1.2.840.10008.1.2.4.50"))
        connection.recv(100)

    with FaultyPeer(script) as peer:
        association = opened(peer.port, (SECONDARY_CAPTURE, JPEG_LS))
        assert association.accepted == {}
        with pytest.raises(NoContext, match="Secondary Capture"):
            association.context(SECONDARY_CAPTURE)
        association.abort()


@pytest.mark.parametrize("kind", [Orthanc, Storescp, Dcmqrscp])
def test_real_archives_answer_an_echo_and_a_release(
    tmp_path: Path, kind: type[Orthanc | Storescp | Dcmqrscp]
) -> None:
    with kind(tmp_path) as peer:
        association = opened(peer.port, ae_title=peer.ae_title)
        association.echo()
        association.echo()
        began = time.monotonic()
        association.release()
        assert time.monotonic() - began < 1


def test_orthanc_names_a_wrong_ae_title(tmp_path: Path) -> None:
    with (
        Orthanc(tmp_path) as peer,
        pytest.raises(Unavailable, match=r"rejected: called AE title not recognised \(permanent"),
    ):
        opened(peer.port, ae_title="WRONG")


def test_an_echo_without_an_answer_ends_in_time() -> None:
    def script(connection: socket.socket, over: threading.Event) -> None:
        accept_association(connection)
        over.wait(10)

    with FaultyPeer(script) as peer:
        association = opened(peer.port)
        with pytest.raises(Unavailable, match="no answer in time"):
            association.echo()
        association.abort()


def test_a_request_of_the_peer_that_we_do_not_serve_ends_the_association() -> None:
    command = bytes.fromhex(
        "00000000040000001e000000"  # group length
        "00000001020000003000"  # C-ECHO-RQ
        "00001001020000000100"
        "00000008020000000101"
    )  # fmt: skip

    def script(connection: socket.socket, over: threading.Event) -> None:
        accept_association(connection)
        pdv = (len(command) + 2).to_bytes(4, "big") + b"\x01\x03" + command
        connection.sendall(b"\x04\0" + len(pdv).to_bytes(4, "big") + pdv)
        over.wait(10)

    with FaultyPeer(script) as peer:
        association = opened(peer.port)
        with pytest.raises(Unavailable, match="asks for C_ECHO"):
            association.take_reports(5)
        association.abort()
