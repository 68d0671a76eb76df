"""The whole agent in the box: a USB camera, an exam, an archive beyond the network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from hil.guest import usb
from passerelle_hw.camera.feed import Feed
from passerelle_hw.camera.frame import Wanted
from passerelle_hw.camera.v4l2 import cameras, open_camera

if TYPE_CHECKING:
    from collections.abc import Callable

BOX = Path("/tmp/box")  # noqa: S108 - the box is this test's own
PASSERELLE = (sys.executable, "-P", "-m", "passerelle")
CONFIG = """
[agent]
name = "box"
data_dir = "data"
[equipment]
modality = "ES"
ae_title = "BOX"
[[sources]]
name = "tower"
type = "grabber"
device = "{device}"
capture = "burst"
burst = {{ count = {count}, interval_s = 0.034 }}
ring_mb = 32
[[sources]]
name = "export"
type = "folder"
path = "export"
settle_s = 0.5
[[destinations]]
name = "pacs"
type = "dicom"
host = "10.0.2.100"
port = {port}
ae_title = "ARCHIVE"
commitment = {{ mode = "required", timeout_s = 30.0 }}
[retention]
min_free = "0%"
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
    (BOX / "export").mkdir(parents=True)
    config = BOX / "agent.toml"
    config.write_text(CONFIG.format(device=device, count=asked["count"], port=asked["archive"]))
    _passerelle("exam", "open", "--patient-id", "00042", "--patient-name", "Müller^Jörg")
    with (BOX / "log").open("wb") as log:
        agent = subprocess.Popen(
            [*PASSERELLE, "run", "-c", config], stdout=log, stderr=log, start_new_session=True
        )
    try:
        figures["camera good after s"] = _until(lambda: not _reason(), 60)
        _passerelle("trigger", "tower")
        for path in Path("/share").glob("export-*"):
            (BOX / "export" / path.name.removeprefix("export-")).write_bytes(path.read_bytes())
        owed = asked["count"]
        figures["all committed after s"] = _until(lambda: _committed() >= owed, 200)
        usb.unplug(hub)
        figures["told of the unplugging after s"] = _until(lambda: "NO_DEVICE" in _reason(), 30)
        hub = usb.plug(asked["webcam"])
        figures["good again after s"] = _until(lambda: not _reason(), 60)
        figures["problems"] = _status()["problems"]
        agent.send_signal(signal.SIGTERM)
        figures["stopped"] = agent.wait(20)
    except BaseException:
        os.killpg(agent.pid, signal.SIGKILL)
        sys.stdout.write((BOX / "log").read_text()[-3000:])
        raise
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


def _passerelle(*arguments: str) -> str:
    told = subprocess.run(
        [*PASSERELLE, *arguments, "-c", str(BOX / "agent.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode in (0, 1), told.stderr
    return told.stdout


def _status() -> dict[str, Any]:
    status: dict[str, Any] = json.loads(_passerelle("status", "--json"))
    return status


def _reason() -> str:
    return str(next(one["reason"] for one in _status()["sources"] if one["name"] == "tower"))


def _committed() -> int:
    return int(_status()["deliveries"]["COMMITTED"])


def _until(condition: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, (
            f"not within {seconds} s: {_status()['problems']}"
        )
        time.sleep(0.2)
    return round(time.monotonic() - began, 1)
