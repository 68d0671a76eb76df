"""When a folder is to be looked at again."""

from __future__ import annotations

from typing import Final

from passerelle.sources.candidates import NEVER

_REST_S: Final = 0.05  # between two scans that events ask for
_SHARE: Final = 9  # and this many times as long as the last one took
_SHARE_IN_A_BURST: Final = 1  # or this many, as before a scan for what is due
_BURST: Final = 200  # files that one scan finds: the next one finds more, with or without events
_DEAF_S: Final = 0.6  # after a file was moved away (watchdog 7.1 waits to see where it comes to)


class Cadence:
    """Scans come at each poll, when something is due, and soon after the folder was stirred.

    However much happens, they take a tenth of the time at most, and half of it in a burst or
    while files are due. All times are those of the source's clock.
    """

    def __init__(self, poll_s: float) -> None:
        self.scanned_at = -NEVER  #: when the last scan began
        self.in_burst = False  #: it found more than events are good for
        self._poll_s = poll_s
        self._is_stirred = False
        self._next_poll = self._earliest = self._rested = self._deaf_until = -NEVER

    def stir(self) -> bool:
        """Something happened in the folder; whether that is news. May be called by any thread."""
        is_news = not self._is_stirred
        self._is_stirred = True
        return is_news

    def moved_away(self, now: float) -> None:
        """We did something in the folder: for a moment, nobody tells of anything else."""
        self._deaf_until = now + _DEAF_S

    def begin(self, now: float) -> None:
        """A scan begins: it sees whatever happened before."""
        self.scanned_at = now
        self._is_stirred = False

    def end(self, now: float, *, found: int) -> None:
        """The scan ended; so many files came or changed."""
        was_in_burst, self.in_burst = self.in_burst, found > _BURST
        if was_in_burst or self.in_burst:
            self._is_stirred = True  # nobody listens then
        took = now - self.scanned_at
        share = _SHARE_IN_A_BURST if self.in_burst else _SHARE
        self._earliest = now + _SHARE_IN_A_BURST * took
        self._rested = now + max(_REST_S, share * took)
        self._next_poll = now + self._poll_s

    def next_look(self, due: float) -> float:
        """When to scan, if something is due then."""
        stirred = self._is_stirred or self._rested < self._deaf_until
        hinted = self._rested if stirred else NEVER
        return min(self._next_poll, hinted, max(self._earliest, due))

    def interrupts(self, now: float) -> bool:
        """Whether to scan before what the last scan found is all offered."""
        return now >= (self.next_look(NEVER) if self.in_burst else self._next_poll)
