"""PDUs on a socket: whatever comes is a PDU or a named fault, and all that is sent arrives."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faulty_peers import ABORT, RELEASE, acceptance, read_exactly, rejection
from passerelle.dimse.pdu import PDU_LIMIT
from passerelle.dimse.wire import Wire
from passerelle.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


_AC = acceptance(
    b"\x01\0" + bytes(72) + b"\x20\0\0\x2e\x01\0\0\0\x30\0\0\x11"
    b"1.2.840.10008.1.1\x40\0\0\x11" + b"1.2.840.10008.1.2"
)


@contextmanager
def connected() -> Iterator[tuple[Wire, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = socket.create_connection(listening.getsockname())
        wire = Wire(listening.accept()[0])
    with far, closing(wire):
        yield wire, far


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    with connected() as both:
        yield both


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_pdus_come_one_by_one_however_they_were_cut(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    stream = rejection(1, 1, 7) + RELEASE + ABORT
    far.sendall(stream[:3])
    assert wire.waiting(5)
    far.sendall(stream[3:])
    kinds = [type(wire.receive(soon())).__name__ for _ in range(3)]
    assert kinds == ["A_ASSOCIATE_RJ", "A_RELEASE_RQ", "A_ABORT_RQ"]


def test_every_buffer_arrives_in_order_although_the_peer_reads_slowly(
    ends: tuple[Wire, socket.socket],
) -> None:
    wire, far = ends
    buffers = [os.urandom(size) for size in (1, 70_000, 3_000_000, 12, 2_000_000) * 2]
    received: list[bytes] = []
    whole = b"".join(buffers)
    reader = threading.Thread(target=lambda: received.append(read_exactly(far, len(whole))))
    reader.start()
    wire.send(buffers, deadline=soon(20), stall_s=10)
    reader.join()
    assert received == [whole]
    assert wire.sent_bytes == len(whole)


def test_more_buffers_than_one_call_takes_are_sent(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    wire.send([bytes((number % 256,)) for number in range(3000)], deadline=soon(), stall_s=5)
    assert read_exactly(far, 3000) == bytes(number % 256 for number in range(3000))


def test_the_longest_pdu_is_judged_before_it_is_read(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    far.sendall(b"\x04\0" + (PDU_LIMIT + 1).to_bytes(4, "big"))
    with pytest.raises(Unavailable, match=f"{PDU_LIMIT + 1} bytes"):
        wire.receive(soon())


def test_what_the_system_still_holds_is_not_sent_yet(ends: tuple[Wire, socket.socket]) -> None:
    wire, _far = ends
    wire.send([b"\0" * 100_000], deadline=soon(), stall_s=5)
    wire.drain(deadline=soon(), stall_s=5, on_wait=lambda: None)
    assert wire.unsent() == 0


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom about the values
@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(min_size=1, max_size=200),
        st.builds(
            lambda kind, body: bytes((kind, 0)) + len(body).to_bytes(4, "big") + body,
            st.integers(1, 7),
            st.binary(max_size=120),
        ),
        st.builds(
            lambda at, value: b"".join((_AC[:at], bytes((value,)), _AC[at + 1 :])),
            st.integers(6, 200),
            st.integers(0, 255),
        ),
    )
)
def test_any_bytes_are_a_pdu_or_a_named_fault(received: bytes) -> None:
    with connected() as (wire, far):
        far.sendall(received)
        far.shutdown(socket.SHUT_WR)
        with pytest.raises(Unavailable, match=r"\w"):
            receive_all(wire)


def receive_all(wire: Wire) -> None:
    while True:
        wire.receive(soon())
