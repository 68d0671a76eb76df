"""A station in its own process, as the device child has it: `python -m bench.station_process`.

Arguments: device, folder, seconds. It presses once for a clip of the last 10 s, and prints JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from passerelle_hw.camera.frame import Wanted
from passerelle_hw.camera.report import StationSettings
from passerelle_hw.camera.signal import State
from passerelle_hw.camera.station import Station
from passerelle_hw.trigger.press import Press

if TYPE_CHECKING:
    from passerelle_hw.camera.captured import Captured
    from passerelle_hw.camera.report import Report

_PRE_S = 10.0


def main() -> None:
    device, into, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    clips: list[Captured] = []
    reports: list[Report] = []
    settings = StationSettings(
        device=device,
        wanted=Wanted(columns=1920, rows=1080, rate=30.0, pixels="MJPG"),
        capture="clip",
        pre_trigger_s=_PRE_S,
        clip_s=1.0,
    )
    station = Station(settings, into, captured=clips.append, told=reports.append)
    stop = threading.Event()
    thread = threading.Thread(target=station.run, args=(stop,))
    thread.start()
    while not reports or reports[-1].state is not State.OK:
        time.sleep(0.05)
    print("OK", flush=True)
    time.sleep(seconds)
    station.press(Press(at_s=time.monotonic()))
    print("MEASURED", flush=True)
    deadline = time.monotonic() + 30
    while not clips and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join()
    last = reports[-1]
    print(
        json.dumps(
            {
                "missing": last.missing + last.truncated + last.damaged,
                "reopened": last.reopened,
                "frames": [clip.frames for clip in clips],
                "clip_missing": sum(clip.missing for clip in clips),
                "clip_s": sum(sum(clip.frame_times_ms) for clip in clips) / 1000,
            }
        )
    )


if __name__ == "__main__":
    main()
