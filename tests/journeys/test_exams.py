"""From a scan to pictures that are filed under its patient, in a whole agent."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from command_support import configured
from intake_support import png
from passerelle.config import load
from passerelle.control import ask
from passerelle.supervisor import Agent
from passerelle_hw.serial.simulated import Pty
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCANNER = """
[identity.barcode]
port = "{port}"
pattern = '(?P<PatientID>\\d{{5}})'
"""


class Room:
    """An examination room: a device that knows no patients, and a scanner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scanner = Pty(folder / "scanner")
        self.config = configured(folder, SCANNER.format(port=folder / "scanner"))
        self.agent: Agent

    @contextmanager
    def running(self) -> Iterator[None]:
        self.agent = Agent(load(self.config), self.folder)
        self.agent.start()
        try:
            yield
        finally:
            self.agent.stop()

    def acquire(self, name: str, level: int) -> None:
        (self.folder / "acquisitions" / name).write_bytes(png(level))

    def whose(self, name: str) -> str:
        """Whose a picture is by now: "" while it is not taken, "HELD" when it waits."""
        for row in self.agent.spool.rows():
            if row["original"] == name:
                if row["state"] == "HELD":
                    return "HELD"
                shown = self.agent.spool.show(row["acquisition"])
                assert shown
                return f"{shown['identity']['attributes']['PatientID']}"
        return ""

    def patient(self) -> Any:  # noqa: ANN401 - of DICOM
        shown = ask(self.folder / "data", "exam show", {})
        assert shown is not None
        return shown.get("attributes", {}).get("PatientID")

    def scan(self, code: str, patient_id: str) -> None:
        """Scan until it counts: what was sent before the port was open is gone."""

        def scanned() -> bool:
            if self.patient() == patient_id:
                return True
            self.scanner.write(f"{code}\r".encode())
            return False

        wait_until(scanned, every_s=0.5)

    def problems(self) -> list[str]:
        problems: list[str] = self.agent.status()["problems"]
        return [problem for problem in problems if problem.startswith("barcode")]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    room.scanner.plug()
    yield room
    room.scanner.unplug()


def test_what_is_scanned_before_says_whose_pictures_are(room: Room) -> None:
    with room.running():
        room.acquire("early.png", 10)
        wait_until(lambda: room.whose("early.png") == "HELD")
        room.scan("]C100042", "00042")
        room.acquire("first.png", 20)
        wait_until(lambda: room.whose("first.png") == "00042")
        room.scanner.write(b"4006381333931\r")
        wait_until(lambda: len(room.problems()) == 1)
        assert "4006381333931" not in room.problems()[0]
        assert room.patient() == "00042"
    with room.running():
        room.acquire("second.png", 30)
        wait_until(lambda: room.whose("second.png") == "00042")
        room.scan("00043", "00043")
        opened_at = time.time()
        room.acquire("too near.png", 40)
        wait_until(lambda: room.whose("too near.png") == "HELD")
        wait_until(lambda: time.time() > opened_at + 2.1)
        room.acquire("third.png", 50)
        wait_until(lambda: room.whose("third.png") == "00043")
        answer = ask(room.folder / "data", "exam close", {"actor": "doe"})
        assert answer == {"closed": True}
        room.acquire("late.png", 60)
        wait_until(lambda: room.whose("late.png") == "HELD")


def test_a_scanner_that_is_unplugged_is_a_problem_until_it_is_back(room: Room) -> None:
    with room.running():
        room.scan("00042", "00042")
        room.scanner.unplug()
        wait_until(lambda: len(room.problems()) == 1)
        assert "the scanner is gone" in room.problems()[0]
        room.scanner.plug()
        wait_until(lambda: room.problems() == [])
        room.scan("00043", "00043")
