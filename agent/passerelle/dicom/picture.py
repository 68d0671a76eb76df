"""A picture as its file holds it, before it becomes DICOM."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from passerelle.model import Value

    #: Samples of one frame, (rows, columns) or (rows, columns, 3), unsigned, C-contiguous.
    Samples = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What becomes one instance: frames of one size and depth, and what their file says.

    `frames` may be called again; each call reads the file anew and holds one frame at a time.
    It may raise EncodingError as late as at its last frame.
    """

    format: str  #: "PNG", "JPEG", "raw", …
    rows: int
    columns: int
    samples: int  #: 1 grey, 3 colour, interleaved
    bits_allocated: int  #: 8 or 16
    bits_stored: int
    photometric: str  #: of what `frames` yields: MONOCHROME2, RGB; verbatim also YBR_FULL_422
    frames: Callable[[], Iterator[Samples | bytes]]  #: arrays, or bytes when they are verbatim
    frame_count: int = 1
    is_clip: bool = False  #: its frames are moments, whether or not their times are known
    is_bilevel: bool = False  #: its samples are 0 or 255 only: the file has 1 bit of each
    verbatim_syntax: str | None = None  #: transfer syntax UID of frames that stay as they are
    verbatim_bytes: int | None = None  #: of all verbatim frames together, where that is known
    was_lossy: bool = False  #: the device compressed it with a loss
    lossy_method: str = "ISO_10918_1"  #: JPEG (PS3.3 C.7.6.1.1.5.1), if it was
    lossy_ratio: float | None = None  #: bytes before to bytes after that compression
    rescale_intercept: int = 0  #: add it to a sample for what the device measured
    frame_times_ms: tuple[float, ...] = ()  #: how long each frame lasts; empty when not in time
    attributes: Mapping[str, Value] = field(default_factory=dict)  #: DICOM keywords; ICC apart
    icc_profile: bytes | None = None  #: fits `samples`, checked
    is_turned: bool = False  #: its rows were the device's columns
    notes: tuple[str, ...] = ()  #: what an operator should know
