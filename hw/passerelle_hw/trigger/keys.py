"""A pedal or button that is a keyboard to the computer: HID, as most USB pedals are (Linux).

The device is grabbed: its keystrokes reach nobody else, so one device is one trigger.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passerelle_hw.input_device import EventsLost, InputDevice, InputGone
from passerelle_hw.key_codes import code_of
from passerelle_hw.trigger.debounce import QUIET_S, Debounce
from passerelle_hw.trigger.press import TriggerGone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event as StopEvent

    from passerelle_hw.input_device import Event
    from passerelle_hw.trigger.press import Press

_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTriggerSettings:
    """Which key of which device."""

    device: str  #: by preference below /dev/input/by-id: those names do not change
    key: str | int | None = None  #: its name (KEY_F5) or number; None: whichever
    debounce_s: float = QUIET_S


class KeyTrigger:
    """Presses of a key, at the times that the kernel took. Repetition is no press."""

    def __init__(self, settings: KeyTriggerSettings) -> None:
        """A trigger that is not opened yet.

        Raises:
            ValueError: There is no such key.
        """
        self._settings = settings
        self._code = None if settings.key is None else code_of(settings.key)

    def watch(self, told: Callable[[Press], None], stop: StopEvent) -> None:
        """See `Trigger.watch`."""
        try:
            device = InputDevice.opened(self._settings.device)
            try:
                keys = PressedKeys(self._code, device.down(), self._settings.debounce_s)
                while not stop.is_set():
                    settles_s = keys.wait_s(time.monotonic())
                    events = device.read(_LOOK_S if settles_s is None else settles_s)
                    for press in keys.take(events, time.monotonic()):
                        told(press)
            finally:
                device.close()
        except InputGone as gone:
            raise TriggerGone(str(gone)) from gone


class PressedKeys:
    """What the events of a device tell of one key, or of all of them together: sans-IO."""

    def __init__(
        self, code: int | None, down: frozenset[int] = frozenset(), quiet_s: float = QUIET_S
    ) -> None:
        """A device whose keys of these codes are down already, which is not told."""
        self._code = code
        self._down = self._mine(down)
        self._debounce = Debounce(quiet_s, down=bool(self._down))

    def take(self, events: list[Event], now_s: float) -> Iterator[Press]:
        """The presses that these events are, and those that have settled by now."""
        for event in events:
            if isinstance(event, EventsLost):
                self._down = self._mine(event.down)
            elif event.down:
                self._down |= self._mine(frozenset({event.code}))
            else:
                self._down -= {event.code}
            yield from self._debounce.edge(event.at_s, down=bool(self._down))
        yield from self._debounce.settled(now_s)

    def wait_s(self, now_s: float) -> float | None:
        """See `Debounce.wait_s`."""
        return self._debounce.wait_s(now_s)

    def _mine(self, codes: frozenset[int]) -> frozenset[int]:
        return codes if self._code is None else codes & {self._code}
