"""How far the time of this machine can be trusted."""

from __future__ import annotations

import ctypes
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Final

_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC of timex.h
_STATUS_OFFSET_LONGS: Final = 5  # timex.status follows modes, offset, freq, maxerror, esterror
_TIMEX_BYTES: Final = 512  # more than struct timex takes anywhere
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD_STAMP: Final = Path("/run/systemd/timesync/synchronized")


class Trust(StrEnum):
    """What a time stamp made now is worth."""

    TRUSTED = "trusted"  # synchronised with a time server
    HOLDOVER = "holdover"  # not now, but plausible: later than what is known to have been
    UNTRUSTED = "untrusted"  # a box without a real-time clock before its first contact


def trust(not_before: float, now: float | None = None) -> Trust:
    """How far to trust the time; `not_before` (s since the epoch) is known to be past."""
    if (time.time() if now is None else now) < not_before:
        return Trust.UNTRUSTED
    return Trust.TRUSTED if _is_synchronised() else Trust.HOLDOVER


def steady_s() -> float:
    """Seconds since the machine started, asleep or not: a clock that nobody sets."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)  # Linux; elsewhere sleep is left out
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


def boot_id() -> str:
    """Names this run of the machine; "" where it has no name."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def _is_synchronised() -> bool:
    if sys.platform != "linux":
        return False  # no portable question; such a clock is in holdover
    if _TIMESYNCD_STAMP.exists():
        return True
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
        return False
    status = ctypes.c_int.from_buffer(buffer, _STATUS_OFFSET_LONGS * ctypes.sizeof(ctypes.c_long))
    return not status.value & _UNSYNCHRONISED
