"""Several associations with one node that take instances from one queue."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol

from passerelle.dimse.store import Outgoing, store
from passerelle.dimse.width import Width
from passerelle.errors import DeliveryError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from passerelle.dimse.association import Association

_PAUSE_S: Final = 60.0  # until a node that let no further association in is asked again


class Listener(Protocol):
    """Who hears how it goes; its methods are called by any lane's thread."""

    def begun(self, lanes: int) -> None:
        """So many instances may be under way at once, and no more than these are begun."""

    def answered(self, outgoing: Outgoing, status: int, comment: str) -> None:
        """The node answered."""

    def not_accepted(self, outgoing: Outgoing, accepted: list[str]) -> None:
        """The node takes none of this pair; it takes these transfer syntaxes of its class."""

    def failed(self, outgoing: Outgoing, error: DeliveryError) -> None:
        """It was refused here, could not be read, or its answer was lost."""

    def progress(self, sent: int, size: int) -> None:
        """So much of an instance has left."""

    def goes_on(self) -> bool:
        """Whether to begin another."""


class Lanes:
    """The associations with one node.

    What became of an instance is told before its lane begins another: of the queue no more are
    begun than were told and lanes there are.
    """

    def __init__(self, first: Association, another: Callable[[], Association]) -> None:
        """Send over `first`, and over what `another` opens when that pays."""
        self.first = first
        self._another = another
        self._others: list[Association] = []
        self._width = Width()
        self._no_more_until = 0.0

    def send(self, queue: Sequence[Outgoing], limit: int, listener: Listener) -> None:
        """Send what is in the queue, in its order, until something is wrong with the node.

        Args:
            queue: What to send.
            limit: Associations at once.
            listener: Told of each instance that was begun; the others have not left.

        Raises:
            Unavailable: The node is not there; what was not told has not left.
        """
        paused = time.monotonic() < self._no_more_until
        allowed = 1 + len(self._others) if paused else limit
        width = min(self._width.of(allowed, self.first.round_trip_s), len(queue))
        listener.begun(width)
        began = time.monotonic()
        batch = _Batch(queue, listener)
        if width == 1:
            batch.run(self.first)
        else:
            with ThreadPoolExecutor(width - 1, thread_name_prefix="lane") as pool:
                run, opened = self._run_other, tuple(self._others)
                others = [pool.submit(run, batch, opened, at) for at in range(width - 1)]
                batch.run(self.first)
                for other in others:
                    other.result()
        self._others = [one for one in self._others if self._keeps(one)]
        self._width.measured(width, limit, len(queue) - batch.left, time.monotonic() - began)
        if batch.outage:
            raise batch.outage

    def associations(self) -> Iterator[Association]:
        """All that are open."""
        yield self.first
        yield from self._others

    def _run_other(self, batch: _Batch, opened: Sequence[Association], at: int) -> None:
        if at < len(opened):
            batch.run(opened[at])
            return
        try:
            other = self._another()
        except Unavailable:  # it has its limit: what there is goes over those that it let in
            self._no_more_until = time.monotonic() + _PAUSE_S
            return
        self._others.append(other)
        batch.run(other)

    @staticmethod
    def _keeps(association: Association) -> bool:
        if association.is_spent:
            association.abort()
        return not association.is_spent


class _Batch:
    """One queue while it is sent."""

    def __init__(self, queue: Sequence[Outgoing], listener: Listener) -> None:
        self._queue = deque(queue)
        self._listener = listener
        self._taking = threading.Lock()
        self._ended = False
        self.outage: Unavailable | None = None

    @property
    def left(self) -> int:
        """How many were not begun."""
        return len(self._queue)

    def run(self, association: Association) -> None:
        """Send over one association until nothing is left or something is wrong."""
        while outgoing := self._next():
            self._send(association, outgoing)
            if association.is_spent:
                self._ended = True

    def _next(self) -> Outgoing | None:
        with self._taking:
            if self._ended or not self._queue or not self._listener.goes_on():
                return None
            return self._queue.popleft()

    def _send(self, association: Association, outgoing: Outgoing) -> None:
        listener = self._listener
        if outgoing.pair not in association.accepted:
            ours = outgoing.pair[0]
            listener.not_accepted(outgoing, [s for c, s in association.accepted if c == ours])
            return
        try:
            status, comment = store(association, outgoing, listener.progress)
        except Unavailable as error:
            self.outage, self._ended = error, True
        except DeliveryError as error:
            listener.failed(outgoing, error)
        else:
            listener.answered(outgoing, status, comment)
