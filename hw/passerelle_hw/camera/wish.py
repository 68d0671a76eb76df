"""What was asked for by a press, and what comes of it, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.camera.frame import Frame
    from passerelle_hw.trigger.press import Press

_EARLY_S: Final = 0.005  #: a frame of a burst may be, so that jitter does not cost a whole one


@dataclass(frozen=True, slots=True)
class Still:
    """A frame to be kept as a picture."""

    press: Press
    frame: Frame


@dataclass(frozen=True, slots=True)
class ClipBegun:
    """A clip, and its first frame."""

    press: Press
    frame: Frame


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """The next frame of the clip."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class ClipEnded:
    """The clip is whole."""

    why: str  #: nothing: as it was asked for; else what cut it short
    frame_times_ms: tuple[float, ...]  #: since the frame before; the first is 0
    missing: int  #: frames that the camera's count shows to be lost


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing came of a press, or less than was asked for."""

    press: Press
    why: str


Step = Still | ClipBegun | ClipFrame | ClipEnded | Refused


class StillWish:
    """One picture of the moment of a press, and of a burst those after it.

    The first is the last frame taken at that moment or before; those after it in a burst are the
    first ones taken one, two … intervals after it, or later: so none is taken twice.
    """

    def __init__(
        self, press: Press, at_s: float, *, count: int, interval_s: float, fresh_s: float
    ) -> None:
        self.due_s = at_s  #: when the next one is to be taken
        self._press = press
        self._at_s = at_s
        self._count = count
        self._interval_s = interval_s
        self._fresh_s = fresh_s
        self._before: Frame | None = None
        self._taken = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing more comes of it."""
        return self._taken >= self._count

    def sees(self, frame: Frame) -> Iterator[Step]:
        """Take the next frame, in the order of their times."""
        if frame.at_s <= self._at_s:
            self._before = frame
            return
        if not self._taken:
            yield from self._first()
        if 0 < self._taken < self._count and frame.at_s >= self.due_s - _EARLY_S:
            yield self._take(frame)

    def last(self) -> Iterator[Step]:
        """What can still come of it when there will be no other frame."""
        if not self._taken:
            yield from self._first()
        if not self.is_done:
            yield self.given_up("the capture was stopped")

    def given_up(self, why: str) -> Step:
        """Nothing more will come of it."""
        if self._taken:
            why = f"only {self._taken} of {self._count} pictures: {why}"
        self._taken = self._count
        return Refused(self._press, why)

    def _first(self) -> Iterator[Step]:
        before = self._before
        if before is None or self._at_s - before.at_s > self._fresh_s:
            yield self.given_up("there is no picture of that moment")
        else:
            self.due_s = before.at_s
            yield self._take(before)

    def _take(self, frame: Frame) -> Step:
        self._taken += 1
        self.due_s += self._interval_s
        return Still(self._press, frame)


class ClipWish:
    """The frames from a moment on until another."""

    def __init__(self, press: Press, *, begins_s: float, stops_s: float, longest_s: float) -> None:
        self.due_s = min(stops_s, begins_s + longest_s)  #: when it ends
        self.is_done = False
        self._press = press
        self._begins_s = begins_s
        self._why = "" if stops_s <= begins_s + longest_s else "it was as long as one may be"
        self._last: Frame | None = None
        self._times_ms: list[float] = []
        self._missing = 0

    def stops_at(self, at_s: float) -> None:
        """Let it end then, unless it ends earlier anyway."""
        if at_s < self.due_s:
            self.due_s = at_s
            self._why = ""

    def sees(self, frame: Frame) -> Iterator[Step]:
        """Take the next frame, in the order of their times."""
        if frame.at_s < self._begins_s:
            return
        if frame.at_s > self.due_s:
            yield self.ended(self._why)
            return
        last = self._last
        self._last = frame
        if last is None:
            self._times_ms.append(0.0)
            yield ClipBegun(self._press, frame)
            return
        self._times_ms.append(max(0.0, round((frame.at_s - last.at_s) * 1000, 3)))
        self._missing += max(0, frame.sequence - last.sequence - 1)
        yield ClipFrame(frame)

    def ended(self, why: str) -> Step:
        """No frame will be added any more."""
        self.is_done = True
        if self._last is None:
            return Refused(self._press, why or "there is no picture of that time")
        return ClipEnded(why, tuple(self._times_ms), self._missing)
