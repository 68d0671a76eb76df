"""The frames of a camera that is opened, watched, and opened again whenever that helps."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera.frame import CameraGone, SourceChanged
from passerelle_hw.camera.look import digest, look, prepare, whole
from passerelle_hw.camera.signal import Signal, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from passerelle_hw.camera.frame import Camera, Format, Frame

_WAIT_S: Final = 0.5
_ASK_S: Final = 0.25  # how often the driver is asked and a picture looked at
_SHORTEST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 0.8
_REOPEN_S: Final = 5.0  # after so long without a frame an open camera is opened anew


class Feed:
    """Owns one camera; one thread iterates `frames`, the attributes may be read by any."""

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        *,
        frozen_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet.

        Args:
            open_camera: Opens it by a name that stays; raises `CameraGone`.
            frozen_s: After so long the same picture is a frozen one; 0: never.
            clock: s, the one that frames are timed by.
        """
        self.format: Format | None = None  #: of what is open
        self.truncated = 0  #: frames that were cut off, and dropped
        self.damaged = 0  #: frames that the driver said are damaged, and dropped
        self.missing = 0  #: frames that the camera's count shows to be lost
        self.reopened = 0
        self._open_camera = open_camera
        self._clock = clock
        self._signal = Signal(frozen_s)
        self._sequence: int | None = None
        self._asked_at = 0.0
        self._last_frame = 0.0

    @property
    def state(self) -> State:
        """Of the camera and of what is plugged into it."""
        return self._signal.state

    @property
    def reason(self) -> str:
        """Why it is not OK, for a person; "" when it is."""
        return self._signal.reason

    @property
    def may_store(self) -> bool:
        """Whether the frame that was yielded last may be kept."""
        return self._signal.may_store

    def frames(self, stop: Event) -> Iterator[Frame | None]:
        """Yield each whole frame until `stop` is set, None at least once a second without one."""
        pause_s = _SHORTEST_PAUSE_S
        prepare()  # or the first frames are lost while it is imported
        while not stop.is_set():
            try:
                camera = self._open_camera()
            except CameraGone as gone:
                self._signal.gone(str(gone))
                yield None
                stop.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            try:
                opened_at = self._begin(camera)
                yield from self._watched(camera, stop)
            except CameraGone as gone:
                self._signal.gone(str(gone))
            except SourceChanged:
                self._signal.opened(self._clock())
            finally:
                self.format = None
                camera.close()
            if self._last_frame > opened_at:
                pause_s = _SHORTEST_PAUSE_S
            self.reopened += not stop.is_set()
            yield None
            stop.wait(pause_s)

    def _begin(self, camera: Camera) -> float:
        now = self._clock()
        self.format = camera.format
        self._sequence = None
        self._asked_at = self._last_frame = now
        self._signal.opened(now)
        self._signal.driver(camera.signal(), now)
        return now

    def _watched(self, camera: Camera, stop: Event) -> Iterator[Frame | None]:
        while not stop.is_set():
            frame = camera.read(_WAIT_S)
            now = self._clock()
            is_time = now - self._asked_at >= _ASK_S
            if is_time:
                self._asked_at = now
                self._signal.driver(camera.signal(), now)
            kept = self._kept(frame) if frame else None
            if kept:
                self._last_frame = now
                if is_time and (seen := look(kept.data, kept.format)):
                    self._signal.looked(seen)
                self._signal.frame(digest(kept), now)
            else:
                self._signal.silence(now)
                if now - self._last_frame >= _REOPEN_S and self._signal.state is State.STALLED:
                    return
            yield kept

    def _kept(self, frame: Frame) -> Frame | None:
        """The frame without padding; None when it is not to be used, which is counted."""
        if self._sequence is not None and frame.sequence > self._sequence + 1:
            self.missing += frame.sequence - self._sequence - 1
        self._sequence = frame.sequence
        if frame.damaged:
            self.damaged += 1
            return None
        data = whole(frame)
        if data is None:
            self.truncated += 1
            return None
        return frame if len(data) == len(frame.data) else replace(frame, data=data)
