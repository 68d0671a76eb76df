"""Frames as they came become a video whose frames all last equally long."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMMON: Final = tuple(
    Fraction(*rate)
    for rate in (
        (5, 1), (10, 1), (12, 1), (15, 1), (20, 1), (24000, 1001), (24, 1), (25, 1),
        (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1),
    )
)  # fmt: skip
_ALIKE: Final = 0.1
_NEAR: Final = 0.02
_JITTER: Final = 0.25  #: of a frame's time, that a frame may be early


def rate_of(frame_times_ms: Sequence[float], told: float) -> Fraction:
    """Frames a second: what the camera says, if its frames agree, else what they show."""
    steps = [step for step in frame_times_ms[1:] if step > 0]
    if not steps:
        return _common(told) if told > 0 else Fraction(25)
    shown = 1000 / statistics.median(steps)
    return _common(told if told > 0 and abs(shown / told - 1) < _ALIKE else shown)


def _common(rate: float) -> Fraction:
    nearest = min(_COMMON, key=lambda one: abs(float(one) - rate))
    if abs(float(nearest) / rate - 1) < _NEAR:
        return nearest
    return Fraction(rate).limit_denominator(1000)


def paced(frame_times_ms: Sequence[float], rate: Fraction) -> Iterator[int]:
    """How often each frame is shown, so that the video is as long as the time it shows.

    Where frames are missing the one before stays for longer; a frame is shown not at all where
    frames come faster than the rate for longer than one frame's time.
    """
    step_ms = 1000 / float(rate)
    elapsed_ms, shown, times = 0.0, 0, 0
    for number, since_ms in enumerate(frame_times_ms):
        elapsed_ms += since_ms
        behind = elapsed_ms / step_ms - shown
        if number:
            more = max(0, math.floor(behind + _JITTER))
            yield times + more
            shown += more
            behind -= more
        times = 0 if number and behind <= -1 - _JITTER else 1
        shown += times
    if frame_times_ms:
        yield times
