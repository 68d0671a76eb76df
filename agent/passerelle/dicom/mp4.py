"""What an MP4 file holds: one video track, its frames and their times (ISO/IEC 14496-12, -15)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import IO, TYPE_CHECKING, Final, NoReturn

from passerelle.dicom.boxes import Box, content, parse, unpack
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Sequence

_IDENTITY: Final = (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
_TELLING: Final = frozenset({b"udta", b"meta", b"uuid"})
_CODECS: Final = {b"avc1": b"avcC", b"avc3": b"avcC", b"hvc1": b"hvcC", b"hev1": b"hvcC"}
_ENTRY: Final = 8 + 78  # a box's header and VisualSampleEntry (ISO/IEC 14496-12 12.1.3)
_STEADY: Final = 0.5  # of a frame's time: further off, a frame is missing or shown twice
_TOLERATED: Final = 1.5  # frames that rounding and the last one's own time may take from the end
_COPY: Final = "ffmpeg -i IN -map 0:v -c copy -movflags +faststart OUT.mp4"
_ENCODE: Final = "ffmpeg -i IN -map 0:v -c:v libx264 -profile:v high -level 4.1 -pix_fmt yuv420p"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """The one video track of a file that is whole."""

    codec: bytes  #: avcC or hvcC
    setup: bytes  #: the decoder's configuration record
    rows: int
    columns: int
    frames: int
    frame_time_ms: float
    size: int  #: bytes of the file
    telling: tuple[tuple[int, int], ...]  #: where boxes lie that tell of more than the video


def read_movie(file: IO[bytes]) -> Movie:
    """Check the file's structure, without decoding.

    Raises:
        EncodingError: It is damaged, cut off, or holds what a DICOM video cannot; what to do.
    """
    root = parse(file)
    if root.all(b"moof") or root.all(b"moov", b"mvex"):
        _refuse(f"it is fragmented; make one piece of it: {_COPY}")
    if not root.all(b"moov"):
        _refuse("cut off: it has no table of contents (moov)")
    track = _track(file, root)
    _check_upright(file, track)
    table = track.one(b"mdia", b"minf", b"stbl")
    codec, setup, columns, rows = _entry(file, table)
    sizes = _sizes(file, table)
    _check_inside(file, root, table, sizes)
    (version,) = unpack("B", header := content(file, track.one(b"mdia", b"mdhd")))
    (timescale,) = unpack("I", header, 20 if version else 12)
    frame_time_ms = _frame_time_ms(file, table, len(sizes), timescale)
    _check_edits(file, root, track, frame_time_ms, len(sizes))
    return Movie(
        codec=codec,
        setup=setup,
        rows=rows,
        columns=columns,
        frames=len(sizes),
        frame_time_ms=frame_time_ms,
        size=root.end,
        telling=tuple((box.start, box.end) for box in root.each() if box.kind in _TELLING),
    )


def _refuse(why: str) -> NoReturn:
    msg = f"MP4: {why}"
    raise EncodingError(msg)


def _track(file: IO[bytes], root: Box) -> Box:
    tracks = root.all(b"moov", b"trak")
    kinds = [content(file, track.one(b"mdia", b"hdlr"))[8:12] for track in tracks]
    if b"soun" in kinds:
        _refuse(f"it holds sound, which may tell of persons; leave it out: {_COPY}")
    if kinds != [b"vide"]:
        named = ", ".join(kind.decode("latin-1") for kind in kinds) or "none"
        _refuse(f"one video track is taken and nothing else; it has: {named}. {_COPY}")
    return tracks[0]


def _check_upright(file: IO[bytes], track: Box) -> None:
    (version,) = unpack("B", header := content(file, track.one(b"tkhd")))
    if unpack("9i", header, 52 if version else 40) != _IDENTITY:
        _refuse(f"it is to be shown turned, which DICOM cannot say; encode it upright: {_ENCODE}")


def _entry(file: IO[bytes], table: Box) -> tuple[bytes, bytes, int, int]:
    """The decoder's configuration, columns and rows."""
    data = content(file, table.one(b"stsd"))
    count, size, name = unpack("4xII4s", data)
    if count != 1:
        _refuse(f"its coding changes midway ({count} descriptions): {_ENCODE}")
    if name not in _CODECS:
        named = name.decode("latin-1")
        _refuse(f"the video is coded as {named}; H.264 and HEVC are taken: {_ENCODE}")
    columns, rows = unpack("HH", data, 8 + 32)
    found: dict[bytes, bytes] = {}
    position = 8 + _ENTRY
    while position < 8 + size:
        length, kind = unpack("I4s", data, position)
        found[kind] = data[position + 8 : position + max(length, 8)]
        position += max(length, 8)
    if b"pasp" in found and len(set(unpack("II", found[b"pasp"]))) > 1:
        _refuse(f"its pixels are not square (PS3.5 8.2.7); scale it: {_ENCODE} -vf scale=…")
    if _CODECS[name] not in found or not rows or not columns:
        _refuse("damaged (its decoder's configuration is missing)")
    return _CODECS[name], found[_CODECS[name]], columns, rows


