"""The child that runs a camera and its triggers: no driver is ever spoken to elsewhere.

Run as `python -m passerelle.children.device LIMIT`, LIMIT being the address space in bytes.
"""

from __future__ import annotations

import base64
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from passerelle.children.program import Body, Handler, Parent, limit_memory, serve
from passerelle.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.camera.captured import Captured
    from passerelle_hw.camera.report import Report
    from passerelle_hw.trigger.press import Trigger


def run(body: Body, parent: Parent) -> Body:
    """Run a station until the parent notes `stop`; a note of `press` or `preview` is for it.

    What was captured is asked of the parent, who replies once it has it; what a process that was
    killed left behind comes first. Reports and previews are told.

    Raises:
        SourceError: The settings of its trigger cannot be meant.
    """
    from passerelle_hw.camera.folder import left_behind  # noqa: PLC0415 - with what they import
    from passerelle_hw.camera.station import Station  # noqa: PLC0415

    into = Path(body["into"])
    for captured in left_behind(into):
        _hand_over(parent, captured)
    station = Station(
        _settings(body["station"]),
        into,
        list(_triggers(body["trigger"])),
        captured=lambda captured: _hand_over(parent, captured),
        told=lambda report: parent.tell({"report": _told(report)}),
    )
    stop = threading.Event()
    parent.on_note = lambda note: _note(note, station, stop, parent)
    station.run(stop)
    return {}


def _note(note: Body, station: Any, stop: threading.Event, parent: Parent) -> None:  # noqa: ANN401
    from passerelle_hw.trigger.press import Press  # noqa: PLC0415

    if note.get("stop"):
        stop.set()
    elif "press" in note:
        station.press(Press(at_s=time.monotonic(), down=bool(note["press"])))
    elif note.get("preview"):
        picture = station.preview()
        shown = base64.b64encode(picture).decode("ascii") if picture else ""
        parent.tell({"preview": shown})


def _hand_over(parent: Parent, captured: Captured) -> None:
    parent.ask({"captured": asdict(captured) | {"file": str(captured.file)}})


def _told(report: Report) -> Body:
    return asdict(report) | {"state": str(report.state)}


def _settings(said: Body) -> Any:  # noqa: ANN401 - a StationSettings
    from passerelle_hw.camera.frame import Wanted  # noqa: PLC0415
    from passerelle_hw.camera.report import StationSettings  # noqa: PLC0415

    return StationSettings(**{**said, "wanted": Wanted(**said["wanted"])})


def _triggers(said: Body | None) -> Iterator[Trigger]:
    if not said:
        return
    from passerelle_hw.trigger.opening import open_trigger, settings_of  # noqa: PLC0415

    values = {name: value for name, value in said.items() if name != "type"}
    try:
        yield open_trigger(settings_of(said["type"], values))
    except (ValueError, TypeError) as fault:
        msg = f"trigger: {fault}"
        raise SourceError(msg) from fault


HANDLERS: Final[dict[str, Handler]] = {"run": run, "warm": lambda _body, _parent: {}}

if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    serve(HANDLERS)
