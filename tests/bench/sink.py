"""A Storage SCP that keeps nothing: what remains is the protocol and the sender.

    python sink.py PORT [CERTIFICATE KEY AUTHORITY]

Every presentation context is accepted with its first transfer syntax, every answer is one write
with TCP_NODELAY, and data sets are read into one block and forgotten.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_PDU = 131072
_BLOCK = 1 << 20
_AFFECTED_CLASS, _COMMAND, _MESSAGE, _AFFECTED_INSTANCE = 0x0002, 0x0100, 0x0110, 0x1000
_RESPONDS_TO, _HAS_DATA, _STATUS = 0x0120, 0x0800, 0x0900
_NO_DATA = struct.pack("<H", 0x0101)


class Closed(Exception):
    """The peer went away."""


class Line:
    """Bytes from a socket through one buffer."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = memoryview(bytearray(_BLOCK))
        self._start = self._end = 0

    def take(self, count: int) -> bytes:
        while self._end - self._start < count:
            self._fill()
        taken = bytes(self._buffer[self._start : self._start + count])
        self._start += count
        return taken

    def skip(self, count: int) -> None:
        while count:
            if self._start == self._end:
                self._fill()
            passed = min(count, self._end - self._start)
            self._start += passed
            count -= passed

    def _fill(self) -> None:
        left = self._end - self._start
        if left == 0:
            self._start = self._end = 0
        elif len(self._buffer) - self._end < left:
            self._buffer[:left] = bytes(self._buffer[self._start : self._end])
            self._start, self._end = 0, left
        got = self.connection.recv_into(self._buffer[self._end :])
        if not got:
            raise Closed
        self._end += got


class Association:
    """One association, answered until it ends (PS3.8 9.3)."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line = Line(connection)
        self._send = connection.sendall
        self._command = b""
        self._request: dict[int, bytes] = {}

    def run(self) -> None:
        with self._line.connection, suppress(Closed, OSError):
            while True:
                kind, length = struct.unpack(">BxI", self._line.take(6))
                if kind == 0x01:
                    self._send(_accepted(self._line.take(length)))
                elif kind == 0x04:
                    self._data(length)
                else:
                    if kind == 0x05:
                        self._send(struct.pack(">BxII", 0x06, 4, 0))
                    return

    def _data(self, length: int) -> None:
        while length:
            size, context, flags = struct.unpack(">IBB", self._line.take(6))
            length -= size + 4
            if flags & 1:
                self._command += self._line.take(size - 2)
            else:
                self._line.skip(size - 2)
            if flags == 3:
                self._request, self._command = dict(_elements(self._command)), b""
            is_last = flags & 2 and (flags == 2 or self._request[_HAS_DATA] == _NO_DATA)
            if is_last:
                self._send(_answer(context, self._request))


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body


def _accepted(request: bytes) -> bytes:
    answers, at = [], 68
    while at < len(request):
        kind, length = struct.unpack_from(">BxH", request, at)
        if kind == 0x20:
            context = request[at + 4 : at + 4 + length]
            (name_length,) = struct.unpack_from(">H", context, 6)
            first = 8 + name_length
            (syntax_length,) = struct.unpack_from(">H", context, first + 2)
            syntax = context[first : first + 4 + syntax_length]
            answers.append(_item(0x21, bytes([context[0], 0, 0, 0]) + syntax))
        at += 4 + length
    user = _item(0x51, struct.pack(">I", _MAX_PDU)) + _item(0x52, b"2.25.7")
    body = request[:68] + _item(0x10, b"1.2.840.10008.3.1.1.1")
    body += b"".join(answers) + _item(0x50, user)
    return struct.pack(">BxI", 0x02, len(body)) + body


def _elements(command: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(command):
        element, length = struct.unpack_from("<HI", command, at + 2)
        yield element, command[at + 8 : at + 8 + length]
        at += 8 + length


def _answer(context: int, request: dict[int, bytes]) -> bytes:
    (asked,) = struct.unpack("<H", request[_COMMAND])
    answer = {
        _AFFECTED_CLASS: request[_AFFECTED_CLASS],
        _COMMAND: struct.pack("<H", asked | 0x8000),
        _RESPONDS_TO: request[_MESSAGE],
        _HAS_DATA: _NO_DATA,
        _STATUS: b"\0\0",
        _AFFECTED_INSTANCE: request.get(_AFFECTED_INSTANCE, b""),
    }
    body = b"".join(
        struct.pack("<HHI", 0, element, len(value)) + value for element, value in answer.items()
    )
    body = struct.pack("<HHII", 0, 0, 4, len(body)) + body
    return struct.pack(">BxIIBB", 0x04, len(body) + 6, len(body) + 2, context, 3) + body


def main(port: int, tls: list[str]) -> None:
    context = None
    if tls:
        certificate, key, authority = tls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authority)
    with socket.create_server(("127.0.0.1", port), backlog=64) as listening:
        while True:
            connection, _ = listening.accept()
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            threading.Thread(target=Association(connection).run, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
