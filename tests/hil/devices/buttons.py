"""A contact on the DCD of a USB serial port and a USB pedal, as the emulated box sees them.

Run as `python -m hil.devices.buttons PORT COUNT`. The contact (1-1) closes for 5 ms, COUNT times,
once somebody has opened the port; then the pedal (1-2) types F5 as often.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, Final

import usbip
from usbip.classes.device.cdc_acm import CDCACM
from usbip.classes.device.hid import HID, keyboard_report_descriptor
from usbip.device import USBDevice

_CONTACT_S: Final = 0.005
_PAUSE_S: Final = 0.2
_READY_S: Final = 2.0
_SERIAL_STATE: Final = b"\xa1\x20\x00\x00\x00\x00\x02\x00"  # CDC PSTN 6.5.4
_CARRIER: Final = 1
_F5: Final = 0x3E


class Pedal(HID):  # type: ignore[misc]  # untyped
    """A keyboard with one key that matters."""

    report_descriptor = keyboard_report_descriptor()

    def press(self) -> None:
        """Press and let go."""
        self.send_report(bytes([0, 0, _F5, 0, 0, 0, 0, 0]))
        time.sleep(0.05)
        self.send_report(bytes(8))


def main(port: int, count: int) -> None:
    """Be plugged in until the process ends."""
    opened = threading.Event()
    contact = CDCACM(on_rx=lambda *_: None, on_open=lambda *_: opened.set())
    line = USBDevice(0x1209, 0x0002, product="Contact", manufacturer="Simulated", serial="0002")
    line.add(contact)
    pedal, keyboard = (
        USBDevice(0x1209, 0x0003, product="Pedal", manufacturer="Simulated", serial="0003"),
        Pedal(),
    )
    pedal.add(keyboard)
    transport = usbip.USBIP("127.0.0.1", port)
    with line.plug(via=transport), pedal.plug(via=transport):
        print("ready", flush=True)
        opened.wait()
        time.sleep(_READY_S)
        _close(contact, count)
        for _ in range(count):
            time.sleep(_PAUSE_S)
            keyboard.press()
        threading.Event().wait()


def _close(contact: Any, count: int) -> None:  # noqa: ANN401 - the library's
    for _ in range(count):
        for state in (_CARRIER, 0):
            contact.comm.notify_ep.write(_SERIAL_STATE + bytes([state, 0]))
            time.sleep(_CONTACT_S if state else _PAUSE_S)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
