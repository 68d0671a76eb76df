"""A device on a real pty, with faults on its line: each picture is offered once, unbroken."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from folder_support import Memory, picture
from passerelle.errors import SourceError, SpoolFull
from passerelle.sources.serial import Receiver, SerialSource
from passerelle.sources.serial_inbox import SerialInbox
from passerelle_hw.serial.frames import Frame, Frames, Kind
from passerelle_hw.serial.line import Line, LineGone, LineSettings
from passerelle_hw.serial.parity import Piece
from passerelle_hw.serial.sender import NotDelivered, Sender
from passerelle_hw.serial.simulated import Faults, Pty, SimulatedSerialDevice
from passerelle_hw.serial.transfer import Reason
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.model import Acquisition


class Desk:
    """A serial source with its receiver running, and the device's end of the line."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.data_dir.mkdir()
        self.archive = folder / "archive"
        self.archive.mkdir()
        self.pty = Pty(folder / "port")
        self.is_full = False
        self.source = self._source()
        self.offered: list[tuple[str, bytes, bytes]] = []
        self._stop = threading.Event()
        self._receiver = threading.Thread(target=self.source.receiver.run, args=(self._stop,))
        self._receiver.start()

    def take(self, count: int) -> list[tuple[str, bytes, bytes]]:
        """Take so many acquisitions, and let go of each."""
        taken = []
        for acquisition in self.source.acquisitions(self._stop):
            if acquisition:
                taken.append(self.content(acquisition))
                self.source.release(acquisition, kept=False)
            if len(taken) == count:
                break
        return taken

    @staticmethod
    def content(acquisition: Acquisition) -> tuple[str, bytes, bytes]:
        assert acquisition.sidecar
        return (
            acquisition.media.name,
            acquisition.media.read_bytes(),
            acquisition.sidecar.read_bytes(),
        )

    def sender(self) -> Sender:
        return Sender(self.pty, answer_s=0.5, tries=20, pause=lambda _s: None)

    def end(self) -> None:
        self._stop.set()
        self.source.receiver.wake()
        self._receiver.join(15)
        self.pty.unplug()

    def _source(self) -> SerialSource:
        return SerialSource(
            "scope",
            LineSettings(url=str(self.pty.link)),
            self.data_dir,
            room=self._room,
            archive=lambda path: path.rename(self.archive / path.name),
            memory=Memory(),
            limit_bytes=1 << 24,
        )

    def _room(self) -> None:
        if self.is_full:
            msg = "spool: no room"
            raise SpoolFull(msg)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.end()


def test_on_a_bad_line_and_with_the_plug_pulled_each_picture_is_offered_once_and_unbroken(
    desk: Desk,
) -> None:
    faults = Faults(noise=0.05, cut=0.03, garbage=0.05, lost_answers=0.05)
    device = SimulatedSerialDevice(
        desk.pty, 7, faults=faults, unplug_every=2, away_s=0.2, answer_s=0.1
    )
    with device.plugged():
        assert len(list(device.acquire(3))) == 3
        taken = desk.take(3)
    assert device.faults > 3
    assert sorted(taken) == [device.picture(number) for number in (1, 2, 3)]
    assert desk.source.pending == 0
    assert list((desk.data_dir / "inbox" / "scope").iterdir()) == [], "nothing is left behind"
    assert (desk.data_dir / "evidence" / "scope.log").stat().st_size > 0


def test_an_original_that_was_let_go_of_is_archived_with_its_sidecar(desk: Desk) -> None:
    desk.pty.plug()
    desk.sender().send("a.png", picture("PNG"), b"{}")
    assert desk.take(1) == [("a.png", picture("PNG"), b"{}")]
    assert sorted(path.name for path in desk.archive.iterdir()) == ["a.png", "a.png.json"]


def test_a_picture_that_is_cut_off_in_itself_has_a_complaint_and_does_not_stay(
    desk: Desk,
) -> None:
    desk.pty.plug()
    desk.sender().send("a.png", picture("PNG")[:-20], b"{}")
    acquisition = next(one for one in desk.source.acquisitions(threading.Event()) if one)
    assert acquisition.complaint
    desk.source.release(acquisition, kept=True)
    assert list((desk.data_dir / "inbox" / "scope").iterdir()) == []


def test_what_was_given_back_is_still_there(desk: Desk) -> None:
    desk.pty.plug()
    desk.sender().send("a.png", picture("PNG"), b"{}")
    offers = desk.source.acquisitions(threading.Event())
    acquisition = next(one for one in offers if one)
    desk.source.retry(acquisition)
    assert desk.source.pending == 1
    assert acquisition.media.exists()


def test_without_room_the_device_keeps_its_picture(desk: Desk) -> None:
    desk.pty.plug()
    desk.is_full = True
    with pytest.raises(NotDelivered, match="too often"):
        desk.sender().send("a.png", picture("PNG"), b"{}")
    desk.is_full = False
    desk.sender().send("a.png", picture("PNG"), b"{}")
    assert desk.take(1) == [("a.png", picture("PNG"), b"{}")]


def test_status_says_that_the_port_is_not_there_until_it_is(desk: Desk) -> None:
    wait_until(desk.source.problems)
    assert desk.source.problems()[0].startswith("scope: the port cannot be opened: No such file")
    desk.pty.plug()
    wait_until(lambda: not desk.source.problems())
    desk.pty.unplug()
    wait_until(desk.source.problems)
    desk.pty.plug()
    wait_until(lambda: not desk.source.problems(), timeout_s=10)


class DamagedLine(Line):
    """Gives what it is made of, and is gone."""

    def __init__(self, *pieces: Piece) -> None:
        self.pieces = list(pieces)
        self.written = b""

    def read(self, timeout_s: float) -> Piece:
        del timeout_s
        if not self.pieces:
            msg = "pulled out"
            raise LineGone(msg)
        return self.pieces.pop(0)

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        """Nothing is open."""


def test_bytes_that_the_line_lost_or_damaged_are_told_asked_for_again_and_kept_as_evidence(
    tmp_path: Path,
) -> None:
    frame = Frame(Kind.BEGIN, 1, bytes(4) + b"a.png").encoded()
    line = DamagedLine(Piece(frame[:9]), Piece(frame[10:], "a byte with wrong parity"))
    inbox = SerialInbox(
        tmp_path / "inbox",
        tmp_path / "receiving",
        room=lambda: None,
        limit_bytes=1,
    )
    stop = threading.Event()
    receiver = Receiver(
        "scope",
        LineSettings(url="loop://"),
        inbox,
        tmp_path / "evidence",
        open_line=lambda _settings: line,
    )
    thread = threading.Thread(target=receiver.run, args=(stop,))
    thread.start()
    wait_until(receiver.problems)
    stop.set()
    thread.join(10)
    assert receiver.problems()[0].startswith("scope: the port is gone: pulled out")
    (answer,) = Frames().feed(line.written)
    assert isinstance(answer, Frame)
    assert answer.payload == bytes([Reason.DAMAGED]) + b"a byte with wrong parity"
    assert "a byte with wrong parity" in (tmp_path / "evidence" / "scope.log").read_text()


def test_an_inbox_that_cannot_be_made_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_bytes(b"in the way")
    source = SerialSource(
        "scope",
        LineSettings(url="loop://"),
        tmp_path,
        room=lambda: None,
        archive=lambda _path: None,
        memory=Memory(),
        limit_bytes=1,
    )
    for _ in range(2):
        with pytest.raises(SourceError, match=r"^scope: the inbox cannot be made"):
            next(source.acquisitions(threading.Event()))
