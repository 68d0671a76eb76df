"""Frames and presses in; stills, bursts and clips out. It opens nothing and writes nothing."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from passerelle_hw.camera.ring import Ring
from passerelle_hw.camera.wish import ClipBegun, ClipEnded, ClipFrame, ClipWish, Refused, StillWish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.camera.frame import Frame
    from passerelle_hw.camera.wish import Step
    from passerelle_hw.trigger.press import Press

_PATIENCE_S: Final = 5.0
_FRESH_S: Final = 0.5
_SPARE_S: Final = 2.0  #: how late a press may be told of
_BACKWARDS_S: Final = 1.0
_STARTING: Final = "the camera has not shown a good picture yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a press makes."""

    capture: Literal["still", "burst", "clip"] = "still"
    burst_count: int = 5
    burst_interval_s: float = 0.5
    pre_trigger_s: float = 0.0
    clip_s: float = 0.0  #: after the press; 0: until it is let go of or pressed again
    longest_s: float = 600.0  #: of a clip, its beginning before the press included
    latency_s: float = 0.0  #: how much older a picture is than the time it has from its driver
    #: So long must pictures stay good after one that is kept: a driver or a look at the
    #: picture tells of a lost signal a moment after it was lost.
    sure_s: float = 0.3


class Recorder:
    """Cuts by the frames' own times. Only frames that may be stored are given to it.

    A frame counts once the picture has stayed good for `sure_s` after it. Whatever ends the
    good picture (`lost`) ends what was begun: nothing reaches across it. Not for two threads.
    """

    def __init__(self, plan: Plan, *, ring_bytes: int) -> None:
        self._plan = plan
        self._ring = Ring(
            limit_bytes=ring_bytes, limit_s=plan.pre_trigger_s + plan.latency_s + _SPARE_S
        )
        self._unsure: deque[Frame] = deque()
        self._unsure_bytes = 0
        self._unsure_limit = ring_bytes // 2
        self._newest: Frame | None = None
        self._good_since_s = 0.0
        self._why_not = _STARTING
        self._stills: list[StillWish] = []
        self._stored: Frame | None = None
        self._clip: ClipWish | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is being taken."""
        return bool(self._stills or self._clip)

    def frame(self, frame: Frame) -> Iterator[Step]:
        """Take the next good frame."""
        newest = self._newest
        if newest is not None and newest.format != frame.format:
            yield from self.lost("what is plugged into the camera changed")
        elif newest is not None and frame.at_s < newest.at_s - _BACKWARDS_S:
            yield from self.lost("the camera's clock went back")
        if self._newest is None:
            self._good_since_s = frame.at_s
            self._why_not = ""
        self._newest = frame
        self._unsure.append(frame)
        self._unsure_bytes += len(frame.data)
        while (
            self._unsure[0].at_s <= frame.at_s - self._plan.sure_s
            or self._unsure_bytes > self._unsure_limit
        ):
            yield from self._sure(self._unsure.popleft())
            if not self._unsure:
                break

    def press(self, press: Press) -> Iterator[Step]:
        """Take a press, or that it was let go of."""
        at_s = press.at_s - self._plan.latency_s
        if self._plan.capture == "clip":
            yield from self._press_clip(press, at_s)
        elif press.down:
            yield from self._press_still(press, at_s)

    def lost(self, why: str) -> Iterator[Step]:
        """The picture is not good any more, or not the same camera's."""
        self._why_not = why
        self._newest = None
        self._unsure.clear()
        self._unsure_bytes = 0
        self._ring.clear()
        for wish in self._stills:
            yield wish.given_up(why)
        self._stills = []
        if self._clip is not None:
            yield self._clip.ended(why)
            self._clip = None

    def tick(self, now_s: float) -> Iterator[Step]:
        """Let time pass: what waits for frames that do not come is not waited for any longer."""
        patience_s = max(_PATIENCE_S, self._frames_s(3)) + self._plan.sure_s
        for wish in [one for one in self._stills if now_s > one.due_s + patience_s]:
            self._stills.remove(wish)
            yield wish.given_up("no frame came after it")
        if self._clip is not None and now_s > self._clip.due_s + patience_s:
            yield self._clip.ended("")
            self._clip = None

    def finish(self) -> Iterator[Step]:
        """End everything with the frames that are there: no other will come."""
        while self._unsure:
            yield from self._sure(self._unsure.popleft())
        for wish in self._stills:
            yield from self._checked(wish.last())
        self._stills = []
        yield from self.lost("the capture was stopped")

    def _sure(self, frame: Frame) -> Iterator[Step]:
        self._unsure_bytes -= len(frame.data)
        self._ring.add(frame)
        for wish in list(self._stills):
            yield from self._still_sees(wish, frame)
        if self._clip is not None:
            yield from self._clip_sees(self._clip, frame)

    def _press_still(self, press: Press, at_s: float) -> Iterator[Step]:
        if self._why_not or at_s < self._good_since_s:
            yield Refused(press, self._why_not or _STARTING)
            return
        count = self._plan.burst_count if self._plan.capture == "burst" else 1
        wish = StillWish(
            press,
            at_s,
            count=count,
            interval_s=self._plan.burst_interval_s,
            fresh_s=max(_FRESH_S, self._frames_s(3)),
        )
        self._stills.append(wish)
        for frame in self._ring.since(0.0):
            yield from self._still_sees(wish, frame)

    def _still_sees(self, wish: StillWish, frame: Frame) -> Iterator[Step]:
        if wish in self._stills:
            yield from self._checked(wish.sees(frame))
            if wish.is_done:
                self._stills.remove(wish)

    def _checked(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same, but no frame is stored twice."""
        for step in steps:
            if isinstance(step, Refused | ClipBegun | ClipFrame | ClipEnded):
                yield step
            elif step.frame is self._stored:
                yield Refused(step.press, "the picture of this moment is stored already")
            else:
                self._stored = step.frame
                yield step

    def _press_clip(self, press: Press, at_s: float) -> Iterator[Step]:
        if self._clip is not None:
            if self._plan.clip_s == 0:
                self._clip.stops_at(at_s)
            elif press.down:
                yield Refused(press, "a clip is being taken")
        elif press.down and (self._why_not or at_s < self._good_since_s):
            yield Refused(press, self._why_not or _STARTING)
        elif press.down:
            self._clip = ClipWish(
                press,
                begins_s=at_s - self._plan.pre_trigger_s,
                stops_s=at_s + (self._plan.clip_s or math.inf),
                longest_s=self._plan.longest_s,
            )
            for frame in self._ring.since(at_s - self._plan.pre_trigger_s):
                yield from self._clip_sees(self._clip, frame)

    def _clip_sees(self, clip: ClipWish, frame: Frame) -> Iterator[Step]:
        if clip is self._clip:
            yield from clip.sees(frame)
            if clip.is_done:
                self._clip = None

    def _frames_s(self, count: int) -> float:
        rate = self._newest.format.rate if self._newest else 0.0
        return count / rate if rate > 0 else 0.0
