"""Pixel cells of one bit, without a gap between rows or frames (PS3.5 8.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from passerelle.dicom.picture import Samples


def size(cells: int) -> int:
    """Bytes that so many cells take."""
    return -(-cells // 8)


def packed(frames: Iterable[Samples | bytes], cells: int) -> Iterator[bytes]:
    """Frames of 0 and 255, of `cells` each, as bytes; the first cell is the lowest bit.

    A frame may end inside a byte: its last bits wait for the next frame.

    Raises:
        EncodingError: A frame holds something else.
    """
    left = np.zeros(0, np.bool_)
    for frame in frames:
        samples = np.frombuffer(frame, np.uint8) if isinstance(frame, bytes) else frame.ravel()
        bits = samples != 0
        if samples.size != cells or not np.array_equal(samples, np.where(bits, 255, 0)):
            msg = "picture: a frame does not hold the single bits that its file announced"
            raise EncodingError(msg)
        waiting = np.concatenate((left, bits))
        whole = waiting.size // 8 * 8
        yield np.packbits(waiting[:whole], bitorder="little").tobytes()
        left = waiting[whole:]
    yield np.packbits(left, bitorder="little").tobytes()
