"""What came of a press: files in a folder, and what is known of how they were taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["still", "clip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One file that is whole; a burst is several stills.

    A still is `.jpg` (the camera's own bytes) or `.png`; a clip is `.mjpeg` (the camera's own
    JPEGs, one after the other), `.tif` (a page a frame, lossless) or `.mp4` (H.264 High).
    """

    file: Path
    kind: Kind
    taken_at: float  #: of the still, or of the clip's first frame: seconds since 1970
    pressed_at: float  #: of the trigger: seconds since 1970
    columns: int
    rows: int
    frames: int = 1
    frame_times_ms: tuple[float, ...] = ()  #: since the frame before; the first is 0; of a clip
    missing: int = 0  #: frames of the clip that the camera's count shows to be lost
    pixel_aspect: tuple[int, int] = (1, 1)  #: vertical, horizontal
    bits: int = (
        8  #: of a sample that mean something; those of a 10 or 12 bit camera are the low ones
    )
    lossy: bool = False  #: compressed lossily here, from what the camera gave uncompressed
