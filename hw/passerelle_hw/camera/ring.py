"""The last frames, so that a clip can begin before its trigger."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.camera.frame import Frame


class Ring:
    """The last frames, as they came, bounded by bytes and by seconds; the newest is always kept."""

    def __init__(self, *, limit_bytes: int, limit_s: float) -> None:
        self.bytes = 0
        self._limit_bytes = limit_bytes
        self._limit_s = limit_s
        self._frames: deque[Frame] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: Frame) -> None:
        """Take the newest frame, and let go of what is too old or too much."""
        self._frames.append(frame)
        self.bytes += len(frame.data)
        while len(self._frames) > 1 and self._is_over(frame):
            self.bytes -= len(self._frames.popleft().data)

    def since(self, at_s: float) -> Iterator[Frame]:
        """The frames that were taken then or later, oldest first."""
        return (frame for frame in tuple(self._frames) if frame.at_s >= at_s)

    def clear(self) -> None:
        """Forget all of them."""
        self._frames.clear()
        self.bytes = 0

    def _is_over(self, newest: Frame) -> bool:
        return self.bytes > self._limit_bytes or newest.at_s - self._frames[0].at_s > self._limit_s
