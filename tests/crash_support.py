"""A process that dies before a chosen step of what it makes durable."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

#: Calls into the system or SQLite: between any two of them the power may go.
STEPS: Final = frozenset(
    {
        "execute",
        "fsync",
        "ftruncate",
        "mkdir",
        "open",
        "rename",
        "replace",
        "rmdir",
        "unlink",
        "write",
    }
)
_KILLED: Final = 86


def _die_before(step: int) -> Callable[[FrameType, str, object], None]:
    left = step

    def profile(_frame: FrameType, event: str, called: object) -> None:
        nonlocal left
        if event == "c_call" and getattr(called, "__name__", "") in STEPS:
            left -= 1
            if left < 0:
                os._exit(_KILLED)

    return profile


def killed(step: int, act: Callable[[], None]) -> bool:
    """Run `act` in a process of its own that dies before its call number `step`."""
    child = os.fork()
    if child == 0:
        try:
            sys.setprofile(_die_before(step))
            act()
            sys.setprofile(None)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, _KILLED)
    return code == _KILLED