def _sizes(file: IO[bytes], table: Box) -> Sequence[int]:
    data = content(file, table.one(b"stsz"))
    each, count = unpack("4xII", data)
    if not count:
        _refuse("it holds no frame")
    return (each,) * count if each else unpack(f"{count}I", data, 12)


def _check_inside(file: IO[bytes], root: Box, table: Box, sizes: Sequence[int]) -> None:
    """See that every chunk of frames lies where media data are."""
    is_long = bool(table.all(b"co64"))
    data = content(file, table.one(b"co64" if is_long else b"stco"))
    (count,) = unpack("4xI", data)
    offsets = unpack(f"{count}{'Q' if is_long else 'I'}", data, 8)
    data = content(file, table.one(b"stsc"))
    (runs,) = unpack("4xI", data)
    numbers = unpack(f"{3 * runs}I", data, 8)
    firsts = [*numbers[::3], count + 1]
    per_chunk = [
        many
        for many, first, after in zip(numbers[1::3], firsts, firsts[1:], strict=False)
        for _ in range(first, min(after, count + 1))
    ]
    ends = list(accumulate(per_chunk))
    if len(ends) != count or not ends or ends[-1] != len(sizes):
        _refuse("damaged (its tables count other frames than it has)")
    starts = [0, *accumulate(sizes)]
    places = [(box.content, box.end) for box in root.all(b"mdat")]
    for offset, end, many in zip(offsets, ends, per_chunk, strict=True):
        last = offset + starts[end] - starts[end - many]
        if not any(begin <= offset and last <= beyond for begin, beyond in places):
            _refuse("cut off: frames of it lie beyond the file's media data")


def _frame_time_ms(file: IO[bytes], table: Box, count: int, timescale: int) -> float:
    """The time between frames, which must come evenly: one Frame Time stands for all of them."""
    data = content(file, table.one(b"stts"))
    (runs,) = unpack("4xI", data)
    numbers = unpack(f"{2 * runs}I", data, 8)
    many, steps = list(numbers[::2]), numbers[1::2]
    if sum(many) != count or not timescale:
        _refuse("damaged (its tables time other frames than it has)")
    if count == 1:
        return float(1000 * steps[0] / timescale)
    for run in range(len(many) - 1, -1, -1):  # how long the last frame lasts does not matter
        if many[run]:
            many[run] -= 1
            break
    moments = [0, *accumulate(n * step for n, step in zip(many, steps, strict=True))]
    passed = [0, *accumulate(many)]
    mean = moments[-1] / passed[-1]
    off = max(abs(at - n * mean) for at, n in zip(moments, passed, strict=True))
    if not mean or off > max(_STEADY * mean, 1):
        _refuse(f"its frames do not come evenly; encode at one rate: {_ENCODE} -r 25")
    return float(1000 * mean / timescale)


def _check_edits(file: IO[bytes], root: Box, track: Box, frame_time_ms: float, count: int) -> None:
    """See that all frames are to be shown; to begin with the first one's delay hides none."""
    for box in track.all(b"edts", b"elst"):
        data = content(file, box)
        version, edits = unpack("B3xI", data)
        shown, start = unpack("Qq" if version else "Ii", data, 8) if edits else (0, 0)
        (long,) = unpack("B", movie := content(file, root.one(b"moov", b"mvhd")))
        (timescale,) = unpack("I", movie, 20 if long else 12)
        shown_ms = 1000 * shown / (timescale or 1)
        if edits > 1 or start < 0 or shown_ms < (count - _TOLERATED) * frame_time_ms:
            _refuse(f"an edit list hides a part of it; cut it for good: {_ENCODE}")
