"""A button or contact on a GPIO line, as a Raspberry Pi has them (Linux, the extra `gpio`).

The kernel takes the time of each edge and passes over glitches of less than a millisecond.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from passerelle_hw.trigger.debounce import QUIET_S, Debounce
from passerelle_hw.trigger.press import TriggerGone

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from passerelle_hw.trigger.press import Press

_LOOK_S: Final = 0.5
# The kernel's debouncing swallows a contact that is shorter: bouncing is left to ours.
_GLITCH: Final = dt.timedelta(milliseconds=1)
_NANO: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class GpioTriggerSettings:
    """Which line of which chip."""

    chip: str = "/dev/gpiochip0"
    line: int | str  #: its offset, or its name as `gpioinfo` shows it
    active_low: bool = True  #: the contact pulls the line to ground
    bias: Literal["up", "down", "none"] = "up"  #: the resistor inside the chip
    debounce_s: float = QUIET_S


class GpioTrigger:
    """Presses of a contact on a GPIO line."""

    def __init__(self, settings: GpioTriggerSettings, *, gpiod: Any = None) -> None:  # noqa: ANN401 - a module without types
        """A trigger that is not opened yet; `gpiod` is the library, else it is imported."""
        self._settings = settings
        self._gpiod = gpiod

    def watch(self, told: Callable[[Press], None], stop: Event) -> None:
        """See `Trigger.watch`."""
        settings, gpiod = self._settings, self._gpiod or _library()
        try:
            with gpiod.request_lines(
                settings.chip,
                consumer="passerelle",
                config={settings.line: _asked(gpiod, settings)},
                event_buffer_size=64,
            ) as request:
                self._watch(gpiod, request, told, stop)
        except (OSError, ValueError) as error:
            msg = f"{settings.chip}: line {settings.line}: {error}"
            raise TriggerGone(msg) from error

    def _watch(
        self,
        gpiod: Any,  # noqa: ANN401 - as above
        request: Any,  # noqa: ANN401
        told: Callable[[Press], None],
        stop: Event,
    ) -> None:
        rising = gpiod.EdgeEvent.Type.RISING_EDGE
        down = request.get_value(self._settings.line) == gpiod.line.Value.ACTIVE
        debounce = Debounce(self._settings.debounce_s, down=down)
        while not stop.is_set():
            settles_s = debounce.wait_s(time.monotonic())
            wait_s = _LOOK_S if settles_s is None else settles_s
            if request.wait_edge_events(dt.timedelta(seconds=wait_s)):
                for event in request.read_edge_events():
                    at_s = event.timestamp_ns / _NANO
                    for press in debounce.edge(at_s, down=event.event_type == rising):
                        told(press)
            for press in debounce.settled(time.monotonic()):
                told(press)


def _asked(gpiod: Any, settings: GpioTriggerSettings) -> Any:  # noqa: ANN401 - as above
    line = gpiod.line
    biases = {"up": line.Bias.PULL_UP, "down": line.Bias.PULL_DOWN, "none": line.Bias.AS_IS}
    return gpiod.LineSettings(
        direction=line.Direction.INPUT,
        edge_detection=line.Edge.BOTH,
        bias=biases[settings.bias],
        active_low=settings.active_low,
        debounce_period=_GLITCH,
        event_clock=line.Clock.MONOTONIC,
    )


def _library() -> Any:  # noqa: ANN401 - as above
    try:
        import gpiod  # noqa: PLC0415 - an extra

        gpiod.request_lines  # noqa: B018 - Debian's python3-libgpiod 1.6 has another interface
    except (ImportError, AttributeError) as error:
        msg = "GPIO needs gpiod 2 or newer: install passerelle[gpio]"
        raise TriggerGone(msg) from error
    return gpiod
