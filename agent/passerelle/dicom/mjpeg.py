"""Clips that are JPEGs one after the other, as cameras deliver them ("MJPG")."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from passerelle.dicom import jpeg
from passerelle.dicom.coding import JPEG_BASELINE
from passerelle.dicom.decoding import check_size
from passerelle.dicom.jpeg_picture import by_pillow, checked, ratio, stays, tables_note
from passerelle.dicom.media import open_media
from passerelle.dicom.picture import Picture
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.dicom.jpeg import Stream
    from passerelle.dicom.picture import Samples
    from passerelle.profile import SopClassName

_BYTE: Final = 8
_WINDOW: Final = 1 << 20  # bytes read at a time; most frames fit
_LARGEST: Final = 64 << 20  # bytes of one frame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clip:
    """What all frames have in common, and what they add up to."""

    first: Stream
    count: int
    size: int  #: bytes of all frames as they are stored


def read_mjpeg(media: Path, sop_class: SopClassName) -> list[Picture]:
    """The clip as one picture of many frames, for an object of this class.

    The frames keep their own bytes, less what tells about the picture, where the class can hold
    them (JPEG Baseline, PS3.5 8.2.1); each is decoded once, when it is asked for, to show that it
    can be. Other JPEGs are decoded. One frame is held at a time, however long the clip.

    Raises:
        EncodingError: It is damaged, cut off, or its frames are not of one kind.
        Changed: The file cannot be read.
    """
    clip = _surveyed(media)
    first = clip.first
    photometric = stays(first, sop_class)
    is_colour = len(first.components) > 1
    return [
        Picture(
            format="MJPEG",
            rows=first.rows,
            columns=first.columns,
            samples=3 if is_colour else 1,
            bits_allocated=_BYTE,
            bits_stored=_BYTE,
            photometric=photometric or ("RGB" if is_colour else "MONOCHROME2"),
            frames=lambda: _verbatim(media) if photometric else _decoded(media),
            frame_count=clip.count,
            is_clip=True,
            verbatim_syntax=JPEG_BASELINE if photometric else None,
            verbatim_bytes=clip.size if photometric else None,
            was_lossy=not first.is_lossless,
            lossy_ratio=None if first.is_lossless else ratio(first, clip.size, clip.count),
            notes=tables_note(first),
        )
    ]


def _surveyed(media: Path) -> _Clip:
    first, count, size = None, 0, 0
    for data, stream in _streams(media):
        first = first or stream
        count += 1
        _check_alike(first, stream, count)
        size += len(jpeg.without_metadata(data, stream))
    if first is None:
        msg = "MJPEG: holds no frame"
        raise EncodingError(msg)
    check_size("MJPEG", first.rows, first.columns, size=size)
    if first.precision != _BYTE:
        msg = f"MJPEG: frames of {first.precision} bits a sample are not taken; export 8"
        raise EncodingError(msg)
    return _Clip(first=first, count=count, size=size)


def _check_alike(first: Stream, stream: Stream, number: int) -> None:
    if (stream.rows, stream.columns) != (first.rows, first.columns):
        msg = (
            f"MJPEG: frame {number} is {stream.columns} x {stream.rows} pixels, "
            f"the first {first.columns} x {first.rows}: a clip has one size"
        )
        raise EncodingError(msg)
    kinds = [(one.process, one.precision, one.sampling, one.photometric) for one in (first, stream)]
    if kinds[0] != kinds[1]:
        msg = f"MJPEG: frame {number} is a JPEG of another kind or sampling than the first"
        raise EncodingError(msg)


def _verbatim(media: Path) -> Iterator[bytes]:
    for data, stream in _streams(media):
        clean = jpeg.without_metadata(data, stream)
        with checked(clean):
            pass  # or the caller would have the frame while a decoder holds it too
        yield clean


def _decoded(media: Path) -> Iterator[Samples]:
    for data, stream in _streams(media):
        frame, _, _ = by_pillow(jpeg.without_metadata(data, stream), 1)
        yield frame


def _streams(media: Path) -> Iterator[tuple[bytes, Stream]]:
    """Each frame's bytes, and what its markers say; zeros behind a frame are padding.

    Raises:
        EncodingError: Something lies between the frames, or one is damaged or cut off.
    """
    with open_media(media) as file:
        left = os.fstat(file.fileno()).st_size
        window, number = b"", 0
        while True:
            window, left = _padding_skipped(file, window, left)
            if not window:
                return
            number += 1
            try:
                stream, window, left = _next(file, window, left)
            except EncodingError as fault:
                msg = f"MJPEG: frame {number}: {str(fault).removeprefix('JPEG: ')}"
                raise EncodingError(msg) from fault
            yield window[: stream.end], stream
            window = window[stream.end :]


def _padding_skipped(file: IO[bytes], window: bytes, left: int) -> tuple[bytes, int]:
    while not (window := window.lstrip(b"\0")) and left:
        window = file.read(min(_WINDOW, left))
        left = left - len(window) if window else 0
    return window, left


def _next(file: IO[bytes], window: bytes, left: int) -> tuple[Stream, bytes, int]:
    """The frame at the start of the window, which grows until it holds all of it."""
    while True:
        try:
            return jpeg.parse(window), window, left
        except jpeg.Incomplete:
            more = file.read(min(max(_WINDOW, len(window)), left))
            if not more or len(window) > _LARGEST:
                raise
            window, left = window + more, left - len(more)
