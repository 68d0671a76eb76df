"""A clip becomes H.264 in an `.mp4`, by the `ffmpeg` program, after it was taken."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import lru_cache
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera import folder
from passerelle_hw.camera.ffmpeg_program import NotInstalled, Program
from passerelle_hw.camera.pace import paced, rate_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from pathlib import Path

    from passerelle_hw.camera.captured import Captured
    from passerelle_hw.camera.writing import Taken

#: ffmpeg may take as long as it needs, but not so long for nothing.
_IDLE_S: Final = 60.0
_PIXELS: Final = {"L": "gray", "RGB": "rgb24"}
#: Levels of ITU-T H.264 table A-1, as DICOM has them (PS3.5 8.2.7, 8.2.10): level, macroblocks
#: of a frame, macroblocks a second, and a bit rate well below what High profile allows.
_LEVELS: Final = (("4.1", 8_192, 245_760, "50M"), ("4.2", 8_704, 522_240, "50M"))
#: The best that is there; the hardware's are tried one after the other.
_ENCODERS: Final = ("libx264", "h264_v4l2m2m", "h264_nvenc", "h264_qsv", "h264_mf")
_SOFTWARE: Final = ("-preset", "veryfast", "-crf", "17")
_HARDWARE: Final = ("-b:v", "20M")
_HD_ROWS: Final = 720
_COUNT: Final = re.compile(rb"frame=\s*(\d+)")


class NotEncoded(Exception):
    """The clip stays as it was taken; why."""


class Encoding:
    """Turns one clip after the other; another thread may look after it and stop it."""

    def __init__(self) -> None:
        self._stopped = Event()
        self._lock = Lock()
        self._program: Program | None = None
        self._moved_at = 0.0

    def stop(self) -> None:
        """End what is being encoded, and encode nothing any more."""
        self._stopped.set()
        self._kill()

    def look_after(self, now_s: float) -> None:
        """End an encoder that has done nothing for long; to be called every now and then."""
        if self._moved_at and now_s - self._moved_at > _IDLE_S:
            self._kill()

    def encode(self, taken: Taken) -> Captured:
        """The same clip as H.264 High, no level beyond 4.2, every frame as long as the other.

        Time stays true: where frames are missing, the one before is shown until the next.

        Raises:
            NotEncoded: It could not be; what was taken is as it was.
        """
        clip = taken.captured
        rate = rate_of(clip.frame_times_ms, taken.format.rate)
        shown = list(paced(clip.frame_times_ms, rate))
        columns, rows = clip.columns + clip.columns % 2, clip.rows + clip.rows % 2
        file = clip.file.with_suffix(".mp4")
        part = file.with_name(file.name + folder.PART)
        limits = _level(columns, rows, rate)
        reasons = []
        for encoder in encoders():
            command = [
                *_input(taken, rate), "-vf", _filters(taken, columns, rows),
                *_output(encoder, limits, rate, rows), "-y", f"file:{part}",
            ]  # fmt: skip
            try:
                self._run(command, taken, shown)
            except NotEncoded as reason:
                folder.discard([part])
                reasons.append(f"{encoder}: {reason}")
                if self._stopped.is_set():
                    break
                continue
            encoded = replace(
                clip,
                file=file,
                columns=columns,
                rows=rows,
                bits=8,
                frames=sum(shown),
                frame_times_ms=_even(sum(shown), rate),
                lossy=True,
            )
            return _published(part, encoded, clip)
        raise NotEncoded("; ".join(reasons) or "ffmpeg has no encoder of H.264 here")

    def _run(self, command: list[str], taken: Taken, shown: Sequence[int]) -> None:
        """Feed ffmpeg.

        Raises:
            NotEncoded: It failed, was stopped, or encoded another number of frames.
        """
        with self._lock:
            if self._stopped.is_set():
                msg = "the capture was stopped"
                raise NotEncoded(msg)
            try:
                program = self._program = Program(command, is_fed=True, nice=True)
            except NotInstalled as error:
                raise NotEncoded(str(error)) from error
        try:
            self._feed(program, taken, shown)
            told = program.stdout.read()
            code = program.wait(_IDLE_S)
        finally:
            self._moved_at = 0.0
            program.end()
            self._program = None
        counts = _COUNT.findall(told)
        if code != 0:
            raise NotEncoded(program.complaint())
        if not counts or int(counts[-1]) != sum(shown):
            msg = f"{int(counts[-1]) if counts else 0} of {sum(shown)} frames were encoded"
            raise NotEncoded(msg)

    def _feed(self, program: Program, taken: Taken, shown: Sequence[int]) -> None:
        try:
            with taken.captured.file.open("rb") as file:
                for times, offset, size in zip(shown, taken.offsets, taken.sizes, strict=True):
                    file.seek(offset)
                    data = file.read(size)
                    for _ in range(times):
                        self._moved_at = time.monotonic()
                        program.stdin.write(data)
            program.stdin.close()
        except (BrokenPipeError, OSError, ValueError) as error:
            program.kill()
            program.wait(0)
            why = "the capture was stopped" if self._stopped.is_set() else program.complaint()
            raise NotEncoded(why) from error

    def _kill(self) -> None:
        with self._lock:
            if self._program is not None:
                self._program.kill()


def _published(part: Path, encoded: Captured, clip: Captured) -> Captured:
    """Put it in the place of the clip as it was taken.

    Raises:
        NotEncoded: The disk has no room or is gone.
    """
    try:
        with part.open("rb+") as file:
            folder.settle(file)
        folder.publish(part, encoded)
    except OSError as error:
        folder.discard([part])
        raise NotEncoded(error.strerror or "the disk failed") from error
    folder.withdraw(clip)
    return encoded


@lru_cache(maxsize=1)
def encoders() -> tuple[str, ...]:
    """The encoders of H.264 that this ffmpeg has, the best first."""
    try:
        program = Program(["-encoders"])
    except NotInstalled:
        return ()
    try:
        told = program.stdout.read().decode("ascii", "replace")
    finally:
        program.end()
    there = set(told.split())
    return tuple(name for name in _ENCODERS if name in there)


def _level(columns: int, rows: int, rate: Fraction) -> tuple[str, str]:
    """Level and greatest bit rate for pictures of this size at this rate.

    Raises:
        NotEncoded: DICOM has none for so many.
    """
    blocks = -(-columns // 16) * -(-rows // 16)
    for level, of_frame, of_second, bit_rate in _LEVELS:
        if blocks <= of_frame and blocks * rate <= of_second:
            return level, bit_rate
    msg = f"{columns} x {rows} at {float(rate):.2f}/s is beyond H.264 level 4.2"
    raise NotEncoded(msg)


def _input(taken: Taken, rate: Fraction) -> list[str]:
    every = ["-loglevel", "level+warning", "-progress", "pipe:1", "-stats_period", "30"]
    pace = ["-framerate", f"{rate.numerator}/{rate.denominator}"]
    if taken.samples is None:
        return [*every, "-f", "mjpeg", *pace, "-i", "pipe:0"]
    size = f"{taken.samples.columns}x{taken.samples.rows}"
    pixels = _PIXELS.get(taken.samples.mode, f"gray{taken.captured.bits}le")
    return [
        *every,
        "-f",
        "rawvideo",
        "-pixel_format",
        pixels,
        "-video_size",
        size,
        *pace,
        "-i",
        "pipe:0",
    ]


def _filters(taken: Taken, columns: int, rows: int) -> str:
    """Video's range and colours; a line or column of black where one is odd."""
    down, across = taken.captured.pixel_aspect
    matrix = "bt709" if rows >= _HD_ROWS else "smpte170m"
    return (
        f"scale=out_range=limited:out_color_matrix={matrix}:flags=accurate_rnd+full_chroma_int,"
        f"pad={columns}:{rows},setsar={across}/{down}"
    )


def _output(encoder: str, limits: tuple[str, str], rate: Fraction, rows: int) -> list[str]:
    level, bit_rate = limits
    colours = "bt709" if rows >= _HD_ROWS else "smpte170m"
    return [
        "-an", "-c:v", encoder, "-profile:v", "high", "-level:v", level, "-pix_fmt", "yuv420p",
        *(_SOFTWARE if encoder == "libx264" else _HARDWARE),
        "-maxrate", bit_rate, "-bufsize", bit_rate,
        "-g", str(max(1, round(2 * rate))), "-flags", "+cgop",
        "-color_range", "tv", "-colorspace", colours, "-color_primaries", colours,
        "-color_trc", colours,
        "-fps_mode", "passthrough", "-movflags", "+faststart", "-f", "mp4",
    ]  # fmt: skip


def _even(count: int, rate: Fraction) -> tuple[float, ...]:
    return (0.0, *[round(1000 / float(rate), 3)] * (count - 1))
