"""What it takes to encode a frame: its shape, the transfer syntaxes, and what a codec is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from passerelle.profile import SyntaxName

IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
NATIVE: Final = frozenset((IMPLICIT, EXPLICIT))
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_LS: Final = "1.2.840.10008.1.2.4.80"
JPEG_2000: Final = "1.2.840.10008.1.2.4.90"
HTJ2K: Final = "1.2.840.10008.1.2.4.201"
#: One stream for all frames (PS3.5 8.2.5 to 8.2.11), also those that may be cut into fragments.
VIDEO: Final = frozenset(
    f"1.2.840.10008.1.2.4.{number}{fragmentable}"
    for number in range(100, 109)
    for fragmentable in ("", ".1")
)
RLE: Final = "1.2.840.10008.1.2.5"

#: The transfer syntax of each name a profile may give.
SYNTAXES: Final[dict[SyntaxName, str]] = {
    "JPEGLSLossless": JPEG_LS,
    "JPEG2000Lossless": JPEG_2000,
    "HTJ2KLossless": HTJ2K,
    "RLELossless": RLE,
    "None": EXPLICIT,
}
_BYTE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameShape:
    """What must be known of a frame to encode it."""

    rows: int
    columns: int
    samples: int  #: 1 grey, 3 colour by pixel
    bits_allocated: int
    bits_stored: int

    @property
    def size(self) -> int:
        """Bytes of one frame as it is without encoding."""
        return self.rows * self.columns * self.samples * self.bits_allocated // _BYTE

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the unsigned samples, little endian."""
        return np.dtype("u1" if self.bits_allocated == _BYTE else f"<u{self.bits_allocated // 8}")

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Of the array that holds a frame."""
        grey = (self.rows, self.columns)
        return grey if self.samples == 1 else (*grey, self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One transfer syntax: what it can hold, and both directions where we have them."""

    name: str
    module: str  #: must be importable
    decode: Callable[[bytes, FrameShape], NDArray[Any]]
    encode: Callable[[NDArray[Any], FrameShape], bytes] | None = None
    holds: Callable[[FrameShape], bool] = lambda _shape: True
    colour: str = "RGB"  #: Photometric Interpretation of what encodes red, green and blue

    @property
    def is_here(self) -> bool:
        """Whether this machine has the library."""
        return find_spec(self.module) is not None
