"""A trigger that is watched in a thread, as a capture watches it."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from passerelle_hw.trigger.press import TriggerGone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.trigger.press import Press, Trigger


class Watched:
    """What a trigger told, and why it ended."""

    def __init__(self) -> None:
        self.gone: TriggerGone | None = None
        self.presses: queue.SimpleQueue[Press] = queue.SimpleQueue()

    def next(self) -> Press:
        return self.presses.get(timeout=5)


@contextmanager
def watched(trigger: Trigger) -> Iterator[Watched]:
    seen, stop = Watched(), threading.Event()

    def watch() -> None:
        try:
            trigger.watch(seen.presses.put, stop)
        except TriggerGone as gone:
            seen.gone = gone

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(1.0)
        assert not thread.is_alive(), "a stop is noticed within a second"
