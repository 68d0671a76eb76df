"""Lines without hardware: in memory, where time is the test's own, and as a pair of pty ends."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from passerelle_hw.serial.events import Message, Rejected
from passerelle_hw.serial.frames import Frames
from passerelle_hw.serial.sender import Sender
from passerelle_hw.serial.transfer import Busy, Refused, Transfer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from passerelle_hw.serial.events import Event, Framer
    from passerelle_hw.serial.sender import Wire
    from passerelle_hw.serial.transfer import Store


class MemoryStore:
    """Keeps what is finished; can be full, and can dislike a name."""

    def __init__(self) -> None:
        self.files: list[tuple[str, bytes, bytes]] = []
        self.abandoned = 0
        self.busy = 0  #: how many times it has no room
        self._name, self._content = "", b""

    def begin(self, name: str, size: int) -> None:
        if name == "disliked" or size > 1 << 24:
            msg = "not that one"
            raise Refused(msg)
        self._name, self._content = name, b""

    def content(self, data: bytes) -> None:
        self._content += data

    def finish(self, sidecar: bytes) -> None:
        if self.busy:
            self.busy -= 1
            msg = "no room"
            raise Busy(msg)
        self.files.append((self._name, self._content, sidecar))

    def abandon(self) -> None:
        self.abandoned += 1


class Box:
    """The receiving side as a wire: what is written to it is answered at once."""

    def __init__(self, store: Store) -> None:
        self.now = 0.0
        self.rejected: list[Rejected] = []
        self.transfer = Transfer(store)
        self._frames = Frames()
        self._answers = b""

    def write(self, data: bytes) -> None:
        for event in self._frames.feed(data):
            if isinstance(event, Rejected):
                self.rejected.append(event)
            self._answers += self.transfer.take(event)

    def read(self, timeout_s: float) -> bytes:
        answers, self._answers = self._answers, b""
        if not answers:
            self.now += timeout_s
        return answers

    def sender(self, wire: Wire | None = None, *, chunk_bytes: int = 64, tries: int = 10) -> Sender:
        """A sender on this wire, or on one around it, on the test's own clock."""
        return Sender(
            wire or self,
            chunk_bytes=chunk_bytes,
            tries=tries,
            clock=lambda: self.now,
            pause=lambda _s: None,
        )


def fed(framer: Framer, data: bytes, pieces: Iterable[int] = ()) -> list[Event]:
    """What a framer makes of bytes that are cut at these places."""
    cuts = [0, *sorted({place % (len(data) + 1) for place in pieces}), len(data)]
    return [
        event for start, end in itertools.pairwise(cuts) for event in framer.feed(data[start:end])
    ]


def bodies(events: Sequence[Event]) -> list[bytes]:
    """The messages among events."""
    return [event.body for event in events if isinstance(event, Message)]


def reasons(events: Sequence[Event]) -> list[str]:
    """Why the others were none."""
    return [event.why for event in events if isinstance(event, Rejected)]


class PtyPair:
    """Two ends of a line; one has a name that a driver can open."""

    def __init__(self) -> None:
        import pty  # noqa: PLC0415 - not on Windows
        import tty  # noqa: PLC0415

        self.device, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)

    def write(self, data: bytes) -> None:
        os.write(self.device, data)

    def read(self, length: int) -> bytes:
        found = b""
        while len(found) < length:
            found += os.read(self.device, length - len(found))
        return found

    def unplug(self) -> None:
        for end in (self.device, self._slave):
            with suppress(OSError):
                os.close(end)
