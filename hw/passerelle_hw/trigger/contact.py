"""What became of a contact between two looks at its line, by the kernel's own count of changes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of a contact."""

    at_s: float
    down: bool  #: what the contact is after it


class CountedContact:
    """A contact whose changes a driver counts: one that opened again before the look is seen too.

    Only what the debouncing would not tell anyway is left out: several changes between two looks
    that end as they began are one contact.
    """

    def __init__(self, count: int, *, down: bool) -> None:
        self._count = count
        self._is_down = down

    def is_news(self, count: int) -> bool:
        """Whether the line changed since the last look."""
        return count != self._count

    def looked(self, count: int, at_s: float, *, down: bool) -> list[Edge]:
        """The edges since the last look, given the driver's count and what the line is now.

        The count is read first: a change between the two is then counted by the next look, as one
        more contact within the same bouncing.
        """
        is_changed, self._count = self.is_news(count), count
        was_down, self._is_down = self._is_down, down
        if down != was_down:
            return [Edge(at_s, down)]
        if is_changed:
            return [Edge(at_s, not down), Edge(at_s, down)]
        return []
