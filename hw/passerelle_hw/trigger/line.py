"""A contact on CTS, DSR, DCD or RI of a serial port: a pedal, a button, an X-ray's exposure lamp.

On Linux a thread sleeps in TIOCMIWAIT, for the moment, and the driver's own count of changes
(TIOCGICOUNT) is compared, so that no contact is missed however short it is. RI of a plain UART is
counted when it is let go only, and told then.

Where a driver does neither (`rfc2217://`, `loop://`, other systems than Linux) the line is looked
at every 5 ms: **a contact that begins and ends between two looks is then missed**, which one of
less than about 10 ms may. On Windows the driver's own answer may be stale besides (FTDI). A serial
server without RFC 2217 (`socket://`) and a pseudo terminal carry no lines at all.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from passerelle_hw.trigger.contact import CountedContact
from passerelle_hw.trigger.debounce import QUIET_S, Debounce
from passerelle_hw.trigger.press import TriggerGone

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from passerelle_hw.trigger.press import Press

LineName = Literal["cts", "dsr", "dcd", "ri"]

_LOOK_S: Final = 0.005  # between two looks at a line that nothing tells of
_COUNT_S: Final = 0.02  # a change just before TIOCMIWAIT is entered again does not end it
_CHECK_S: Final = 0.5  # whether the driver counts at all; of a USB adapter each look is a transfer
_ICOUNT: Final = struct.Struct("20i")  # serial_icounter_struct
_PLACES: Final[dict[LineName, int]] = {"cts": 0, "dsr": 1, "ri": 2, "dcd": 3}
_TERMIOS: Final[dict[LineName, str]] = {
    "cts": "TIOCM_CTS",
    "dsr": "TIOCM_DSR",
    "ri": "TIOCM_RNG",
    "dcd": "TIOCM_CAR",
}
_PYSERIAL: Final[dict[LineName, str]] = {"cts": "cts", "dsr": "dsr", "ri": "ri", "dcd": "cd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTriggerSettings:
    """Which line of which port."""

    port: str  #: a device's name, by preference below /dev/serial/by-id, or a URL of pyserial
    line: LineName
    normally_closed: bool = False  #: pressing opens the contact
    debounce_s: float = QUIET_S


class Lines(Protocol):
    """One line of an open port."""

    counts: bool  #: whether changes are counted; where they are not, only looking tells them

    def is_on(self) -> bool:
        """Whether the line is asserted now."""

    def count(self) -> int:
        """How often it changed; the same number always where nobody counts."""

    def changed(self, timeout_s: float) -> float:
        """Wait for a change, or until the time is up; when it woke: s of `time.monotonic`."""

    def close(self) -> None:
        """Let go of the port."""


class LineTrigger:
    """Presses of a contact on a line of a serial port. Nothing is ever sent over it.

    DTR and RTS are raised, as every program does that opens a port: the contact may take its
    supply from one of them.
    """

    def __init__(
        self,
        settings: LineTriggerSettings,
        *,
        open_lines: Callable[[LineTriggerSettings], Lines] | None = None,
    ) -> None:
        self._settings = settings
        self._open = open_lines or opened

    def watch(self, told: Callable[[Press], None], stop: Event) -> None:
        """See `Trigger.watch`."""
        settings = self._settings
        try:
            lines = self._open(settings)
            try:
                self._watch(lines, told, stop)
            finally:
                lines.close()
        except (OSError, ValueError) as error:  # pyserial's own errors are OSErrors
            msg = f"{settings.port}: {_why(error)}"
            raise TriggerGone(msg) from error

    def _watch(self, lines: Lines, told: Callable[[Press], None], stop: Event) -> None:
        count = lines.count()
        down = lines.is_on() != self._settings.normally_closed
        contact = CountedContact(count, down=down)
        debounce = Debounce(self._settings.debounce_s, down=down)
        looked_at = time.monotonic()
        while not stop.is_set():
            wait_s = _COUNT_S if lines.counts else _LOOK_S
            settles_s = debounce.wait_s(time.monotonic())
            at = lines.changed(wait_s if settles_s is None else min(wait_s, settles_s))
            count = lines.count()
            is_news = contact.is_news(count)
            if is_news or not lines.counts or at - looked_at >= _CHECK_S:
                looked_at = at
                down = lines.is_on() != self._settings.normally_closed
                edges = contact.looked(count, at, down=down)
                if edges and not is_news and lines.count() == count:
                    lines.counts = False  # it changed, and the driver has not noticed
                for edge in edges:
                    for press in debounce.edge(edge.at_s, down=edge.down):
                        told(press)
            for press in debounce.settled(time.monotonic()):
                told(press)


class KernelLines:
    """A line of a Linux tty, whose driver counts."""

    def __init__(self, port: Any, line: LineName) -> None:  # noqa: ANN401 - any of pyserial's
        """Use an open port.

        Raises:
            OSError: Its driver does not count.
        """
        import termios  # noqa: PLC0415 - not on Windows

        self.counts = True
        self._port = port
        self._line = line
        self._mask: int = getattr(termios, _TERMIOS[line])
        self._woken: SimpleQueue[float] = SimpleQueue()
        self._is_closed = False
        self._waits = True
        self.count()
        # Of its own: closing a descriptor does not end an ioctl, and its number is soon another's.
        own = os.dup(port.fileno())
        # Not before somebody waits does a UART's driver have its changes reported (uart_enable_ms).
        Thread(target=self._wait, args=(own,), name="serial lines", daemon=True).start()

    def is_on(self) -> bool:
        """See `Lines.is_on`."""
        return bool(getattr(self._port, _PYSERIAL[self._line]))

    def count(self) -> int:
        """See `Lines.count`."""
        import fcntl  # noqa: PLC0415 - not on Windows

        buffer = bytearray(_ICOUNT.size)
        fcntl.ioctl(self._port.fileno(), _request("TIOCGICOUNT"), buffer)
        count: int = _ICOUNT.unpack(buffer)[_PLACES[self._line]]
        return count

    def changed(self, timeout_s: float) -> float:
        """See `Lines.changed`."""
        try:
            return self._woken.get(timeout=timeout_s if self._waits else min(timeout_s, _LOOK_S))
        except Empty:
            return time.monotonic()

    def close(self) -> None:
        """See `Lines.close`.

        Only the line's next change, or its end, ends the thread that waits for it: what the
        thread holds of the port must not keep others, or ourselves, from opening it again.
        """
        import fcntl  # noqa: PLC0415 - not on Windows

        self._is_closed = True
        with suppress(OSError):  # it may be gone already
            fcntl.flock(self._port.fileno(), fcntl.LOCK_UN)
        with suppress(OSError):
            self._port.close()

    def _wait(self, descriptor: int) -> None:
        import fcntl  # noqa: PLC0415 - not on Windows

        try:
            while not self._is_closed:
                with suppress(InterruptedError):
                    fcntl.ioctl(descriptor, _request("TIOCMIWAIT"), self._mask)
                    self._woken.put(time.monotonic())
        except OSError:  # unplugged, or its driver cannot wait; the count tells which
            self._waits = False
        finally:
            os.close(descriptor)


class PolledLines:
    """A line that can only be looked at."""

    def __init__(self, port: Any, line: LineName) -> None:  # noqa: ANN401 - any of pyserial's
        self.counts = False
        self._port = port
        self._line = line

    def is_on(self) -> bool:
        """See `Lines.is_on`."""
        return bool(getattr(self._port, _PYSERIAL[self._line]))

    def count(self) -> int:
        """See `Lines.count`."""
        return 0

    def changed(self, timeout_s: float) -> float:
        """See `Lines.changed`."""
        time.sleep(timeout_s)
        return time.monotonic()

    def close(self) -> None:
        """See `Lines.close`."""
        with suppress(OSError):  # it may be gone already
            self._port.close()


def opened(settings: LineTriggerSettings) -> Lines:
    """The line, by the kernel's count where there is one.

    Raises:
        OSError: The port cannot be opened.
        ValueError: It has no such line.
    """
    import serial  # noqa: PLC0415 - whoever has no serial line does without

    if settings.port.lower().startswith("socket://"):
        msg = "a serial server tells of its lines by rfc2217:// only"
        raise ValueError(msg)
    port = serial.serial_for_url(
        settings.port, rtscts=False, dsrdtr=False, exclusive=True, timeout=0
    )
    try:
        if sys.platform == "linux" and hasattr(port, "fileno"):
            with suppress(OSError):
                return KernelLines(port, settings.line)
        lines = PolledLines(port, settings.line)
        lines.is_on()  # a pseudo terminal has none
    except BaseException:
        port.close()
        raise
    return lines


def _request(name: str) -> int:
    import termios  # noqa: PLC0415 - not on Windows

    number: int = getattr(termios, name)
    return number


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ENOTTY:
        return "has no such line"
    return os.strerror(number) if number else str(error)
