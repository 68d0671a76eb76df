"""Fields of fixed width, read strictly: most of these formats have no other check."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from passerelle_hw.serial.events import Damaged

_AXIS_LIMIT: Final = 180


def matched(pattern: str, text: str, what: str) -> re.Match[str]:
    """The whole text as the pattern has it; digits are ASCII ones.

    Raises:
        Damaged: It is something else.
    """
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        msg = f"{what} is not as its document says"
        raise Damaged(msg)
    return found


def power(text: str) -> Decimal:
    """A power with its sign, which is a space for nought and for nothing else.

    Raises:
        Damaged: It has no such form.
    """
    matched(r"[+-][ \d]\d\.\d\d|  0\.00| 00\.00", text, "a power")
    value = Decimal(text.replace(" ", ""))
    if (value == 0) != text.startswith(" "):
        msg = "a power and its sign contradict each other"
        raise Damaged(msg)
    return value


def axis(text: str) -> int:
    """Degrees from 0 to 180.

    Raises:
        Damaged: It has no such form.
    """
    matched(r"  \d| [1-9]\d|[01]\d\d", text, "an axis")
    value = int(text)
    if value > _AXIS_LIMIT:
        msg = "an axis of more than 180 degrees"
        raise Damaged(msg)
    return value
