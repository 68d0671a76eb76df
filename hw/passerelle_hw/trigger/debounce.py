"""What of a contact's edges is a press: sans-IO, on the time of the edges themselves."""

from __future__ import annotations

from typing import Final

from passerelle_hw.trigger.press import Press

#: Contacts bounce for 1 to 10 ms, worn pedals longer; nobody presses twice within 25 ms.
QUIET_S: Final = 0.025


class Debounce:
    """Tells the first edge after quiet at once, then nothing until it is quiet again.

    However short a contact is, its press is told with the time of its first edge. Presses and
    releases alternate, and once it is quiet the last one told is what the contact is.
    """

    def __init__(self, quiet_s: float = QUIET_S, *, down: bool = False) -> None:
        """A contact that is quiet.

        Args:
            quiet_s: Edges that follow another one within this many seconds are bouncing.
            down: What the contact is now; that is not told.
        """
        self._quiet_s = quiet_s
        self._told = down
        self._is_down = down
        self._last_edge_at: float | None = None

    def edge(self, at_s: float, *, down: bool) -> list[Press]:
        """What an edge tells; `down` is what the contact is after it."""
        presses = self.settled(at_s)
        if down == self._is_down:
            return presses
        self._is_down = down
        is_quiet = self._last_edge_at is None
        self._last_edge_at = at_s
        if is_quiet:
            presses.append(self._tell(at_s))
        return presses

    def settled(self, now_s: float) -> list[Press]:
        """What is to be told because it has been quiet since: a contact shorter than bouncing."""
        last = self._last_edge_at
        if last is None or now_s - last < self._quiet_s:
            return []
        self._last_edge_at = None
        return [] if self._told == self._is_down else [self._tell(last)]

    def wait_s(self, now_s: float) -> float | None:
        """In how many seconds `settled` may have something to tell; None: not before an edge."""
        if self._last_edge_at is None:
            return None
        return max(0.0, self._last_edge_at + self._quiet_s - now_s)

    def _tell(self, at_s: float) -> Press:
        self._told = self._is_down
        return Press(at_s=at_s, down=self._told)
