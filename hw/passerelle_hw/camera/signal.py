"""Whether what a camera shows can be trusted, from its driver and from its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import DriverSignal
    from passerelle_hw.camera.look import Look

_STEADY_S: Final = 0.5
_STALL_S: Final = 2.0


class State(StrEnum):
    """Of a camera and of what is plugged into it."""

    NO_DEVICE = "NO_DEVICE"  #: it is not there
    NO_SIGNAL = "NO_SIGNAL"  #: nothing is plugged into it, or that is switched off
    UNSTABLE = "UNSTABLE"  #: there is something, and it is not, or not yet, steady
    OK = "OK"
    STALLED = "STALLED"  #: frames have ceased to come
    FROZEN = "FROZEN"  #: the same picture for long


_REASONS: Final = {
    State.NO_SIGNAL: "no signal: is the device plugged in and switched on?",
    State.UNSTABLE: "the signal is not steady yet",
    State.OK: "",
    State.STALLED: "no frames come any more; it is opened again",
    State.FROZEN: "the picture has not changed at all for a while: frozen at the device, or stuck",
}


@dataclass(slots=True)
class Signal:
    """Told of everything that happens with its time (s of `time.monotonic`), knows the state.

    A picture may be stored while it is OK or FROZEN: sonographers freeze a picture to store it,
    and over a digital cable such a picture does not change by a bit. FROZEN is an alarm.
    """

    frozen_s: float = 10.0  #: 0: never frozen
    steady_s: float = _STEADY_S
    stall_s: float = _STALL_S
    state: State = State.NO_DEVICE
    reason: str = "it has not been opened yet"
    _driver: DriverSignal = None
    _is_blank: bool = False
    _good_since: float | None = None
    _last_frame: float = 0.0
    _digest: bytes = b""
    _same_since: float = 0.0

    @property
    def may_store(self) -> bool:
        """Whether a picture that comes now may be kept."""
        return self.state in (State.OK, State.FROZEN)

    def gone(self, why: str) -> None:
        """It is not there."""
        self.state, self.reason = State.NO_DEVICE, why

    def opened(self, at_s: float) -> None:
        """It was opened: nothing that was known still holds."""
        self._driver, self._is_blank, self._good_since = None, False, None
        self._last_frame, self._digest, self._same_since = at_s, b"", at_s
        self._judge(at_s)

    def driver(self, said: DriverSignal, at_s: float) -> None:
        """What its driver says."""
        self._driver = said
        self._judge(at_s)

    def looked(self, look: Look) -> None:
        """Frames are looked at now and then; what this one shows holds until the next look."""
        self._is_blank = look.is_blank

    def frame(self, digest: bytes, at_s: float) -> None:
        """A whole frame came."""
        self._last_frame = at_s
        if digest != self._digest:
            self._digest, self._same_since = digest, at_s
        self._judge(at_s)

    def silence(self, at_s: float) -> None:
        """No frame came."""
        self._judge(at_s)

    def _judge(self, at_s: float) -> None:
        state = self._fault(at_s)
        if state is not None:
            self._good_since = None
        elif self._good_since is None or at_s < self._good_since:
            self._good_since, state = at_s, State.UNSTABLE
        elif not self._digest or at_s - self._good_since < self.steady_s:
            state = State.UNSTABLE
        elif self.frozen_s and at_s - self._same_since >= self.frozen_s:
            state = State.FROZEN
        self.state = state or State.OK
        self.reason = _REASONS[self.state]

    def _fault(self, at_s: float) -> State | None:
        if self._driver == "no signal" or (self._is_blank and self._driver != "unstable"):
            return State.NO_SIGNAL
        if self._driver == "unstable":
            return State.UNSTABLE
        if at_s - self._last_frame >= self.stall_s:
            return State.STALLED
        return None
