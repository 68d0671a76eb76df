"""What `ffmpeg` is told to open, and what it says of it before any frame."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera.ffmpeg_program import NotInstalled, Program, without_credentials
from passerelle_hw.camera.frame import CameraGone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passerelle_hw.camera.frame import Field, Wanted

PROBE_S: Final = 8.0
#: After this long without a byte ffmpeg ends by itself, should nobody be left to end it.
_SILENCE_US: Final = "10000000"
_NETWORK: Final = ("http", "https", "srt", "tcp", "udp", "rtp")
#: Inputs of ffmpeg that are cameras by themselves, with the prefix of their names.
_DEVICES: Final = {"dshow": "video=", "avfoundation": "", "decklink": ""}
_STREAM: Final = re.compile(r"Stream #0:\d+.*?: Video: (?P<codec>\w+)(?P<rest>.*)")
_PIXELS: Final = re.compile(r", (?P<pixels>\w+)(?:\((?P<facts>[^)]*)\))?, (?P<size>\d+x\d+)")
_ASPECT: Final = re.compile(r"SAR (\d+):(\d+)")
_RATE: Final = re.compile(r"([\d.]+) (?:fps|tbr)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What ffmpeg says of a video stream."""

    codec: str
    pixels: str  #: as ffmpeg spells it
    columns: int
    rows: int
    rate: float
    full_range: bool
    field: Field
    pixel_aspect: tuple[int, int]


def arguments(device: str, wanted: Wanted) -> list[str]:
    """Open this device: `-i` and what stands before it.

    Raises:
        CameraGone: It is nothing that ffmpeg could open.
    """
    scheme, _, rest = device.partition(":")
    scheme = scheme.lower()
    if scheme in {"rtsp", "rtsps"}:
        # Over UDP a lost packet is a damaged picture that nothing tells of.
        return ["-rtsp_transport", "tcp", "-timeout", _SILENCE_US, "-i", device]
    if scheme in _NETWORK and rest.startswith("//"):
        return ["-rw_timeout", _SILENCE_US, "-i", device]
    if scheme == "lavfi":
        return ["-re", "-f", "lavfi", "-i", rest]
    if scheme == "file":
        return _file(rest, wanted)
    if scheme in _DEVICES:
        return [*_asked(scheme, wanted), "-i", _prefixed(rest, _DEVICES[scheme])]
    if sys.platform == "win32":
        return [*_asked("dshow", wanted), "-i", _prefixed(device, _DEVICES["dshow"])]
    msg = f"{without_credentials(device)}: no camera that is known has such a name"
    raise CameraGone(msg)


def _file(rest: str, wanted: Wanted) -> list[str]:
    """A file at its own pace, in a loop; with `?once` at its end, once."""
    path = rest.removesuffix("?once")
    looped = [] if path != rest else ["-stream_loop", "-1"]
    bare = path.lower().endswith((".mjpeg", ".mjpg"))
    # Bare JPEGs say nothing of their rate.
    rate = ["-f", "mjpeg", "-framerate", f"{wanted.rate:g}"] if bare and wanted.rate else []
    return ["-re", *looped, *rate, "-i", f"file:{path}"]


def _asked(kind: str, wanted: Wanted) -> list[str]:
    size = ["-video_size", f"{wanted.columns}x{wanted.rows}"] if wanted.columns else []
    rate = ["-framerate", f"{wanted.rate:g}"] if wanted.rate else []
    codec = ["-vcodec", "mjpeg"] if (kind, wanted.pixels) == ("dshow", "MJPG") else []
    return ["-f", kind, *size, *rate, *codec]


def _prefixed(name: str, prefix: str) -> str:
    return name if name.startswith(prefix) else prefix + name


def probed(device: str, wanted: Wanted) -> Seen:
    """Open it for a moment and see what it has.

    Raises:
        CameraGone: It cannot be opened, or has no picture.
    """
    try:
        program = Program([*arguments(device, wanted)])
    except NotInstalled as error:
        raise CameraGone(str(error)) from error
    try:
        ended = program.wait(PROBE_S)
    finally:
        program.end()
    seen = seen_in(program.lines)
    if seen is not None:
        return seen
    why = f"no picture within {PROBE_S:.0f} s" if ended is None else program.complaint()
    name = without_credentials(device)
    raise CameraGone(why if why.startswith(name) else f"{name}: {why}")


def seen_in(lines: Iterable[str]) -> Seen | None:
    """The first video stream with a size that these lines of ffmpeg tell of."""
    for line in lines:
        stream = _STREAM.search(line)
        pixels = _PIXELS.search(stream["rest"]) if stream else None
        if stream and pixels:
            return _seen(stream["codec"], stream["rest"], pixels)
    return None


def _seen(codec: str, rest: str, pixels: re.Match[str]) -> Seen:
    columns, _, rows = pixels["size"].partition("x")
    facts = pixels["facts"] or ""
    aspect, rate = _ASPECT.search(rest), _RATE.search(rest)
    across, down = (int(aspect[1]), int(aspect[2])) if aspect else (1, 1)
    is_yuv = pixels["pixels"].startswith(("yuv4", "yuyv", "uyvy", "nv", "p0"))
    return Seen(
        codec=codec,
        pixels=pixels["pixels"],
        columns=int(columns),
        rows=int(rows),
        rate=float(rate[1]) if rate else 0.0,
        full_range="pc" in facts or ("tv" not in facts and not is_yuv),
        field=_field(facts),
        pixel_aspect=(down, across) if across and down else (1, 1),
    )


def _field(facts: str) -> Field:
    if "top" in facts:
        return "top first"
    return "bottom first" if "bottom" in facts else "progressive"
