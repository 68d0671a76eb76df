"""Carries packets between two TUN devices, late and no faster than a line would.

    python relay.py DESCRIPTOR DESCRIPTOR DELAY_S BYTES_PER_S

0 bytes per second: as fast as it can. What would wait longer than a tenth of a second for the
line is dropped, as a router drops it.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

_PACKET = 2048
_AT_ONCE = 64
_QUEUE_S = 0.1
_LOOK_S = 0.5


@dataclass
class Direction:
    """One way of the line."""

    source: int
    target: int
    delay_s: float
    rate: float
    free_at: float = 0.0
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet = os.read(self.source, _PACKET)
            except BlockingIOError:
                return
            now = time.monotonic()
            sent_at = max(now, self.free_at)
            if self.rate:
                if sent_at - now > _QUEUE_S:
                    continue
                sent_at = self.free_at = sent_at + len(packet) / self.rate
            self.waiting.append((sent_at + self.delay_s, packet))

    def give(self) -> None:
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            with suppress(OSError):  # the device goes down before we do
                os.write(self.target, self.waiting.popleft()[1])

    @property
    def due(self) -> float:
        return self.waiting[0][0] if self.waiting else time.monotonic() + _LOOK_S


def main(one: int, other: int, delay_s: float, rate: float) -> None:
    ways = {
        one: Direction(one, other, delay_s, rate),
        other: Direction(other, one, delay_s, rate),
    }
    while True:
        left = min(way.due for way in ways.values()) - time.monotonic()
        for ready in select.select(list(ways), [], [], max(0.0, left))[0]:
            ways[ready].take()
        for way in ways.values():
            way.give()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
