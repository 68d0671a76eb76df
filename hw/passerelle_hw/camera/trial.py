"""A short look at a camera: whether it opens, what it shows, how many frames it gives."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from passerelle_hw.camera.feed import Feed
from passerelle_hw.camera.frame import Wanted
from passerelle_hw.camera.opening import open_camera

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passerelle_hw.camera.frame import Format

_LOOK_S: Final = 5.0
_SEEN_S: Final = 1.0  # of good frames: enough to tell their rate


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it."""

    is_good: bool  #: a picture that comes now would be kept
    text: str  #: for a person


def look_at(said: Mapping[str, Any]) -> Seen:
    """Open the camera of a station's settings, watch it for up to 5 s, and let go of it."""
    wanted = Wanted(**said["wanted"])
    feed = Feed(lambda: open_camera(said["device"], wanted))
    frames, first_s, until = 0, 0.0, time.monotonic() + _LOOK_S
    stop = Event()
    for frame in feed.frames(stop):
        if frame is not None and feed.may_store:
            frames += 1
            first_s = first_s or frame.at_s
            if frame.at_s - first_s >= _SEEN_S:
                text = _described(frame.format, (frames - 1) / (frame.at_s - first_s))
                return Seen(is_good=True, text=text)
        if time.monotonic() > until:
            break
    return Seen(is_good=False, text=f"{feed.state}: {feed.reason or 'gives next to no frames'}")


def _described(given: Format, rate: float) -> str:
    field = "" if given.field == "progressive" else f", interlaced, {given.field}"
    return f"{given.pixels} {given.columns}x{given.rows}{field}, {rate:.0f} frames a second"
