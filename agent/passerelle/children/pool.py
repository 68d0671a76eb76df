"""Several children of one program, as many as there is work for."""

from __future__ import annotations

import os
import sys
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from passerelle.children.child import WORKER, Child
from passerelle.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle.children.program import Body

_MOST: Final = 4
_MEMORY_EACH: Final = 400 << 20  # of the machine's: a worker on a large picture takes this much
_AHEAD: Final = 16  # preparations that wait, and that are remembered
_AHEAD_S: Final = 20.0


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
        self._wanting = 0  # requests that wait for a child
        self._to_prepare: OrderedDict[str, Body] = OrderedDict()
        self._prepared: OrderedDict[str, Child] = OrderedDict()  # who has, or is about to
        self._preparing: set[Child] = set()

    @property
    def size(self) -> int:
        """How many requests are answered at the same time."""
        return len(self._children)

    def request(
        self,
        kind: str,
        body: Body,
        *,
        deadline_s: float | None,
        alone: bool = False,
        subject: str = "",
    ) -> Body:
        """What a child answers; the deadline runs from when there is one.

        Args:
            kind: What is requested.
            body: Its parameters.
            deadline_s: As `Child.request` has it.
            alone: Wait until the others are done and keep them waiting: whatever happens
                then, no other's hunger for memory has caused it.
            subject: What may have been prepared; whoever did so is asked.

        Raises:
            ChildError: It crashed, hung past the deadline or outgrew its limit.
            AgentError: What the child itself raised, by name.
        """
        child = self._taken(alone=alone, subject=subject)
        try:
            return child.request(kind, body, deadline_s=deadline_s)
        finally:
            self._given_back(child, alone=alone)

    def prepare(self, subject: str, body: Body) -> None:
        """Let a child that nobody needs do ahead of time what a request on `subject` will take.

        Returns at once. What comes of it is not told: the request itself will tell.
        """
        with self._turn:
            if not self._is_quiet or len(self._to_prepare) >= _AHEAD:
                return
            self._to_prepare[subject] = body
        threading.Thread(target=self._prepare_some, name="ahead", daemon=True).start()

    @property
    def _is_quiet(self) -> bool:
        return not (self._alone or self._wanting)

    def _prepare_some(self) -> None:
        while True:
            with self._turn:
                if not self._is_quiet:
                    self._to_prepare.clear()  # their requests are about to come
                if not self._to_prepare or not self._free:
                    return
                subject, body = self._to_prepare.popitem(last=False)
                child = self._free.pop()
                self._preparing.add(child)
                self._prepared[subject] = child
                if len(self._prepared) > _AHEAD:
                    self._prepared.popitem(last=False)
            with suppress(AgentError):
                child.request("prepare", body, deadline_s=_AHEAD_S)
            self._preparing.discard(child)
            self._given_back(child, alone=False)

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

    def _taken(self, *, alone: bool, subject: str) -> Child:
        with self._turn:
            self._to_prepare.pop(subject, None)
            prepared = self._prepared.pop(subject, None)
            if alone:
                self._alone += 1
                self._turn.wait_for(lambda: len(self._free) == self.size)
                return self._free.pop()
            self._wanting += 1
            try:
                self._turn.wait_for(
                    # Whoever is still at it will be done before another could be.
                    lambda: self._free and not self._alone and prepared not in self._preparing
                )
            finally:
                self._wanting -= 1
            child = prepared if prepared in self._free else self._free[-1]
            self._free.remove(child)
            return child

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
