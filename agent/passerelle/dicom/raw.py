"""Files that are nothing but samples, read as the device's profile says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import numpy as np

from passerelle.dicom.media import open_media
from passerelle.dicom.picture import Picture
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.dicom.picture import Samples
    from passerelle.profile import RawLayout

_FRAMES: Final = 2**31 - 1  # NumberOfFrames is IS (PS3.5 table 6.2-1)


def read_raw(media: Path, layout: RawLayout) -> list[Picture]:
    """The frames of the file, as one picture.

    Raises:
        EncodingError: The file's size does not fit the layout.
        Changed: The file cannot be read.
    """
    if layout.samples > 1 and layout.bits_allocated > 8:  # noqa: PLR2004 - bits
        msg = "raw: DICOM has no colour pictures of 16 bits a sample; the profile asks for one"
        raise EncodingError(msg)
    with open_media(media) as file:
        size = os.fstat(file.fileno()).st_size
    count, left_over = _count(size, layout)
    bits = layout.bits_stored or layout.bits_allocated
    picture = Picture(
        format="raw",
        rows=layout.rows,
        columns=layout.columns,
        samples=layout.samples,
        bits_allocated=layout.bits_allocated,
        bits_stored=bits,
        photometric="RGB" if layout.samples > 1 else "MONOCHROME2",
        frames=lambda: _frames(media, layout, count),
        frame_count=count,
        rescale_intercept=-(1 << bits - 1) if layout.signed else 0,
        frame_times_ms=(layout.frame_time_ms,) * count if layout.frame_time_ms else (),
        notes=(f"{left_over} bytes after the last frame were left out",) if left_over else (),
    )
    return [picture]


def _count(size: int, layout: RawLayout) -> tuple[int, int]:
    """How many frames, and how many bytes follow them."""
    samples = layout.rows * layout.columns * layout.samples
    frame = samples * layout.bits_allocated // 8
    count, left_over = divmod(max(size - layout.header_bytes, 0), frame)
    wanted = layout.frames or max(count, 1)
    if count < wanted or (left_over and not layout.frames) or count > _FRAMES:
        expected = layout.header_bytes + wanted * frame
        each = "" if layout.frames else f", or whole frames of {frame} more"
        msg = f"raw: {size} bytes where the profile's layout needs {expected}{each}"
        raise EncodingError(msg)
    return wanted, size - layout.header_bytes - wanted * frame


def _frames(media: Path, layout: RawLayout, count: int) -> Iterator[Samples]:
    byte_order = "<" if layout.byte_order == "little" else ">"
    kind = np.dtype(f"{byte_order}{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}")
    shape = (layout.rows, layout.columns) + ((3,) if layout.samples > 1 else ())
    length = layout.rows * layout.columns * layout.samples * kind.itemsize
    with open_media(media) as file:
        file.seek(layout.header_bytes)
        for _ in range(count):
            block = file.read(length)
            if len(block) < length:
                msg = "raw: the data end before the last frame does"
                raise EncodingError(msg)
            yield _unsigned(np.frombuffer(block, kind).reshape(shape), layout)


def _unsigned(frame: Samples, layout: RawLayout) -> Samples:
    bits = layout.bits_stored or layout.bits_allocated
    half = 1 << bits - 1 if layout.signed else 0
    if int(frame.min()) < -half or int(frame.max()) >= (1 << bits) - half:
        msg = f"raw: some samples need more than the {bits} bits that the profile says are stored"
        raise EncodingError(msg)
    width = np.uint8 if layout.bits_allocated == 8 else np.uint16  # noqa: PLR2004 - bits
    if not layout.signed:
        return np.ascontiguousarray(frame, dtype=width)
    return (frame.astype(np.int32) + half).astype(width)
