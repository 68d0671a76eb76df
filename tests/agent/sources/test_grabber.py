"""A camera's child, which draws, and what of its captures comes into the inbox."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from passerelle.children.child import DEVICE, Child
from passerelle.errors import SpoolFull
from passerelle.source_settings import GrabberSourceSettings
from passerelle.sources.grabber import Grabber, facts
from passerelle.sources.inbox import Inbox
from passerelle.sources.station import station_of
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAPTURED: dict[str, Any] = {
    "kind": "clip",
    "taken_at": 1_700_000_000.25,
    "frame_times_ms": (0.0, 33.3334, 66.7),
    "pixel_aspect": (15, 16),
    "missing": 1,
}


class Room:
    """An inbox whose camera may be pressed, killed and left without room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_full = False
        self.arrivals = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, **changes: Any) -> None:  # noqa: ANN401 - settings of any type
        said = {"name": "tower", "type": "grabber", "device": "test", "size": "320x240", **changes}
        settings = GrabberSourceSettings.model_validate(said)
        inbox = Inbox(self.folder / "inbox", self.folder / "receiving", room=self._room)
        inbox.on_arrival = self._arrived
        self.child = Child(DEVICE)
        self.grabber = Grabber("tower", station_of(settings), inbox, self.child)
        self._stop.clear()
        self._thread = threading.Thread(target=self.grabber.run, args=(self._stop,))
        self._thread.start()

    def ready(self) -> None:
        wait_until(lambda: self.grabber.report.get("state") == "OK", 20)

    def stop(self) -> None:
        self._stop.set()
        self.grabber.wake()
        if self._thread:
            self._thread.join(15)
            assert not self._thread.is_alive()
        self._thread = None

    def files(self, suffix: str = "") -> list[Path]:
        found = (path for path in (self.folder / "inbox").glob(f"*/*{suffix}"))
        return sorted(path for path in found if path.suffix != ".json")

    def _room(self) -> None:
        if self.is_full:
            msg = "spool: nothing is free"
            raise SpoolFull(msg)

    def _arrived(self) -> None:
        self.arrivals += 1


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.stop()


def test_a_press_becomes_a_file_of_the_time_at_which_it_was_taken(room: Room) -> None:
    room.start()
    room.ready()
    before = time.time()
    assert room.grabber.press()
    wait_until(lambda: room.arrivals == 1, 20)
    (still,) = room.files(".jpg")
    assert still.read_bytes()[:2] == b"\xff\xd8"
    assert abs(still.stat().st_mtime - before) < 2
    said = json.loads(still.with_name(f"{still.name}.json").read_text())
    assert said["AcquisitionDateTime"].startswith(time.strftime("%Y%m%d%H"))
    assert room.grabber.problems() == []


def test_what_the_camera_shows_can_be_looked_at(room: Room) -> None:
    room.start()
    room.ready()
    shown = room.grabber.preview()
    assert shown is not None
    assert shown[:2] == b"\xff\xd8"


def test_a_stop_ends_a_clip_and_keeps_it(room: Room) -> None:
    room.start(capture="clip", longest_s=60.0)
    room.ready()
    room.grabber.press()
    wait_until(lambda: room.grabber.report["is_taking"], 10)
    room.stop()
    room.start()
    wait_until(lambda: room.files(".mjpeg"), 20)
    (clip,) = room.files(".mjpeg")
    assert clip.read_bytes().count(b"\xff\xd8\xff") > 1


def test_without_room_it_stays_where_it_is_and_comes_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerelle.sources.grabber._ROOM_PAUSE_S", 0.1)
    room.is_full = True
    room.start()
    room.ready()
    room.grabber.press()
    wait_until(lambda: any("nothing is free" in one for one in room.grabber.problems()), 20)
    assert room.files() == []
    room.is_full = False
    wait_until(lambda: room.files(".jpg"), 20)
    assert room.grabber.problems() == []


def test_whatever_kills_the_child_loses_nothing_that_it_finished(room: Room) -> None:
    room.is_full = True
    room.start()
    room.ready()
    room.grabber.press()
    receiving = room.folder / "receiving"
    wait_until(lambda: list(receiving.glob("*.jpg")), 20)
    assert room.child.pid is not None
    os.kill(room.child.pid, signal.SIGKILL)
    room.stop()
    room.is_full = False
    room.start()
    wait_until(lambda: room.files(".jpg"), 20)
    assert room.arrivals == 1
    room.ready()
    assert len(room.files()) == 1


def test_a_child_that_is_killed_is_started_again(room: Room) -> None:
    room.start()
    room.ready()
    assert room.child.pid is not None
    os.kill(room.child.pid, signal.SIGKILL)
    wait_until(lambda: room.grabber.problems() != [], 20)
    room.ready()
    assert room.grabber.problems() == []


def test_a_camera_that_is_not_there_is_a_problem_and_no_failure(room: Room) -> None:
    room.start(device="/dev/video-none")
    wait_until(lambda: room.grabber.report, 20)
    assert room.grabber.problems() == ["tower: NO_DEVICE: /dev/video-none: there is no such device"]


def test_a_trigger_that_cannot_be_meant_is_told(room: Room) -> None:
    room.start(trigger={"type": "key", "device": "/dev/input/none", "key": "KEY_NONSENSE"})
    wait_until(lambda: any("KEY_NONSENSE" in one for one in room.grabber.problems()), 20)


def test_how_it_was_taken_is_said_in_the_words_of_the_standard() -> None:
    said = facts(CAPTURED)
    assert said["FrameTimeVector"] == [0.0, 33.333, 66.7]
    assert said["PixelAspectRatio"] == ["15", "16"]
    assert "1 frames were lost" in str(said["ImageComments"])
    assert str(said["AcquisitionDateTime"])[8:].replace("+", "-").count("-") == 1


def test_what_a_kill_left_on_its_way_to_the_inbox_goes_back(room: Room) -> None:
    made = room.folder / "receiving" / "0123"
    made.mkdir(parents=True)
    (made / "still-abc.jpg").write_bytes(b"\xff\xd8 whole \xff\xd9")
    (made / "still-abc.jpg.json").write_text("{}")
    known = CAPTURED | {
        "kind": "still",
        "file": "still-abc.jpg",
        "pressed_at": 1_700_000_000.0,
        "columns": 320,
        "rows": 240,
        "frame_times_ms": (),
    }
    (room.folder / "receiving" / "still-abc.jpg.facts").write_text(json.dumps(known))
    room.start()
    wait_until(lambda: room.files(".jpg"), 20)
    (still,) = room.files(".jpg")
    assert still.stat().st_mtime == 1_700_000_000.25
