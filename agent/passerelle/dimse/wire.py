"""A connection that carries PDUs: bounded in size, each wait with its deadline.

pynetdicom 3.0.4 encodes and decodes every PDU, but its own reader thread takes any length a
peer announces and waits for ever inside a PDU, and its sender blocks on a peer that stops
reading (pynetdicom #1004). So the socket is ours, and nothing else reads it.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from passerelle import tls
from passerelle.dimse import pdu
from passerelle.errors import Unavailable

if sys.platform == "linux":
    import fcntl
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle.dimse.pdu import Pdu

Buffer = bytes | memoryview

_INBOUND_LIMIT: Final = 8  # PDUs that may wait while we send
_BUFFERS_PER_CALL: Final = 512  # IOV_MAX is 1024 on Linux
_LOOK_S: Final = 0.05  # how often the kernel is asked what it still holds
_STALLED: Final = "the peer stopped reading"
#: What a TLS or a plain socket raises when it has to wait.
_NOT_NOW: Final = (
    BlockingIOError,
    InterruptedError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
)


class Wire:
    """One connection, used by one thread."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over a connected socket, plain or TLS."""
        self._socket = sock
        self._received = bytearray()
        self._frames: deque[bytes] = deque()
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
            except _NOT_NOW:
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
        unsent, moved_at = sys.maxsize, time.monotonic()
        while not self._frames and not self._readable(_LOOK_S):
            now, left = time.monotonic(), self.unsent()
            if not left:
                return
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
        return pdu.decoded(self.receive_frame(deadline))

    def receive_frame(self, deadline: float) -> bytes:
        """The next PDU as it came; raises as `receive` does."""
        while not self._frames and not self._read():
            left = deadline - time.monotonic()
            if left <= 0 or not self._readable(left):
                msg = "no answer in time" if not self._received else "stopped inside an answer"
                raise Unavailable(msg)
        return self._frames.popleft()

    def give_back(self, frame: bytes) -> None:
        """Have this frame received again, before any other."""
        self._frames.appendleft(frame)

    def waiting(self, timeout_s: float = 0.0) -> bool:
        """Whether something came, or comes within this time, that nobody has received yet."""
        return bool(self._frames) or self._readable(timeout_s)

    def unsent(self) -> int:
        """How many bytes have not reached the peer yet, as far as the system can tell."""
        if sys.platform != "linux":
            return 0
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
        if self._decrypted():
            return True
        if sys.platform == "linux":
            # The peer may run Nagle and wait for our delayed ACK: 40 ms an answer. It does
            # not stick, so it is said before each wait.
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return bool(select.select([self._socket], [], [], timeout_s)[0])

    def _decrypted(self) -> int:
        """Bytes that TLS has read from the system already, so that select says nothing."""
        return self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0

    def _wait_writable(self, deadline: float) -> None:
        while True:
            left = deadline - time.monotonic()
            watched = [self._socket] if len(self._frames) < _INBOUND_LIMIT else []
            readable, writable, _ = select.select(watched, [self._socket], [], max(0.0, left))
            if readable:
                self._read()
                self._check_ended()
            if writable:
                return
            if left <= 0:
                raise Unavailable(_STALLED)

    def _check_ended(self) -> None:
        if any(pdu.is_ending(frame) for frame in self._frames):
            msg = "the peer ended the association"
            raise Unavailable(msg)

    def _write(self, pending: list[memoryview]) -> int:
        # Neither Windows nor TLS has sendmsg.
        if sys.platform == "win32" or isinstance(self._socket, ssl.SSLSocket):
            return self._socket.send(pending[0])
        return self._socket.sendmsg(pending[:_BUFFERS_PER_CALL])

    def _read(self) -> bool:
        """Take what has come; whether a PDU is complete."""
        try:
            block = self._socket.recv(65536)
            while left := self._decrypted():
                block += self._socket.recv(left)
        except _NOT_NOW:
            return False
        except OSError as error:
            raise _lost(error) from error
        if not block:
            msg = "the peer closed the connection"
            raise Unavailable(msg)
        self._received += block
        while self._received and (frame := pdu.take(self._received)):
            self._frames.append(frame)
        return bool(self._frames)


def _lost(error: OSError) -> Unavailable:
    if isinstance(error, ssl.SSLError):
        return Unavailable(tls.reason(error))
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
