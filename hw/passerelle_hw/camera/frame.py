"""What a camera delivers, and what any camera promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: Codes as V4L2 spells them, without trailing blanks.
Pixels = Literal["MJPG", "YUYV", "UYVY", "NV12", "GREY", "Y10", "Y12", "Y16", "RGB3", "BGR3"]
#: In which order the lines of the two fields were taken, where there are two.
Field = Literal["progressive", "top first", "bottom first"]
#: What the driver says of the signal; None: it does not know, as cheap grabbers do not.
DriverSignal = Literal["locked", "no signal", "unstable"] | None


class CameraGone(Exception):
    """The camera is not there, or not any more, or cannot be used; why."""


class SourceChanged(Exception):
    """What is plugged into the camera has another size or timing now: open it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a camera; it may deliver something else, and says so."""

    columns: int = 0  #: 0: what the signal has, else the camera's own choice
    rows: int = 0
    rate: float = 0.0  #: frames a second; 0: the camera's own
    pixels: Pixels | None = None  #: None: MJPG where there is any, else the best there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How the bytes of a frame are laid out."""

    pixels: Pixels
    columns: int
    rows: int
    stride: int = 0  #: bytes from one line to the next, of the first plane; 0: MJPG has none
    field: Field = "progressive"
    full_range: bool = True  #: False: luma 16 to 235, as video has it (BT.601, BT.709)
    pixel_aspect: tuple[int, int] = (1, 1)  #: vertical, horizontal, as DICOM has it
    rate: float = 0.0  #: frames a second; 0: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame, copied out of the driver."""

    data: bytes
    format: Format
    at_s: float  #: when it was taken: seconds of `time.monotonic`
    sequence: int  #: the camera's own count: a gap is frames that were lost
    damaged: bool = False  #: the driver says so


class Camera(Protocol):
    """An opened camera. One thread uses it; what was opened is closed, whatever happens."""

    format: Format

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; None when none came within the time.

        Raises:
            CameraGone: It was unplugged, or its driver gave up.
            SourceChanged: The frames to come have another format.
        """

    def signal(self) -> DriverSignal:
        """What the driver says of the signal now.

        Raises:
            CameraGone: It was unplugged.
        """

    def close(self) -> None:
        """Let go of it; may be called twice."""
