"""Triggers on the kernel's own drivers: a contact of 5 ms on a serial line, and a pedal."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from hil.guest import usb
from passerelle_hw.trigger.keys import KeyTriggerSettings
from passerelle_hw.trigger.line import LineTriggerSettings
from passerelle_hw.trigger.opening import open_trigger

if TYPE_CHECKING:
    from passerelle_hw.trigger.opening import TriggerSettings
    from passerelle_hw.trigger.press import Press


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Both, each in its own time."""
    for module in ("cdc_acm", "usbhid", "hid_generic", "evdev"):
        subprocess.run(["modprobe", module], check=True)
    usb.plug(asked["buttons"], "1-2")
    device = str(usb.wait_for("input/by-id/*event-kbd"))
    pedal = _Watched(KeyTriggerSettings(device=device, key="KEY_F5"))
    usb.plug(asked["buttons"], "1-1")
    port = str(usb.wait_for("serial/by-id/*"))
    contact = _Watched(LineTriggerSettings(port=port, line="dcd"))
    time.sleep(25)
    return {
        "contact": port,
        "contacts of 5 ms seen": contact.presses(),
        "pedal": device,
        "presses of the pedal seen": pedal.presses(),
        "gone": contact.gone + pedal.gone,
    }


class _Watched:
    def __init__(self, settings: TriggerSettings) -> None:
        self.gone: list[str] = []
        self._told: list[Press] = []
        self._stop = threading.Event()
        self._trigger = open_trigger(settings)
        threading.Thread(target=self._watch, daemon=True).start()

    def presses(self) -> int:
        """How often it was pressed."""
        self._stop.set()
        return sum(press.down for press in self._told)

    def _watch(self) -> None:
        try:
            self._trigger.watch(self._told.append, self._stop)
        except Exception as error:  # noqa: BLE001 - the host is told whatever it is
            self.gone.append(str(error))
