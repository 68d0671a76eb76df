"""When to try again, and when a person has to decide."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle.model import Delivery
    from passerelle.spool import Spool

_FIRST_BACKOFF_S: Final = 5.0
_LONGEST_BACKOFF_S: Final = 600.0
TRIES: Final = 10
_TRYING_S: Final = 24 * 3600.0


def backoff_s(failures: int, chance: Callable[[], float] = random.random) -> float:
    """How long to wait after so many failures in a row: 5 s to 10 min, full jitter.

    The jitter keeps a hundred boxes from returning to an archive in the same second.
    """
    # The exponent is clamped: 2.0 ** 1025 overflows, which is a week of outage.
    longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 10))
    return max(1.0, longest * chance())


@dataclass(slots=True)
class Circuit:
    """Whether a destination is worth trying: one probe at a time while it is not."""

    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    reason: str = ""
    failures: int = 0
    since: float | None = None  #: s since the epoch, of the first failure of this outage
    _next_probe: float = field(default=0.0)

    @property
    def is_open(self) -> bool:
        """The destination is away."""
        return self.failures > 0

    def opened(self, reason: str) -> None:
        """It failed; the next probe is put off further each time."""
        self.failures += 1
        self.reason = reason
        self.since = self.since or time.time()
        self._next_probe = self.clock() + backoff_s(self.failures, self.chance)

    def closed(self) -> None:
        """It answers."""
        self.failures, self.reason, self.since = 0, "", None

    def wait_s(self) -> float:
        """Seconds until the next probe is due; 0 when it is."""
        return max(0.0, self._next_probe - self.clock()) if self.is_open else 0.0

    def try_now(self) -> None:
        """An operator asked: the next probe is due at once."""
        self._next_probe = self.clock()


def again_or_never(
    spool: Spool,
    delivery: Delivery,
    reason: str,
    *,
    tries: int,
    now: float,
    chance: Callable[[], float] = random.random,
) -> None:
    """The destination failed on this instance: later again, behind the others, or refused.

    Few tries are counted only; the usual ten must also have lasted a day, so that no archive
    that is repaired over night finds its instances given up.
    """
    failures = delivery.failures + 1
    began = delivery.first_failed_at or now
    if failures >= tries and (tries < TRIES or now - began >= _TRYING_S):
        spool.refuse(delivery, reason=f"{reason} ({failures} tries)")
    else:
        at = now + backoff_s(failures, chance)
        spool.retry(delivery, at=at, reason=reason, blamed=True)
