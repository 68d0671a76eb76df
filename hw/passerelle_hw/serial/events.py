"""What a framer makes of the bytes of a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Damaged(Exception):
    """What stands between two marks is no message; why."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is complete, and intact as far as its protocol can tell.

    Whoever cannot keep it does not answer, and begins with a new framer: this one counts the
    message as taken.
    """

    body: bytes
    answer: bytes = b""  #: owed to the device, once the message is durable


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that are no message."""

    why: str
    raw: bytes
    answer: bytes = b""  #: to be sent at once


@dataclass(frozen=True, slots=True)
class Reply:
    """What the protocol answers to something that is no message."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A file that was begun, or should have been, and is not taken; the device begins it again."""

    why: str
    answer: bytes


Event = Message | Rejected | Reply


class Framer(Protocol):
    """Finds messages in bytes that come in pieces of any size; never holds more than its limit.

    A rejected frame is searched for the beginning of another one: only what cannot belong to a
    message is thrown away.
    """

    def feed(self, data: bytes) -> Sequence[Event]:
        """What these bytes complete."""

    def interrupt(self, why: str) -> Sequence[Event]:
        """Bytes were lost or damaged here: nothing that spans this place is a message."""
