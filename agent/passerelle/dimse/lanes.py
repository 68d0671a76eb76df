"""Several associations with one node that take instances from one queue."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from passerelle.dimse.store import Outgoing, store
from passerelle.dimse.width import Width
from passerelle.errors import DeliveryError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle.dimse.association import Association

_Taking = TypeVar("_Taking")

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
    begun than were told and lanes there are. An association that is slow to open, because the node
    serves one at a time, keeps no queue waiting: it is used when it is there.
    """

    def __init__(self, first: Association, another: Callable[[], Association]) -> None:
        """Send over `first`, and over what `another` opens when that pays."""
        self.first = first
        self._another = another
        self._others: list[Association] = []
        self._changing = threading.Lock()
        self._opening = 0
        self._is_over = False
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
        width = min(self._width.of(limit, self.first.round_trip_s), len(queue))
        listener.begun(width)
        began = time.monotonic()
        batch = _Batch(queue, listener)
        used = 1 + self._run_others(batch, width - 1)
        batch.run(self.first)
        batch.finish()
        self._drop_the_spent()
        if used == width:
            sent = len(queue) - batch.left
            self._width.measured(width, limit, sent, time.monotonic() - began)
        if batch.outage:
            raise batch.outage

    def close(self) -> list[Association]:
        """Have nothing more to do with the associations: these are open."""
        with self._changing:
            self._is_over = True
            return [self.first, *self._others]

    def _run_others(self, batch: _Batch, count: int) -> int:
        """Let others take part, opened first where they are too few; how many are open."""
        with self._changing:
            opened = self._others[:count]
            missing = count - len(opened) - self._opening
            if time.monotonic() < self._no_more_until:
                missing = 0
            self._opening += max(0, missing)
        for association in opened:
            _started(batch.run, association)
        for _ in range(missing):
            _started(self._open, batch)
        return len(opened)

    def _open(self, batch: _Batch) -> None:
        association = None
        try:
            association = self._another()
        except Unavailable:  # it has its limit: all goes over those that it let in
            self._no_more_until = time.monotonic() + _PAUSE_S
        with self._changing:
            self._opening -= 1
            if association and not self._is_over:
                self._others.append(association)
        if association and self._is_over:
            association.abort()
        elif association:
            batch.run(association)

    def _drop_the_spent(self) -> None:
        with self._changing:
            spent = [one for one in self._others if one.is_spent]
            self._others = [one for one in self._others if not one.is_spent]
        for association in spent:
            association.abort()


class _Batch:
    """One queue while it is sent."""

    def __init__(self, queue: Sequence[Outgoing], listener: Listener) -> None:
        self._queue = deque(queue)
        self._listener = listener
        self._turn = threading.Condition()
        self._running = 0
        self._ended = False
        self._failure: BaseException | None = None
        self.outage: Unavailable | None = None

    @property
    def left(self) -> int:
        """How many were not begun."""
        return len(self._queue)

    def run(self, association: Association) -> None:
        """Send over one association until nothing is left or something is wrong."""
        try:
            while outgoing := self._taken():
                try:
                    self._send(association, outgoing)
                finally:
                    self._done(association)
        except BaseException as failure:  # noqa: BLE001 - raised by `finish`, in its thread
            self._failure, self._ended = failure, True

    def finish(self) -> None:
        """Wait for what is under way; nothing more is begun."""
        with self._turn:
            self._ended = True
            self._turn.wait_for(lambda: not self._running)
        if self._failure:
            raise self._failure

    def _taken(self) -> Outgoing | None:
        with self._turn:
            if self._ended or not self._queue or not self._listener.goes_on():
                return None
            self._running += 1
            return self._queue.popleft()

    def _done(self, association: Association) -> None:
        with self._turn:
            self._running -= 1
            self._ended = self._ended or association.is_spent
            self._turn.notify_all()

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


def _started(run: Callable[[_Taking], None], argument: _Taking) -> None:
    threading.Thread(target=run, args=(argument,), name="lane", daemon=True).start()
