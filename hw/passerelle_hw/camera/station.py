"""A camera with its triggers: presses become files, and somebody is told of each."""

from __future__ import annotations

import io
import time
from collections import deque
from dataclasses import replace
from threading import Condition, Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera.convert import bits_of, picture
from passerelle_hw.camera.feed import Feed
from passerelle_hw.camera.opening import open_camera
from passerelle_hw.camera.recorder import Plan, Recorder
from passerelle_hw.camera.report import Report, StationSettings
from passerelle_hw.camera.watched import WatchedTrigger
from passerelle_hw.camera.writer import Told, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from passerelle_hw.camera.captured import Captured
    from passerelle_hw.camera.frame import Camera, Frame
    from passerelle_hw.camera.wish import Step
    from passerelle_hw.trigger.press import Press, Trigger

__all__ = ["Report", "Station", "StationSettings"]

_REPORT_S: Final = 5.0
_LOOK_S: Final = 0.25
#: So long may the frames' thread hang (in a driver, on a disk) before nothing more is told.
_HANGS_S: Final = 60.0
_PRESSES: Final = 1000
_PREVIEW_S: Final = 5.0
_ENCODING_S: Final = 5.0


class Station:
    """Runs one camera. Whoever is told of a capture can rely on its file: it is on the disk.

    `captured` and `told` are called by one thread of the station, never at the same time, and
    hold up no frame. When the frames' thread hangs, `told` is not called any more.
    """

    def __init__(
        self,
        settings: StationSettings,
        into: Path,
        triggers: Sequence[Trigger] = (),
        *,
        captured: Callable[[Captured], None],
        told: Callable[[Report], None],
        report_s: float = _REPORT_S,
    ) -> None:
        self._settings = settings
        self._into = into
        self._triggers = [WatchedTrigger(trigger, self.press) for trigger in triggers]
        self._report_s = report_s
        self._captured_to = captured
        self._told_to = told
        self._presses: deque[Press] = deque()
        self._feed = Feed(self._open, frozen_s=settings.frozen_s)
        self._recorder = Recorder(_plan(settings), ring_bytes=settings.ring_mb << 20)
        self._reopened = 0
        self._last: Frame | None = None
        self._turned_at = 0.0
        self._lock = Lock()
        self._counted = _Counts()
        self._done: deque[Captured] = deque()
        self._news = Condition()

    def run(self, stop: Event) -> None:
        """Take what is pressed for until `stop` is set; what was pressed for by then is kept.

        Raises:
            RuntimeError: A thread of it ended that must not; start the whole again.
        """
        self._turned_at = time.monotonic()
        writer = Writer(
            self._into,
            Told(captured=self._add, refused=self._refuse, noticed=self._notice),
            wall=_wall,
            is_encoding=self._settings.clip_format == "h264",
        )
        is_over = Event()
        teller = Thread(target=self._tell, args=(is_over,), name="reports", daemon=True)
        teller.start()
        for trigger in self._triggers:
            trigger.start()
        try:
            for frame in self._feed.frames(stop):
                self._turn(frame, writer)
                if not (writer.is_well and teller.is_alive()):
                    msg = "a thread of the station ended"
                    raise RuntimeError(msg)
        finally:
            for trigger in self._triggers:
                trigger.end()
            self._put(writer, self._last_steps())
            writer.close(_ENCODING_S)
            is_over.set()
            with self._news:
                self._news.notify_all()
            teller.join()

    def press(self, press: Press) -> None:
        """Take a press, or that it was let go of; from any thread."""
        if len(self._presses) < _PRESSES:
            self._presses.append(press)
        else:
            self._refuse(press, "too many presses at once")

    def preview(self) -> bytes | None:
        """The last good picture as a JPEG; None where there was none in the last seconds."""
        last = self._last
        if last is None or time.monotonic() - last.at_s > _PREVIEW_S:
            return None
        if last.format.pixels == "MJPG":
            return last.data
        shown = picture(last)
        if shown.mode == "I;16":
            shown = shown.point(lambda value: value / (1 << bits_of(last.format) - 8)).convert("L")
        file = io.BytesIO()
        shown.save(file, "JPEG", quality=85)
        return file.getvalue()

    def _open(self) -> Camera:
        return open_camera(self._settings.device, self._settings.wanted)

    def _turn(self, frame: Frame | None, writer: Writer) -> None:
        feed, now = self._feed, time.monotonic()
        self._turned_at = now
        is_other, self._reopened = feed.reopened != self._reopened, feed.reopened
        if not feed.may_store or is_other:
            why = "" if feed.may_store else feed.reason
            self._put(writer, self._recorder.lost(why or "the camera was opened again"))
        if feed.may_store and frame is not None and not frame.damaged:
            self._last = frame
            self._put(writer, self._recorder.frame(frame))
        self._put(writer, self._pressed())
        self._put(writer, self._recorder.tick(now))
        writer.look_after(now)
        for trigger in self._triggers:
            trigger.check()

    def _pressed(self) -> Iterable[Step]:
        while self._presses:
            yield from self._recorder.press(self._presses.popleft())

    def _last_steps(self) -> Iterable[Step]:
        yield from self._pressed()
        yield from self._recorder.finish()

    def _put(self, writer: Writer, steps: Iterable[Step]) -> None:
        for step in steps:
            writer.put(step)

    def _add(self, captured: Captured) -> None:
        with self._news:
            self._done.append(captured)
            self._news.notify_all()

    def _refuse(self, _: Press, why: str) -> None:
        with self._lock:
            self._counted.refused += 1
            self._counted.refused_why = why

    def _notice(self, what: str) -> None:
        with self._lock:
            self._counted.noticed = what

    def _tell(self, is_over: Event) -> None:
        told, told_at = None, 0.0
        while True:
            with self._news:
                if not self._done and not is_over.is_set():
                    self._news.wait(_LOOK_S)
            ends = is_over.is_set()
            while self._done:
                self._captured_to(self._done.popleft())
                self._counted.captured += 1
            now = time.monotonic()
            report = self._report()
            if now - self._turned_at > _HANGS_S and not ends:
                continue
            if ends or now - told_at >= self._report_s or _matters(report) != told:
                self._told_to(report)
                told, told_at = _matters(report), now
            if ends and not self._done:
                return

    def _report(self) -> Report:
        feed = self._feed
        with self._lock:
            return Report(
                state=feed.state,
                reason=feed.reason,
                format=feed.format,
                truncated=feed.truncated,
                damaged=feed.damaged,
                missing=feed.missing,
                reopened=feed.reopened,
                captured=self._counted.captured,
                refused=self._counted.refused,
                refused_why=self._counted.refused_why,
                noticed=self._counted.noticed,
                triggers_gone=tuple(one.gone for one in self._triggers if one.gone),
                is_taking=self._recorder.is_busy,
            )


class _Counts:
    def __init__(self) -> None:
        self.captured = 0
        self.refused = 0
        self.refused_why = ""
        self.noticed = ""


def _plan(settings: StationSettings) -> Plan:
    return Plan(
        capture=settings.capture,
        burst_count=settings.burst_count,
        burst_interval_s=settings.burst_interval_s,
        pre_trigger_s=settings.pre_trigger_s,
        clip_s=settings.clip_s,
        longest_s=settings.longest_s,
        latency_s=settings.latency_s,
    )


def _matters(report: Report) -> Report:
    """A report without the counts that change with every other frame."""
    return replace(report, truncated=0, damaged=0, missing=0)


def _wall(at_s: float) -> float:
    """Seconds since 1970 of a moment of the monotonic clock."""
    return time.time() - (time.monotonic() - at_s)
