"""What is asked of a station, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from passerelle_hw.camera.frame import Wanted

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import Format
    from passerelle_hw.camera.signal import State


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSettings:
    """A camera, and what a press makes of its frames."""

    device: str
    wanted: Wanted = field(default_factory=Wanted)
    capture: Literal["still", "burst", "clip"] = "still"
    burst_count: int = 5
    burst_interval_s: float = 0.5
    pre_trigger_s: float = 0.0  #: how long before the press a clip begins
    clip_s: float = 0.0  #: how long after it; 0: until it is let go of or pressed again
    longest_s: float = 600.0  #: of a clip
    #: h264 is encoded after the clip was taken; mjpeg of a camera without JPEGs is TIFF instead.
    clip_format: Literal["mjpeg", "h264"] = "mjpeg"
    ring_mb: int = 64  #: of frames before the press; a clip may begin later for the lack of it
    latency_s: float = 0.0  #: how much older a picture is than the time it has from its driver
    frozen_s: float = 10.0  #: after so long the same picture is a frozen one


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a station is doing, counted since it began."""

    state: State
    reason: str  #: a sentence for a person
    format: Format | None  #: None: nothing is opened
    truncated: int  #: frames that were cut off, and are not used
    damaged: int  #: frames that the driver said are damaged
    missing: int  #: frames that the camera's count shows to be lost
    reopened: int
    captured: int  #: files handed over
    refused: int  #: presses of which nothing, or less than asked for, came
    refused_why: str  #: of the last of these
    noticed: str  #: the last thing about a file that a person should know, such as a clip cut short
    triggers_gone: tuple[str, ...]  #: why; they are tried again
    is_taking: bool  #: a clip or burst is being taken
