"""A USB camera of Motion JPEG, as the kernel of the emulated box sees one.

Run as `python -m hil.devices.webcam PORT FOLDER`: the JPEGs of the folder, one after the other by
name, 30 a second, all of one size.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import usbip
from PIL import Image
from usbip.classes.device.uvc import UVC
from usbip.device import USBDevice

_RATE: Final = 30


def main(port: int, folder: Path) -> None:
    """Be plugged in until the process ends."""
    frames = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    with Image.open(min(folder.glob("*.jpg"))) as first:
        columns, rows = first.size
    began = time.monotonic()

    def next_frame(_camera: Any, _format: str, index: int) -> bytes:  # noqa: ANN401 - the library's
        nonlocal began
        if index == 0:
            began = time.monotonic()
        time.sleep(max(0.0, began + index / _RATE - time.monotonic()))
        return frames[index % len(frames)]

    device = USBDevice(0x1209, 0x0001, product="Grabber", manufacturer="Simulated", serial="0001")
    device.add(UVC(columns, rows, _RATE, formats=("mjpeg",), source=next_frame))
    with device.plug(via=usbip.USBIP("127.0.0.1", port)):
        print("ready", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
