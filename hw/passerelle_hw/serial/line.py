"""A serial line that a thread of its own reads, so that nothing else makes it lose a byte."""

from __future__ import annotations

import os
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final, Literal

from passerelle_hw.serial.parity import ParityMarks, Piece

if TYPE_CHECKING:
    import serial

_READ_S: Final = 5.0
_UNINTERRUPTED_READ_S: Final = 0.5  # where pyserial cannot end a read: its network ports
_WRITE_S: Final = 10.0
_BUFFER_LIMIT: Final = 1 << 20

Parity = Literal["none", "even", "odd"]


class LineGone(Exception):
    """The port is not there, or not any more; why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """Where a line is, and how it is spoken."""

    url: str  #: a device's name, by preference below /dev/serial/by-id, or a URL of pyserial
    baudrate: int = 115200
    data_bits: Literal[7, 8] = 8
    parity: Parity = "none"
    stop_bits: Literal[1, 2] = 1


class Line:
    """An open line. Its thread only reads; what is not fetched in time is dropped and counted.

    `read` and `write` are for one other thread. Nothing is ever sent but what `write` is given.
    """

    def __init__(self, settings: LineSettings, *, limit_bytes: int = _BUFFER_LIMIT) -> None:
        """Open the port and begin to read.

        Raises:
            LineGone: It cannot be opened.
        """
        self.dropped_bytes = 0
        self.damaged_bytes = 0
        self._limit = limit_bytes
        self._pieces: deque[Piece] = deque()
        self._waiting = 0
        self._gap = ""
        self._gone = ""
        self._is_woken = False
        self._is_closing = False
        self._changed = Condition()
        self._port = _opened(settings)
        self._marks = ParityMarks() if _marks_parity(self._port, settings) else None
        self._reader = Thread(target=self._read, name="serial line", daemon=True)
        self._reader.start()

    def read(self, timeout_s: float) -> Piece | None:
        """What came next; None when nothing came within the time or `wake` was called.

        Raises:
            LineGone: The port is gone, and everything that it gave has been read.
        """
        with self._changed:
            self._changed.wait_for(self._has_news, timeout_s)
            self._is_woken = False
            if self._pieces:
                piece = self._pieces.popleft()
                self._waiting -= len(piece.data)
                return piece
            if self._gone:
                raise LineGone(self._gone)
            return None

    def write(self, data: bytes) -> None:
        """Send an answer.

        Raises:
            LineGone: It cannot be sent.
        """
        try:
            if data:
                self._port.write(data)
        except OSError as error:  # pyserial's own errors are OSErrors
            raise LineGone(_why(error)) from error

    def wake(self) -> None:
        """End a `read`; may be called from any thread."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop reading and let go of the port."""
        self._is_closing = True
        with suppress(OSError):  # it may be gone already
            if hasattr(self._port, "cancel_read"):
                self._port.cancel_read()
        self._reader.join(2 * _READ_S)
        with suppress(OSError):
            self._port.close()

    def _has_news(self) -> bool:
        return bool(self._pieces or self._gone or self._is_woken)

    def _read(self) -> None:
        try:
            while not self._is_closing:
                data = self._port.read(self._port.in_waiting or 1)
                pieces = self._marks.split(data) if self._marks else [Piece(data)]
                for piece in pieces:
                    self._keep(piece)
        except OSError as error:
            gone = _why(error)
        else:
            gone = "closed"
        with self._changed:
            self._gone = gone
            self._changed.notify_all()

    def _keep(self, piece: Piece) -> None:
        if not piece.data and not piece.fault:
            return
        with self._changed:
            self.damaged_bytes += bool(piece.fault)
            if self._waiting + len(piece.data) > self._limit:
                self.dropped_bytes += len(piece.data)
                self._gap = "bytes that nobody fetched in time were dropped"
                return
            fault = self._gap or piece.fault
            self._gap = ""
            self._waiting += len(piece.data)
            self._pieces.append(Piece(piece.data, fault))
            self._changed.notify_all()


def _opened(settings: LineSettings) -> serial.SerialBase:
    import serial  # noqa: PLC0415 - whoever has no serial line does without

    try:
        port = serial.serial_for_url(
            settings.url,
            do_not_open=True,
            baudrate=settings.baudrate,
            bytesize=settings.data_bits,
            parity=settings.parity[0].upper(),
            stopbits=settings.stop_bits,
            write_timeout=None if _is_rfc2217(settings.url) else _WRITE_S,
            exclusive=True,
        )
        port.timeout = _READ_S if hasattr(port, "cancel_read") else _UNINTERRUPTED_READ_S
        port.open()
    except (OSError, ValueError, NotImplementedError) as error:
        raise LineGone(_why(error)) from error
    return port


def _is_rfc2217(url: str) -> bool:
    """Such a port refuses to open with a limit on writing (pyserial 3.5)."""
    return url.lower().startswith("rfc2217:")


def _marks_parity(port: Any, settings: LineSettings) -> bool:  # noqa: ANN401 - any of pyserial's
    """Have the tty mark damaged bytes; whether it does.

    pyserial 3.5 clears INPCK and PARMRK whenever it sets anything, so nothing may be set later.
    """
    if sys.platform == "win32" or settings.parity == "none" or not hasattr(port, "fileno"):
        return False
    import termios  # noqa: PLC0415 - not on Windows

    try:
        attributes = termios.tcgetattr(port.fileno())
        attributes[0] |= termios.INPCK | termios.PARMRK
        attributes[0] &= ~termios.IGNPAR
        termios.tcsetattr(port.fileno(), termios.TCSANOW, attributes)
    except (termios.error, OSError):  # a network port has no termios
        return False
    return True


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)
