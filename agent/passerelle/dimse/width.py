"""How many associations are worth having at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: A round trip as long as this is the line's: waiting for answers in parallel costs nobody.
FAR_S: Final = 0.005
_PAYS: Final = 1.1  # what a further association must gain
_VALID_S: Final = 60.0  # conditions change
_LEAST_EACH: Final = 2  # instances an association must have had for its batch to be judged


class Width:
    """As many associations as pay, and no more than allowed.

    On a far line all of them, from the first batch on: each waits for its own answers. On a near
    one it is the archive that decides: some take on parallel associations what they have cores
    for, others become slower by each (a `storescp` of one process lost two thirds at four).
    So there is one at first, then twice as many as long as that is faster.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._width = 1
        self._rates: dict[int, float] = {}  # instances per second, by width
        self._since = clock()

    def of(self, limit: int, round_trip_s: float) -> int:
        """How many to use now."""
        if round_trip_s >= FAR_S:
            return limit
        return min(self._width, limit)

    def measured(self, width: int, limit: int, count: int, seconds: float) -> None:
        """Take note of how long a batch of instances took, and choose for the next."""
        if count < _LEAST_EACH * width:
            return
        now = self._clock()
        if now - self._since > _VALID_S:
            self._since = now
            self._rates.clear()
        self._rates[width] = count / max(seconds, 1e-6)
        best = min(self._rates)
        for tried in sorted(self._rates):
            if self._rates[tried] > _PAYS * self._rates[best]:
                best = tried
        wider = min(2 * best, limit)
        self._width = best if wider in self._rates else wider
