"""What a C-STORE status means for a delivery (PS3.4 B.2.3, PS3.7 C), as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from passerelle.errors import Deferred, Refused, Unavailable, Uncertain

if TYPE_CHECKING:
    from collections.abc import Mapping

Rule = Literal["stored", "duplicate", "unavailable", "defer", "defer-briefly", "refuse"]

#: First matching row wins: lowest and highest status, rule, what an operator reads.
TABLE: Final[tuple[tuple[int, int, Rule, str], ...]] = (
    (0x0000, 0x0000, "stored", ""),
    (0x0001, 0x0001, "stored", "attribute list warning"),
    (0x0107, 0x0107, "stored", "attribute list error"),
    (0x0110, 0x0110, "defer", "processing failure"),
    (0x0111, 0x0111, "duplicate", "duplicate SOP Instance"),
    (0x0116, 0x0116, "stored", "attribute value out of range"),
    (0x0117, 0x0117, "refuse", "invalid SOP Instance"),
    (0x0122, 0x0122, "refuse", "SOP Class not supported"),
    (0x0124, 0x0124, "unavailable", "not authorised"),
    (0x0210, 0x0212, "refuse", "unrecognised or mistyped operation"),
    (0x0213, 0x0213, "unavailable", "resource limitation"),
    (0xA700, 0xA7FF, "unavailable", "out of resources"),
    (0xA800, 0xA8FF, "refuse", "SOP Class not supported"),
    (0xA900, 0xA9FF, "refuse", "data set does not match the SOP Class"),
    (0xB000, 0xB000, "stored", "elements coerced"),
    (0xB006, 0xB006, "stored", "elements discarded"),
    (0xB007, 0xB007, "stored", "data set does not match the SOP Class"),
    (0xB000, 0xBFFF, "stored", "stored with a warning"),
    (0xC000, 0xCFFF, "defer-briefly", "cannot understand"),
    (0x0000, 0xFFFF, "defer", "a failure the standard does not name"),
)


def judge(name: str, status: int, comment: str, overrides: Mapping[str, str]) -> str:
    """The archive's remark when it has stored the instance, or "".

    Args:
        name: Of the destination, for the text.
        status: (0000,0900).
        comment: (0000,0902); an operator reads it in the queue, no log does.
        overrides: Status in four hexadecimal digits to "stored", "unavailable", "defer" or
            "refuse", for an archive that uses a status in its own way.

    Raises:
        Uncertain: It says that it has an instance of this UID already.
        Unavailable: It takes nothing now.
        Deferred: It failed on this instance.
        Refused: It will never take this instance.
    """
    rule, meaning = next(
        (rule, meaning) for low, high, rule, meaning in TABLE if low <= status <= high
    )
    brief = f"{status:04X} {meaning}"
    text = f"{name}: {brief}" + (f": {comment}" if comment else "")
    match overrides.get(f"{status:04X}", rule):
        case "stored":
            return text.removeprefix(f"{name}: ") if status else ""
        case "duplicate":
            raise Uncertain(text)
        case "unavailable":
            # Not the comment: what is wrong with a destination is logged.
            brief = f"{name}: {brief}"
            raise Unavailable(brief)
        case "defer":
            raise Deferred(text, tries=10)
        case "defer-briefly":
            raise Deferred(text, tries=3)
        case _:
            raise Refused(text)
