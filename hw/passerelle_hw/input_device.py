"""A keyboard, pedal or scanner below /dev/input, read directly and for us alone (Linux)."""

from __future__ import annotations

import errno
import os
import select
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

_EVENT: Final = struct.Struct("@llHHi")  # struct input_event: 24 bytes where long has 64 bits
_BATCH: Final = 64
#: ioctl requests of linux/input.h, the same on every architecture that we support.
_EVIOCGVERSION: Final = 0x80044501
_EVIOCGRAB: Final = 0x40044590
_EVIOCSCLOCKID: Final = 0x400445A0
_KEYS_BYTES: Final = 96  # KEY_CNT bits
_EVIOCGKEY: Final = 0x80004518 | _KEYS_BYTES << 16
_EV_SYN: Final = 0
_EV_KEY: Final = 1
_SYN_DROPPED: Final = 3
_SYN_REPORT: Final = 0
_REPEATED: Final = 2


class InputGone(Exception):
    """The device is not there, or not any more, or somebody else's; why."""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key that was pressed or let go of."""

    at_s: float  #: seconds of `time.monotonic`, as the kernel saw it
    code: int  #: of linux/input-event-codes.h
    down: bool


@dataclass(frozen=True, slots=True)
class EventsLost:
    """The kernel had to drop events here, because they were not fetched in time."""

    at_s: float
    down: frozenset[int]  #: the codes of the keys that are down now


Event = KeyEvent | EventsLost


class InputDevice:
    """An open device, grabbed: what is typed on it reaches neither a desktop nor a console."""

    def __init__(self, descriptor: int) -> None:
        """Use a descriptor that is grabbed; `opened` makes it."""
        self._descriptor = descriptor
        self._parser = EventParser()

    @classmethod
    def opened(cls, path: str) -> Self:
        """The device by its name, by preference one below /dev/input/by-id.

        Raises:
            InputGone: It cannot be opened, is no input device, or another program has it.
        """
        if sys.platform != "linux":
            msg = f"{path}: input devices are read on Linux only"
            raise InputGone(msg)
        import fcntl  # noqa: PLC0415 - not on Windows

        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise InputGone(_why(path, error)) from error
        try:
            fcntl.ioctl(descriptor, _EVIOCGVERSION, bytes(4))
            # The kernel's times are then those of `time.monotonic`.
            fcntl.ioctl(descriptor, _EVIOCSCLOCKID, struct.pack("i", time.CLOCK_MONOTONIC))
            fcntl.ioctl(descriptor, _EVIOCGRAB, 1)
        except OSError as error:
            os.close(descriptor)
            raise InputGone(_why(path, error)) from error
        return cls(descriptor)

    def read(self, timeout_s: float) -> list[Event]:
        """What happened since; empty when nothing did within the time.

        Raises:
            InputGone: It was unplugged.
        """
        try:
            if not select.select([self._descriptor], [], [], timeout_s)[0]:
                return []
            events = self._parser.feed(os.read(self._descriptor, _BATCH * _EVENT.size))
            return [self._found(event) for event in events]
        except BlockingIOError:
            return []
        except OSError as error:
            raise InputGone(_why("input device", error)) from error

    def down(self) -> frozenset[int]:
        """The codes of the keys that are down now.

        Raises:
            InputGone: It was unplugged.
        """
        import fcntl  # noqa: PLC0415 - not on Windows

        bits = bytearray(_KEYS_BYTES)
        try:
            fcntl.ioctl(self._descriptor, _EVIOCGKEY, bits)
        except OSError as error:
            raise InputGone(_why("input device", error)) from error
        return frozenset(code for code in range(8 * len(bits)) if bits[code // 8] >> code % 8 & 1)

    def close(self) -> None:
        """Let go of it, and of the grab with it."""
        with suppress(OSError):  # it may be gone already
            os.close(self._descriptor)

    def _found(self, event: Event) -> Event:
        return EventsLost(event.at_s, self.down()) if isinstance(event, EventsLost) else event


class EventParser:
    """Finds what happened to keys in the bytes of a device: sans-IO."""

    def __init__(self) -> None:
        self._is_dropping = False

    def feed(self, data: bytes) -> list[Event]:
        """The events of these bytes, which are whole ones as the kernel gives them.

        After events were dropped nothing counts until the next report, as the kernel's
        documentation of SYN_DROPPED demands; which keys are down must then be asked for.
        """
        found: list[Event] = []
        whole = len(data) - len(data) % _EVENT.size
        for seconds, microseconds, kind, code, value in _EVENT.iter_unpack(data[:whole]):
            at_s = seconds + microseconds / 1e6
            if kind == _EV_SYN and code == _SYN_DROPPED:
                self._is_dropping = True
            elif self._is_dropping:
                if kind == _EV_SYN and code == _SYN_REPORT:
                    self._is_dropping = False
                    found.append(EventsLost(at_s, frozenset()))
            elif kind == _EV_KEY and value != _REPEATED:
                found.append(KeyEvent(at_s, code, bool(value)))
        return found


def _why(path: str, error: OSError) -> str:
    match error.errno:
        case errno.EBUSY:
            return f"{path}: another program has grabbed it"
        case errno.ENOTTY | errno.EINVAL:
            return f"{path}: is no input device"
        case errno.EACCES:
            return f"{path}: this user may not read it; add it to the group input"
        case _:
            return f"{path}: {os.strerror(error.errno or errno.EIO)}"
