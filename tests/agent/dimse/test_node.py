"""Connecting: each failure has its name and its time."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from passerelle.dimse.node import Node, connected
from passerelle.errors import Unavailable
from support import free_port

PATIENCE_S = 0.5


def node(port: int, host: str = "127.0.0.1") -> Node:
    return Node(
        host=host,
        port=port,
        ae_title="PEER",
        calling_ae_title="AGENT",
        connect_timeout_s=PATIENCE_S,
    )


def test_a_closed_port_is_a_refused_connection() -> None:
    with pytest.raises(Unavailable, match=r"connection refused \(127.0.0.1:\d+\)"):
        connected(node(free_port()))


def test_a_host_that_no_one_knows_is_named() -> None:
    with pytest.raises(Unavailable, match=r"host name unknown: archive\.invalid"):
        connected(node(104, host="archive.invalid"))


def test_a_swallowed_connection_attempt_ends_in_time() -> None:
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # fill its backlog: the system then drops what comes
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the socket module's own signature
            waiting.connect_ex(listening.getsockname())
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"no answer to the connection within 0\.5 s"):
            connected(node(listening.getsockname()[1]))
        assert time.monotonic() - began < PATIENCE_S + 0.5


def test_a_name_with_several_addresses_is_tried_at_each() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        connection, round_trip_s = connected(node(port, host="localhost"))
        with connection:
            assert connection.getpeername() == ("127.0.0.1", port)
        assert 0 < round_trip_s < 1


def test_a_transfer_has_time_for_its_size_at_the_slowest_rate_and_for_a_stall() -> None:
    slow = Node(
        host="",
        port=1,
        ae_title="PEER",
        calling_ae_title="AGENT",
        dimse_timeout_s=60,
        floor_kbps=64,
    )
    assert slow.transfer_s(8000) == 61
