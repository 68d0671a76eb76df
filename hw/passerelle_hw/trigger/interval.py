"""Every so many seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passerelle_hw.trigger.press import Press

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSettings:
    """How often."""

    every_s: float  #: seconds from one press to the next; the first comes after as many


class IntervalTrigger:
    """Presses, and lets go at once, at times that do not drift; those missed are left out.

    Where the thread was held up, one press follows, not as many as there would have been.
    """

    def __init__(
        self, settings: IntervalSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A clock that has not started.

        Raises:
            ValueError: The interval is none.
        """
        if settings.every_s <= 0:
            msg = "every_s: an interval is longer than nothing"
            raise ValueError(msg)
        self._every_s = settings.every_s
        self._clock = clock

    def watch(self, told: Callable[[Press], None], stop: Event) -> None:
        """See `Trigger.watch`."""
        next_at = self._clock() + self._every_s
        while not stop.is_set():
            now = self._clock()
            if now < next_at:
                stop.wait(min(_LOOK_S, next_at - now))
                continue
            told(Press(at_s=now))
            told(Press(at_s=now, down=False))
            next_at += self._every_s * (1 + (now - next_at) // self._every_s)
