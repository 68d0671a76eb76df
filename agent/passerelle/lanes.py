"""Several things at work at the same time, their results handed to one thread."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[_Task, _Result]):
    """A task that is over."""

    task: _Task
    outcome: _Result | BaseException

    def result(self) -> _Result:
        """What came of it; raises whatever the work raised."""
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Lanes(Generic[_Task, _Result]):
    """Up to `width` threads that do `work`; tasks begin in the order in which they were put.

    One thread puts and collects. The threads are started by need and end with `close`, or with
    the process: they are daemons, so that none keeps it from ending.
    """

    def __init__(
        self, width: int, work: Callable[[_Task], _Result], on_done: Callable[[], None]
    ) -> None:
        """No thread runs yet.

        Args:
            width: How many tasks are worked on at most.
            work: Done for each task, in one of the threads.
            on_done: Called, in that thread, when a task is over.
        """
        self._width = width
        self._work = work
        self._on_done = on_done
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done[_Task, _Result] | None] = queue.SimpleQueue()
        self._threads = 0
        self.busy = 0  #: tasks put and not collected

    @property
    def is_full(self) -> bool:
        """Whether there is work for every thread even while one task of each is collected."""
        return self.busy >= 2 * self._width

    def put(self, task: _Task) -> None:
        """Begin a task as soon as a thread is free."""
        self.busy += 1
        if self._threads < min(self.busy, self._width):
            self._threads += 1
            threading.Thread(target=self._serve, name="lane", daemon=True).start()
        self._tasks.put(task)

    def collect(self, timeout_s: float | None = 0.0) -> Done[_Task, _Result] | None:
        """A task that is over; None when none is within the time, or after `nudge`."""
        try:
            done = self._done.get(timeout=timeout_s) if timeout_s != 0 else self._done.get_nowait()
        except queue.Empty:
            return None
        self.busy -= done is not None
        return done

    def nudge(self) -> None:
        """Let a `collect` that waits return; may be called from any thread."""
        self._done.put(None)

    def close(self) -> None:
        """Let the threads end when they are done with what they have."""
        for _ in range(self._threads):
            self._tasks.put(None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            outcome: _Result | BaseException
            try:
                outcome = self._work(task)
            except BaseException as error:  # noqa: BLE001 - raised again where it is collected
                outcome = error
            self._done.put(Done(task, outcome))
            self._on_done()
