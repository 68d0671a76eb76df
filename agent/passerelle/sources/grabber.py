"""Acquisitions of a camera: its child captures, and what it captured comes into the inbox."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import logging
import os
import queue
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from passerelle.errors import AgentError, SpoolFull
from passerelle.sources.inbox import Inbox, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

    from passerelle.children.child import Child
    from passerelle.children.program import Body
    from passerelle.model import Value

_SILENCE_S: Final = 30.0  # it reports every 5 s
_SHORTEST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_ROOM_PAUSE_S: Final = 5.0
_PREVIEW_S: Final = 5.0
_DIGITS: Final = 3  # of milliseconds

_log = logging.getLogger(__name__)


class Grabber:
    """Keeps the camera's child running, and takes from it what it captured.

    A file is in the child's folder with all that is known of it before the child says so; it
    leaves that folder only for the inbox. Whoever dies in between, the next child finds it.
    """

    def __init__(self, source: str, said: Body, inbox: Inbox, child: Child) -> None:
        """Nothing runs yet.

        Args:
            source: The name of its source.
            said: `station` and `trigger`, as the child takes them.
            inbox: Where captures go; the child works in its staging folder.
            child: Of the program `DEVICE`; closed at the end.
        """
        self.name = f"{source} camera"
        self._source = source
        self._said = said
        self._inbox = inbox
        self._child = child
        self._reason = "has not been started yet"
        self._report: Body = {}
        self._previews: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def run(self, stop: Event) -> None:
        """Capture until `stop` is set; `wake` after setting it."""
        pause_s = _SHORTEST_PAUSE_S
        try:
            while not stop.is_set():
                try:
                    self._capture(stop)
                except (AgentError, OSError) as failure:
                    self._tell(f"failed: {failure}")
                has_run, self._report = bool(self._report), {}
                pause_s = _SHORTEST_PAUSE_S if has_run else pause_s
                stop.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        finally:
            self._child.close()

    def wake(self) -> None:
        """Look at `stop`: what is being taken is ended and kept."""
        self._child.note({"stop": True})

    def press(self, *, down: bool = True) -> bool:
        """Press by hand, or let go; whether there is a camera that heard it."""
        return self._child.note({"press": down})

    def preview(self) -> bytes | None:
        """What the camera shows now, as a JPEG; None where that is nothing good."""
        with suppress(queue.Empty):
            while True:
                self._previews.get_nowait()
        if not self._child.note({"preview": True}):
            return None
        with suppress(queue.Empty):
            return self._previews.get(timeout=_PREVIEW_S) or None
        return None

    @property
    def report(self) -> Body:
        """What the camera said of itself last; empty before it did."""
        return self._report

    def problems(self) -> list[str]:
        """What an operator should know."""
        report = self._report
        if not report:
            return [f"{self._source}: the camera's process {self._reason}"]
        found = [f"{report['state']}: {report['reason']}"] if report["reason"] else []
        found += [f"its trigger is gone: {why}" for why in report["triggers_gone"]]
        if report["refused"]:
            found.append(f"{report['refused']} presses gave nothing: {report['refused_why']}")
        if report["noticed"]:
            found.append(report["noticed"])
        if self._reason:
            found.append(self._reason)
        return [f"{self._source}: {problem}" for problem in found]

    def _capture(self, stop: Event) -> None:
        self._inbox.make()
        self._clear_of_folders()
        body = {**self._said, "into": os.fspath(self._inbox.staging)}
        self._child.request(
            "run",
            body,
            deadline_s=_SILENCE_S,
            on_told=self._told,
            on_asked=lambda asked: self._take(asked["captured"], stop),
        )

    def _clear_of_folders(self) -> None:
        """Give back what a kill left between the child's folder and the inbox."""
        for made in self._inbox.staging.iterdir():
            if made.is_dir():
                for media in made.iterdir():
                    if media.suffix != ".json":
                        media.replace(self._inbox.staging / media.name)
                    else:
                        media.unlink()
                made.rmdir()

    def _told(self, told: Body) -> bool:
        if "preview" in told:
            self._previews.put(base64.b64decode(told["preview"]))
            return True
        report = told["report"]
        if report["state"] != self._report.get("state"):
            _log.info("%s: %s %s", self.name, report["state"], report["reason"])
        self._report, self._reason = report, ""
        return True

    def _take(self, captured: Body, stop: Event) -> Body:
        """Bring a capture into the inbox, as soon as there is room for it."""
        media = Path(captured["file"])
        while not stop.is_set():
            try:
                self._inbox.room()
                self._place(media, captured)
            except (SpoolFull, OSError) as fault:
                self._reason = f"takes no more: {getattr(fault, 'strerror', None) or fault}"
                stop.wait(_ROOM_PAUSE_S)
            else:
                self._reason = ""
                self._inbox.on_arrival()
                return {}
        return {}  # the next start finds it where it is

    def _place(self, media: Path, captured: Body) -> None:
        sidecar = json.dumps(facts(captured), sort_keys=True).encode()
        taken_ns = round(captured["taken_at"] * 1e6) * 1000
        with media.open("r+b") as file:
            content = hashlib.file_digest(file, "sha256").digest()
            # The acquisition's time is that of its file.
            os.utime(media, ns=(taken_ns, taken_ns))
            os.fsync(file.fileno())
        self._inbox.place(media, media.name, digest_of(media.name, sidecar, content), sidecar)

    def _tell(self, reason: str) -> None:
        if reason != self._reason:
            _log.warning("%s: %s", self.name, reason)
        self._reason = reason


def facts(captured: Mapping[str, Any]) -> dict[str, Value]:
    """What is known of how it was taken, DICOM keyword to value (PS3.3 C.7.6.5, C.7.6.3.1.7)."""
    taken = dt.datetime.fromtimestamp(captured["taken_at"], tz=dt.UTC).astimezone()
    said: dict[str, Value] = {"AcquisitionDateTime": taken.strftime("%Y%m%d%H%M%S.%f%z")}
    if captured["kind"] == "clip" and captured["frame_times_ms"]:
        said["FrameTimeVector"] = [round(ms, _DIGITS) for ms in captured["frame_times_ms"]]
    if tuple(captured["pixel_aspect"]) != (1, 1):
        said["PixelAspectRatio"] = [str(part) for part in captured["pixel_aspect"]]
    if captured["missing"]:
        said["ImageComments"] = f"{captured['missing']} frames were lost before they came here"
    return said
