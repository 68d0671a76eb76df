"""PDUs on a socket: bounded in size, each wait with its deadline (PS3.8 section 9.3).

pynetdicom 3.0.4 encodes and decodes every PDU, but its own reader thread takes any length a
peer announces and waits for ever inside a PDU, and its sender blocks on a peer that stops
reading (pynetdicom #1004). So the socket is ours, and nothing else reads it.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from pynetdicom.pdu import (
    A_ABORT_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    P_DATA_TF,
)

from passerelle.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Pdu = (
    A_ASSOCIATE_RQ
    | A_ASSOCIATE_AC
    | A_ASSOCIATE_RJ
    | P_DATA_TF
    | A_RELEASE_RQ
    | A_RELEASE_RP
    | A_ABORT_RQ
)
Buffer = bytes | memoryview

#: No peer that keeps to our announced maximum length comes near it.
PDU_LIMIT: Final = 256 * 1024
#: What pynetdicom and pydicom raise on bytes that are no DICOM.
MALFORMED: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
_KINDS: Final = {
    kind: number
    for number, kind in enumerate(
        (
            A_ASSOCIATE_RQ,
            A_ASSOCIATE_AC,
            A_ASSOCIATE_RJ,
            P_DATA_TF,
            A_RELEASE_RQ,
            A_RELEASE_RP,
            A_ABORT_RQ,
        ),
        start=1,
    )
}
_BY_NUMBER: Final = {number: kind for kind, number in _KINDS.items()}
_HEADER: Final = struct.Struct(">BxI")
_INBOUND_LIMIT: Final = 8  # PDUs that may wait while we send
_BUFFERS_PER_CALL: Final = 512  # IOV_MAX is 1024 on Linux
_LOOK_S: Final = 0.05  # how often the kernel is asked what it still holds


class Wire:
    """One connection, used by one thread."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over a connected socket."""
        self._socket = sock
        self._received = bytearray()
        self._pdus: deque[Pdu] = deque()
        self.sent_bytes = 0  #: given to the system so far
        sock.settimeout(0.0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def send(self, buffers: Sequence[Buffer], *, deadline: float, stall_s: float) -> None:
        """Send all of them, and notice at once when the peer ends the association.

        Args:
            buffers: At most some hundred; large ones are not copied.
            deadline: Of `time.monotonic`, for all of it.
            stall_s: How long the peer may take nothing at all.

        Raises:
            Unavailable: The peer is gone, ended the association, or does not read.
        """
        self._check_ended()
        pending = [memoryview(buffer) for buffer in buffers]
        while pending:
            self._wait_writable(min(deadline, time.monotonic() + stall_s))
            try:
                sent = self._write(pending)
            except BlockingIOError:
                continue
            except OSError as error:
                raise _lost(error) from error
            self.sent_bytes += sent
            pending = _after(pending, sent)

    def drain(self, *, deadline: float, stall_s: float, on_wait: Callable[[], None]) -> None:
        """Return once the last byte has reached the peer, or something came from it.

        What a slow line still holds in the kernel is not sent yet: the time for an answer
        starts after it. Where the system cannot tell (not Linux), this returns at once.

        Raises:
            Unavailable: The peer is gone or does not read.
        """
        unsent, moved_at = self.unsent(), time.monotonic()
        while unsent and not self._pdus and not self._readable(_LOOK_S):
            now, left = time.monotonic(), self.unsent()
            if left < unsent:
                unsent, moved_at = left, now
            elif now > min(deadline, moved_at + stall_s):
                raise Unavailable(_STALLED)
            on_wait()

    def receive(self, deadline: float) -> Pdu:
        """The next PDU.

        Raises:
            Unavailable: None came in time, the peer is gone, or what it sends is no DICOM.
        """
        while not self._pdus:
            left = deadline - time.monotonic()
            if left <= 0 or not self._readable(left):
                msg = "no answer in time" if not self._received else "stopped inside an answer"
                raise Unavailable(msg)
            self._read()
        return self._pdus.popleft()

    def waiting(self, timeout_s: float = 0.0) -> bool:
        """Whether something came, or comes within this time, that nobody has received yet."""
        return bool(self._pdus) or self._readable(timeout_s)

    def unsent(self) -> int:
        """How many bytes have not reached the peer yet, as far as the system can tell."""
        if sys.platform != "linux":
            return 0
        import fcntl  # noqa: PLC0415 - not on Windows
        import termios  # noqa: PLC0415 - not on Windows

        with suppress(OSError):  # a lost connection shows at the next read
            answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
            unsent: int = struct.unpack("i", answer)[0]
            return unsent
        return 0

    def close(self) -> None:
        """Close the connection, whatever its state."""
        with suppress(OSError):
            self._socket.close()

    def _readable(self, timeout_s: float) -> bool:
        if sys.platform == "linux":
            # The peer may run Nagle and wait for our delayed ACK: 40 ms an answer. It does
            # not stick, so it is said before each wait.
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return bool(select.select([self._socket], [], [], timeout_s)[0])

    def _wait_writable(self, deadline: float) -> None:
        while True:
            left = deadline - time.monotonic()
            watched = [self._socket] if len(self._pdus) < _INBOUND_LIMIT else []
            readable, writable, _ = select.select(watched, [self._socket], [], max(0.0, left))
            if readable:
                self._read()
                self._check_ended()
            if writable:
                return
            if left <= 0:
                raise Unavailable(_STALLED)

    def _check_ended(self) -> None:
        if any(isinstance(pdu, A_ABORT_RQ | A_RELEASE_RQ) for pdu in self._pdus):
            msg = "the peer ended the association"
            raise Unavailable(msg)

    def _write(self, pending: list[memoryview]) -> int:
        if sys.platform == "win32":  # it has no sendmsg
            return self._socket.send(pending[0])
        return self._socket.sendmsg(pending[:_BUFFERS_PER_CALL])

    def _read(self) -> None:
        try:
            block = self._socket.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise _lost(error) from error
        if not block:
            msg = "the peer closed the connection"
            raise Unavailable(msg)
        self._received += block
        while self._received:
            pdu = _take(self._received)
            if pdu is None:
                return
            self._pdus.append(pdu)


_STALLED: Final = "the peer stopped reading"


def encoded(kind: type[Pdu], primitive: Any) -> bytes:  # noqa: ANN401 - pynetdicom is not typed
    """One PDU of this kind from pynetdicom's primitive."""
    pdu = kind()
    pdu.from_primitive(primitive)
    whole: bytes = pdu.encode()
    return whole


def ended(pdu: Pdu) -> str:
    """How this PDU ended the association, for an operator."""
    if isinstance(pdu, A_ABORT_RQ):
        return "the peer aborted"
    if isinstance(pdu, A_RELEASE_RQ):
        return "the peer released the association"
    return f"the peer sent an unexpected {type(pdu).__name__}"


def _take(received: bytearray) -> Pdu | None:
    kind = _BY_NUMBER.get(received[0])
    if kind is None:
        raise Unavailable(_foreign(bytes(received[:8])))
    if len(received) < _HEADER.size:
        return None
    length = _HEADER.unpack_from(received)[1]
    if length > PDU_LIMIT:
        msg = f"announces a PDU of {length} bytes, more than {PDU_LIMIT}"
        raise Unavailable(msg)
    end = _HEADER.size + length
    if len(received) < end:
        return None
    encoded_pdu = bytes(received[:end])
    del received[:end]
    try:
        pdu = kind()
        pdu.decode(encoded_pdu)
    except MALFORMED as error:
        msg = f"sends a malformed PDU (type {encoded_pdu[0]}, {type(error).__name__})"
        raise Unavailable(msg) from error
    return cast("Pdu", pdu)


def _foreign(start: bytes) -> str:
    if start.startswith((b"HTTP", b"GET ", b"POST")):
        return "speaks HTTP, not DICOM"
    if start[:2] in (b"\x15\x03", b"\x16\x03"):
        return "speaks TLS, not plain DICOM"
    return "does not speak DICOM"


def _lost(error: OSError) -> Unavailable:
    return Unavailable(f"the connection broke ({error.strerror or type(error).__name__})")


def _after(pending: list[memoryview], sent: int) -> list[memoryview]:
    done = 0
    while done < len(pending) and sent >= len(pending[done]):
        sent -= len(pending[done])
        done += 1
    rest = pending[done:]
    if sent:
        rest[0] = rest[0][sent:]
    return rest
