"""The whole agent in the box: a USB camera, an exam, an archive beyond the network."""

from __future__ import annotations

import subprocess
import time
from threading import Event
from typing import Any

from hil.guest import usb
from hil.guest.agent import committed, passerelle, running, status, until, write_config
from passerelle_hw.camera.feed import Feed
from passerelle_hw.camera.frame import Wanted
from passerelle_hw.camera.v4l2 import cameras, open_camera

CAMERA = """
[[sources]]
name = "tower"
type = "grabber"
device = "{device}"
capture = "burst"
burst = {{ count = {count}, interval_s = 0.034 }}
ring_mb = 32
"""


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Capture a burst and send it; pull the plug; say how long everything took."""
    subprocess.run(["modprobe", "uvcvideo"], check=True)
    began = time.monotonic()
    hub = usb.plug(asked["webcam"])
    device = str(usb.wait_for("v4l/by-id/*video-index0"))
    figures: dict[str, Any] = {"seen after s": round(time.monotonic() - began, 2), "device": device}
    figures["listed"] = [camera.name for camera in cameras()]
    figures.update(_alone(device))
    write_config(asked["archive"], more=CAMERA.format(device=device, count=asked["count"]))
    passerelle("exam", "open", "--patient-id", "00042", "--patient-name", "Müller^Jörg")
    with running(figures):
        figures["camera good after s"] = until(lambda: not _reason(), 60)
        passerelle("trigger", "tower")
        owed = asked["count"]
        figures["all committed after s"] = until(lambda: committed() >= owed, 200)
        usb.unplug(hub)
        figures["told of the unplugging after s"] = until(lambda: "NO_DEVICE" in _reason(), 30)
        usb.plug(asked["webcam"])
        figures["good again after s"] = until(lambda: not _reason(), 60)
        figures["problems"] = status()["problems"]
    return figures


def _alone(device: str) -> dict[str, Any]:
    """Our own layer on it, without an agent: frames a second, and what was lost."""
    feed = Feed(lambda: open_camera(device, Wanted()))
    stop, times = Event(), []
    until = time.monotonic() + 6
    for frame in feed.frames(stop):
        if frame:
            times.append(frame.at_s)
            given = frame.format
        if time.monotonic() > until:
            break
    return {
        "format": f"{given.pixels} {given.columns}x{given.rows}",
        "frames a second": round((len(times) - 1) / (times[-1] - times[0]), 1),
        "missing": feed.missing,
        "truncated": feed.truncated,
    }


def _reason() -> str:
    return str(next(one["reason"] for one in status()["sources"] if one["name"] == "tower"))
