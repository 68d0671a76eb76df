"""Peers that misbehave on the wire, scripted byte by byte without any DICOM library."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


ABORT = b"\x07\0\0\0\0\x04\0\0\0\0"
RELEASE = b"\x05\0\0\0\0\x04\0\0\0\0"


class FaultyPeer:
    """Runs its script once for each connection; `over` tells the script that the test is over."""

    def __init__(self, script: Callable[[socket.socket, threading.Event], None]) -> None:
        self._script = script
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a script does not end"

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                self._start(self._run, self._listening.accept()[0])

    def _run(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the other side may be gone at any time
            self._script(connection, self.over)


def read_exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        block = connection.recv(count - len(received))
        if not block:
            raise ConnectionError
        received += block
    return received


def read_pdu(connection: socket.socket) -> bytes:
    header = read_exactly(connection, 6)
    return header + read_exactly(connection, struct.unpack(">I", header[2:])[0])


def accept_association(connection: socket.socket, *, max_pdu: int = 16384) -> bytes:
    """Accept whatever is proposed; the request."""
    request = read_pdu(connection)
    connection.sendall(acceptance(request, max_pdu=max_pdu))
    return request


def acceptance(request: bytes, *, max_pdu: int = 16384) -> bytes:
    """An A-ASSOCIATE-AC that accepts every context (PS3.8 9.3.3)."""
    items = _item(0x10, b"1.2.840.10008.3.1.1.1")
    at = 74
    while at < len(request):
        kind, length = struct.unpack_from(">BxH", request, at)
        value = request[at + 4 : at + 4 + length]
        if kind == 0x20:
            syntax = value[value.index(b"\x40\0") :]
            items += _item(0x21, value[:1] + b"\0\0\0" + syntax)
        at += 4 + length
    user = _item(0x51, struct.pack(">I", max_pdu)) + _item(0x52, b"1.2.3")
    body = request[6:74] + items + _item(0x50, user)
    return b"\x02\0" + struct.pack(">I", len(body)) + body


def rejection(result: int, source: int, reason: int) -> bytes:
    return b"\x03\0\0\0\0\x04\0" + bytes((result, source, reason))


def store_response(context_id: int, *elements: bytes) -> bytes:
    """A C-STORE-RSP with these elements beside the mandatory ones but the status."""
    command = (
        element(0x0100, b"\x01\x80") + element(0x0120, b"\x01\0") + element(0x0800, b"\x01\x01")
    )
    command += b"".join(elements)
    command = element(0x0000, struct.pack("<I", len(command))) + command
    pdv = struct.pack(">IBB", len(command) + 2, context_id, 3) + command
    return b"\x04\0" + struct.pack(">I", len(pdv)) + pdv


def element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHI", 0, number, len(value)) + value


def read_object(connection: socket.socket) -> list[tuple[int, int, bytes]]:
    """The PDVs of one DIMSE request with its data set: context, control header, fragment."""
    fragments: list[tuple[int, int, bytes]] = []
    while not fragments or fragments[-1][1] != 2:
        pdu = read_pdu(connection)
        assert pdu[0] == 4
        at = 6
        while at < len(pdu):
            length, context_id, control = struct.unpack_from(">IBB", pdu, at)
            fragments.append((context_id, control, pdu[at + 6 : at + 4 + length]))
            at += 4 + length
    return fragments


def reset(connection: socket.socket) -> None:
    """Close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Proxy(FaultyPeer):
    """Relays to a peer on this machine; may lose its answers, and be slow towards it."""

    def __init__(self, port: int, *, bytes_per_s: float = 0, loses: str = "") -> None:
        super().__init__(self._relay)
        self._port = port
        self._bytes_per_s = bytes_per_s
        self._loses = loses

    def _relay(self, client: socket.socket, _over: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            self._start(self._answers, server, client)
            # A small window, or the system's buffers would hide how slow the line is.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
            while block := client.recv(16384):
                server.sendall(block)
                if self._bytes_per_s:
                    time.sleep(len(block) / self._bytes_per_s)
            server.shutdown(socket.SHUT_RDWR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while True:
                pdu = read_pdu(server)
                if pdu[0] == 4 and self._loses == "answer":
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(pdu)


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value
