"""Several children of one program, as many as there is work for."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Final

from passerelle.children.child import WORKER, Child

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle.children.program import Body

_MOST: Final = 4
_MEMORY_EACH: Final = 400 << 20  # of the machine's: a worker on a large picture takes this much


class Pool:
    """Gives each request a child to itself, so that no other can be blamed for its end.

    The child used last is used first: what needs one child starts one, and what a burst
    started beyond that is let go of. May be used from any thread.
    """

    def __init__(self, children: Sequence[Child]) -> None:
        """Nothing is started yet.

        Args:
            children: All there may be, of one program.
        """
        self._children = tuple(children)
        self._free = list(reversed(self._children))
        self._turn = threading.Condition()
        self._alone = 0  # requests that are, or wait to be, the only one

    @property
    def size(self) -> int:
        """How many requests are answered at the same time."""
        return len(self._children)

    def request(
        self, kind: str, body: Body, *, deadline_s: float | None, alone: bool = False
    ) -> Body:
        """What a child answers; the deadline runs from when there is one.

        Args:
            kind: What is requested.
            body: Its parameters.
            deadline_s: As `Child.request` has it.
            alone: Wait until the others are done and keep them waiting: whatever happens
                then, no other's hunger for memory has caused it.

        Raises:
            ChildError: It crashed, hung past the deadline or outgrew its limit.
            AgentError: What the child itself raised, by name.
        """
        child = self._taken(alone=alone)
        try:
            return child.request(kind, body, deadline_s=deadline_s)
        finally:
            self._given_back(child, alone=alone)

    def warm(self) -> None:
        """Start one child, if there is none, while there is nothing to ask it; returns at once."""
        with self._turn:
            if len(self._free) < self.size or any(one.pid for one in self._children):
                return
            child = self._free[-1]  # and stays free: a request that comes meanwhile waits for it
        child.warm()

    def close(self) -> None:
        """End every child for good; requests under way raise `ChildError`."""
        for child in self._children:
            child.close()

    def _taken(self, *, alone: bool) -> Child:
        with self._turn:
            if alone:
                self._alone += 1
                self._turn.wait_for(lambda: len(self._free) == self.size)
            else:
                self._turn.wait_for(lambda: self._free and not self._alone)
            return self._free.pop()

    def _given_back(self, child: Child, *, alone: bool) -> None:
        with self._turn:
            self._alone -= alone
            self._free.append(child)
            self._turn.notify_all()


def workers() -> list[Child]:
    """As many workers as this machine has cores and memory for, at most four."""
    return [Child(WORKER) for _ in range(max(1, min(_MOST, _cores(), _memory() // _MEMORY_EACH)))]


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int:
    """Bytes of the machine; plenty where it does not tell."""
    if sys.platform == "linux":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _MOST * _MEMORY_EACH
