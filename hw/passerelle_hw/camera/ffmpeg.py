"""Any camera that the `ffmpeg` program can open: its frames come through a pipe."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition, Thread
from typing import IO, TYPE_CHECKING, Final

from passerelle_hw.camera.ffmpeg_input import Seen, arguments, probed
from passerelle_hw.camera.ffmpeg_program import NotInstalled, Program, without_credentials
from passerelle_hw.camera.frame import CameraGone, Format, Frame, SourceChanged
from passerelle_hw.camera.jpeg import size_of

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import DriverSignal, Pixels, Wanted

_STALL_S: Final = 10.0
_WAITING_FRAMES: Final = 16
_WAITING_BYTES: Final = 48 << 20
_LENGTH: Final = b"content-length:"
#: Of each code: ffmpeg's name, bytes of a line for each column, halves of a line for each row.
_RAW: Final[dict[Pixels, tuple[str, int, int]]] = {
    "GREY": ("gray", 1, 2),
    "Y10": ("gray10le", 2, 2),
    "Y12": ("gray12le", 2, 2),
    "Y16": ("gray16le", 2, 2),
    "RGB3": ("rgb24", 3, 2),
    "BGR3": ("bgr24", 3, 2),
    "YUYV": ("yuyv422", 2, 2),
    "UYVY": ("uyvy422", 2, 2),
    "NV12": ("nv12", 1, 3),
}
_GREYS: Final[dict[str, Pixels]] = {
    "gray": "GREY", "gray10le": "Y10", "gray12le": "Y12", "gray16le": "Y16", "gray16be": "Y16",
    "gray14le": "Y16",
}  # fmt: skip
_HALVED: Final[dict[str, Pixels]] = {
    "yuv420p": "NV12", "nv12": "NV12", "yuv422p": "YUYV", "yuyv422": "YUYV", "uyvy422": "UYVY",
}  # fmt: skip


def open_camera(device: str, wanted: Wanted) -> FfmpegCamera:
    """Open `rtsp://…`, `http://…`, `dshow:NAME`, `lavfi:GRAPH`, `file:PATH` (looped; `?once`).

    JPEGs are passed on as they are; anything else is decoded to what loses nothing, which is
    RGB where no code of ours has the same samples. Nothing is ever scaled.

    Raises:
        CameraGone: It cannot be opened; why, without the credentials of a URL.
    """
    return FfmpegCamera(device, wanted)


class FfmpegCamera:
    """A camera behind `ffmpeg`, which is killed when it stalls and whenever this is closed.

    A frame's time is that of its arrival. What nobody fetches in time is dropped, newest first,
    as a driver without free buffers does, and shows as a gap in the frames' count.
    """

    def __init__(self, device: str, wanted: Wanted, *, stall_s: float = _STALL_S) -> None:
        """See what it is, and begin to read.

        Raises:
            CameraGone: It cannot be opened.
        """
        self._name = without_credentials(device)
        self._stall_s = stall_s
        self._waiting: deque[Frame] = deque()
        self._waiting_bytes = 0
        self._end: Exception | None = None
        self._changed = Condition()
        seen = probed(device, wanted)
        self.format = _format(seen, wanted.pixels)
        self._bytes = _frame_bytes(self.format)
        try:
            self._program = Program(
                [
                    "-loglevel",
                    "level+warning",
                    *arguments(device, wanted),
                    *_output(seen, self.format),
                ]
            )
        except NotInstalled as error:
            raise CameraGone(str(error)) from error
        self._heard_at = time.monotonic()
        self._reader = Thread(target=self._read, name="ffmpeg's frames", daemon=True)
        self._reader.start()

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; None when none came within the time.

        Raises:
            CameraGone: ffmpeg ended, or gave nothing for so long that it was killed.
            SourceChanged: The frames to come have another size.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._end, timeout_s)
            if self._waiting:
                frame = self._waiting.popleft()
                self._waiting_bytes -= len(frame.data)
                return frame
            if self._end is not None:
                raise self._end
            silent_s = time.monotonic() - self._heard_at
        if silent_s > self._stall_s:
            self.close()
            msg = f"{self._name}: no frame for {silent_s:.0f} s"
            raise CameraGone(msg)
        return None

    def signal(self) -> DriverSignal:
        """Nothing: ffmpeg does not tell."""
        return None

    def close(self) -> None:
        """End ffmpeg; may be called twice."""
        self._program.kill()
        self._reader.join()
        self._program.end()

    @property
    def pid(self) -> int:
        """The process of ffmpeg."""
        return self._program.pid

    def _read(self) -> None:
        sequence = 0
        end: Exception
        try:
            while (data := _next_part(self._program.stdout)) is not None:
                now = time.monotonic()
                self._judge(data)
                self._keep(Frame(data=data, format=self.format, at_s=now, sequence=sequence))
                sequence += 1
        except SourceChanged as changed:
            end = changed
        except (OSError, ValueError):  # closed meanwhile, or not what ffmpeg is to give
            end = CameraGone(f"{self._name}: what ffmpeg gave cannot be understood")
        else:
            self._program.wait(self._stall_s)
            end = CameraGone(f"{self._name}: ffmpeg ended: {self._program.complaint()}")
        with self._changed:
            self._end = end
            self._changed.notify_all()

    def _judge(self, data: bytes) -> None:
        """See that it is of the size that was told.

        Raises:
            SourceChanged: It is not.
        """
        now = self.format
        if now.pixels != "MJPG":
            if len(data) != self._bytes:
                msg = f"{self._name}: frames are not of {now.columns} x {now.rows} any more"
                raise SourceChanged(msg)
            return
        size = size_of(data)
        if size is not None and size != (now.columns, now.rows):
            msg = f"{self._name}: frames are of {size[0]} x {size[1]} now"
            raise SourceChanged(msg)

    def _keep(self, frame: Frame) -> None:
        with self._changed:
            self._heard_at = frame.at_s
            has_room = self._waiting_bytes + len(frame.data) <= _WAITING_BYTES
            if not self._waiting or (has_room and len(self._waiting) < _WAITING_FRAMES):
                self._waiting.append(frame)
                self._waiting_bytes += len(frame.data)
                self._changed.notify_all()


def _next_part(stream: IO[bytes]) -> bytes | None:
    """The next part of ffmpeg's `mpjpeg`, which has the length of each; None at the end.

    Raises:
        ValueError: A part has no length.
    """
    length = -1
    while line := stream.readline(200):
        if line.lower().startswith(_LENGTH):
            length = int(line[len(_LENGTH) :])
        elif not line.strip() and length >= 0:
            data = stream.read(length)
            return data if len(data) == length else None
    return None


def _format(seen: Seen, pixels: Pixels | None) -> Format:
    code: Pixels
    if seen.codec == "mjpeg" and pixels in {None, "MJPG"}:
        code, stride, full_range = "MJPG", 0, True
    else:
        code = _lossless(seen) if pixels in {None, "MJPG"} else pixels
        stride = seen.columns * _RAW[code][1]
        full_range = code not in {"YUYV", "UYVY", "NV12"}
    return Format(
        pixels=code,
        columns=seen.columns,
        rows=seen.rows,
        stride=stride,
        field=seen.field,
        full_range=full_range,
        pixel_aspect=seen.pixel_aspect,
        rate=seen.rate,
    )


def _lossless(seen: Seen) -> Pixels:
    if seen.pixels in _GREYS:
        return _GREYS[seen.pixels]
    # A chroma sample for two columns and two rows: of odd sizes one would be invented.
    is_even = seen.columns % 2 == 0 and seen.rows % 2 == 0
    if seen.pixels in _HALVED and is_even and not seen.full_range:
        return _HALVED[seen.pixels]
    return "RGB3"


def _output(seen: Seen, given: Format) -> list[str]:
    """Frames with their lengths; none is repeated, dropped or scaled on the way."""
    every = ["-map", "0:v:0", "-f", "mpjpeg"]
    if given.pixels == "MJPG":
        return [*every, "-c:v", "copy", "pipe:1"]
    name = _RAW[given.pixels][0]
    filters: list[str] = []
    if seen.pixels not in _GREYS:
        span = "full" if given.full_range else "limited"
        flags = "accurate_rnd+full_chroma_int+full_chroma_inp"
        filters = ["-vf", f"scale=out_range={span}:flags={flags}"]
    kept = ["-fps_mode", "passthrough", "-noautoscale"]
    return [*filters, *every, *kept, "-c:v", "rawvideo", "-pix_fmt", name, "pipe:1"]


def _frame_bytes(given: Format) -> int:
    if given.pixels == "MJPG":
        return 0
    return given.stride * given.rows * _RAW[given.pixels][2] // 2
