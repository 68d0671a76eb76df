"""A trigger in a thread of its own, which is watched again when it was gone."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from passerelle_hw.trigger.press import TriggerGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle_hw.trigger.press import Press, Trigger

_AGAIN_S: Final = 2.0
_END_S: Final = 2.0


class WatchedTrigger:
    """Tells the presses of one trigger until it is ended."""

    def __init__(
        self, trigger: Trigger, told: Callable[[Press], None], *, again_s: float = _AGAIN_S
    ) -> None:
        self._again_s = again_s
        self._trigger = trigger
        self._told = told
        self._stop = Event()
        self._gone = ""
        self._watched_since_s = 0.0
        self._thread = Thread(target=self._watch, name="trigger", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def end(self) -> None:
        """Watch no more."""
        self._stop.set()
        self._thread.join(_END_S)

    def check(self) -> None:
        """See that it is watched.

        Raises:
            RuntimeError: Its thread ended.
        """
        if not self._thread.is_alive():
            msg = "the thread of a trigger ended"
            raise RuntimeError(msg)

    @property
    def gone(self) -> str:
        """Why it is not there; nothing while it is."""
        # A trigger does not say that it was opened; a while without an error does.
        is_back = self._watched_since_s and time.monotonic() - self._watched_since_s > self._again_s
        return "" if is_back else self._gone

    def _watch(self) -> None:
        while not self._stop.is_set():
            self._watched_since_s = time.monotonic()
            try:
                self._trigger.watch(self._told, self._stop)
            except TriggerGone as gone:
                self._gone = str(gone) or "it is gone"
                self._watched_since_s = 0.0
            self._stop.wait(self._again_s)
