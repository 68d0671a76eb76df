"""Writes what the recorder cuts, in threads of its own, so that no disk makes a camera wait."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera import folder
from passerelle_hw.camera.encoding import Encoding, NotEncoded
from passerelle_hw.camera.wish import ClipBegun, ClipEnded, ClipFrame, Refused, Still
from passerelle_hw.camera.writing import ClipFile, Taken, write_still

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from passerelle_hw.camera.captured import Captured
    from passerelle_hw.camera.frame import Frame
    from passerelle_hw.camera.wish import Step
    from passerelle_hw.trigger.press import Press

_WAITING_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Whom the writer tells, from its threads."""

    captured: Callable[[Captured], None]
    refused: Callable[[Press, str], None]
    noticed: Callable[[str], None]  #: something about a file that a person should know


class Writer:
    """Takes steps in order; what it tells of is whole, and on the disk."""

    def __init__(
        self,
        into: Path,
        told: Told,
        *,
        wall: Callable[[float], float],
        is_encoding: bool,
        limit_bytes: int = _WAITING_BYTES,
    ) -> None:
        """Begin to wait for steps."""
        self._into = into
        self._told = told
        self._wall = wall
        self._limit = limit_bytes
        self._steps: deque[Step] = deque()
        self._bytes = 0
        self._taken: deque[Taken] = deque()
        self._is_closing = False
        self._changed = Condition()
        self._clip: ClipFile | None = None
        self._cut = ""
        self._encoding = Encoding() if is_encoding else None
        self._threads = [Thread(target=self._write, name="captures", daemon=True)]
        if self._encoding:
            self._threads.append(Thread(target=self._encode, name="encoding", daemon=True))
        for thread in self._threads:
            thread.start()

    @property
    def is_well(self) -> bool:
        """Whether its threads still run."""
        return all(thread.is_alive() for thread in self._threads)

    def put(self, step: Step) -> None:
        """Take the next step; waits while too much is waiting, which a camera shows as a gap."""
        size = _size(step)
        with self._changed:
            self._changed.wait_for(
                lambda: not self._bytes or self._bytes + size <= self._limit or not self.is_well
            )
            self._steps.append(step)
            self._bytes += size
            self._changed.notify_all()

    def look_after(self, now_s: float) -> None:
        """End an encoder that hangs; to be called every second or so."""
        if self._encoding:
            self._encoding.look_after(now_s)

    def close(self, patience_s: float) -> None:
        """Write what was put; what is not encoded within the time stays as it was taken."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._threads[0].join()
        if self._encoding:
            self._threads[1].join(patience_s)
            self._encoding.stop()
            self._threads[1].join()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._steps or self._is_closing)
                if not self._steps:
                    return
                step = self._steps[0]
            self._do(step)
            with self._changed:
                self._steps.popleft()
                self._bytes -= _size(step)
                self._changed.notify_all()

    def _do(self, step: Step) -> None:
        match step:
            case Refused():
                self._told.refused(step.press, step.why)
            case Still():
                self._still(step)
            case ClipBegun():
                self._begin(step)
            case ClipFrame():
                self._add(step.frame)
            case ClipEnded():
                self._finish(step)

    def _still(self, still: Still) -> None:
        try:
            captured = write_still(self._into, still, self._wall)
        except OSError as error:
            self._told.refused(still.press, _unwritten(error))
            return
        self._hand_over(captured)

    def _begin(self, begun: ClipBegun) -> None:
        self._cut = ""
        try:
            self._clip = ClipFile(self._into, begun)
        except OSError as error:
            self._told.refused(begun.press, _unwritten(error))

    def _add(self, frame: Frame) -> None:
        if self._clip is None or self._cut:
            return
        if not self._clip.has_room_for(frame):
            self._cut = "a clip ended early: its file cannot be larger"
            return
        try:
            self._clip.add(frame)
        except OSError as error:
            self._cut = f"a clip ended early: it {_unwritten(error)}"

    def _finish(self, ended: ClipEnded) -> None:
        clip, self._clip = self._clip, None
        if clip is None:
            return
        if self._cut:
            self._told.noticed(self._cut)
        elif ended.why:
            self._told.noticed(f"a clip ended early: {ended.why}")
        try:
            taken = clip.finish(ended, self._wall)
        except OSError as error:
            self._told.refused(clip.press, _unwritten(error))
            return
        if self._encoding is None:
            self._hand_over(taken.captured)
            return
        with self._changed:
            self._taken.append(taken)
            self._changed.notify_all()

    def _encode(self) -> None:
        writing, encoding = self._threads[0], self._encoding
        while encoding is not None:
            with self._changed:
                while not self._taken and writing.is_alive():
                    self._changed.wait(0.5)
                if not self._taken:
                    return
                taken = self._taken.popleft()
            try:
                captured = encoding.encode(taken)
            except NotEncoded as reason:
                self._told.noticed(f"a clip stays as it was taken, not encoded: {reason}")
                captured = taken.captured
            self._hand_over(captured)

    def _hand_over(self, captured: Captured) -> None:
        self._told.captured(captured)
        folder.tidy(self._into)


def _size(step: Step) -> int:
    return len(step.frame.data) if isinstance(step, Still | ClipBegun | ClipFrame) else 0


def _unwritten(error: OSError) -> str:
    return f"could not be written: {error.strerror or 'the disk failed'}"
