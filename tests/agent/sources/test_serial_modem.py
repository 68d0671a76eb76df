"""A serial source that speaks XMODEM or YMODEM, with Debian's senders at the other end of a pty."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from folder_support import Memory, picture, whole_files
from passerelle.errors import SpoolFull
from passerelle.sources.serial import SerialSource, receiving
from passerelle.sources.structure import complaint
from passerelle_hw.serial.line import LineSettings
from serial_support import MemoryStore, PtyPair
from support import peer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.source_settings import SerialProtocol


class Desk:
    """A source with its receiver running, and the device's end of the line."""

    def __init__(self, folder: Path, protocol: SerialProtocol) -> None:
        self.folder = folder
        self.pair = PtyPair()
        self.is_full = False
        self.source = SerialSource(
            "scope",
            LineSettings(url=self.pair.name),
            folder / "data",
            room=self._room,
            archive=lambda path: path.unlink(),
            memory=Memory(),
            limit_bytes=1 << 20,
            protocol=protocol,
            file_name="still",
        )
        (folder / "data").mkdir()
        self._stop = threading.Event()
        self._receiver = threading.Thread(target=self.source.receiver.run, args=(self._stop,))
        self._receiver.start()
        wait_until(lambda: not self.source.problems())

    def send(self, program: str, *files: Path) -> int:
        """Let a device send files; its return code."""
        end = self.pair.device
        return subprocess.run(
            [peer(program), "-q", *files],
            stdin=end,
            stdout=end,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        ).returncode

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def inbox(self) -> dict[str, bytes]:
        """Every file in the inbox; two of one name are a fault."""
        found = [path for path in (self.folder / "data" / "inbox").rglob("*") if path.is_file()]
        assert len({path.name for path in found}) == len(found)
        return {path.name: path.read_bytes() for path in found}

    def end(self) -> None:
        self._stop.set()
        self.source.receiver.wake()
        self._receiver.join(15)
        self.pair.unplug()

    def _room(self) -> None:
        if self.is_full:
            msg = "spool: no room"
            raise SpoolFull(msg)


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    desk = Desk(tmp_path, request.param)
    yield desk
    desk.end()


@pytest.mark.parametrize(
    ("protocol", "invitation"),
    [("frames", []), ("xmodem", [b"C"]), ("xmodem-checksum", [b"\x15"]), ("ymodem", [b"C"])],
)
def test_only_the_protocols_that_begin_with_the_receiver_invite(
    protocol: SerialProtocol, invitation: list[bytes]
) -> None:
    said = receiving(protocol, MemoryStore()).silent()
    assert [event.answer for event in said] == invitation


@pytest.mark.parametrize("desk", ["ymodem"], indirect=True)
def test_a_batch_of_files_is_in_the_inbox_when_its_sender_is_told(desk: Desk) -> None:
    content = {"a.png": picture("PNG"), "b.jpg": picture("JPEG")}
    files = [desk.file(name, data) for name, data in content.items()]
    assert desk.send("sb", *files) == 0
    assert desk.inbox() == content
    assert desk.send("sb", files[0]) == 0
    assert desk.inbox() == content, "the same file again is the same acquisition"
    taken = []
    for acquisition in desk.source.acquisitions(threading.Event()):
        if acquisition:
            taken.append((acquisition.name, acquisition.complaint))
            desk.source.release(acquisition, kept=False)
        if len(taken) == len(content):
            break
    assert sorted(taken) == [("a.png", ""), ("b.jpg", "")]


@pytest.mark.parametrize("desk", ["xmodem-checksum"], indirect=True)
def test_a_file_without_a_name_has_the_one_that_was_chosen_and_is_whole_in_spite_of_its_filling(
    desk: Desk,
) -> None:
    jpeg = picture("JPEG")
    assert desk.send("sx", desk.file("any.jpg", jpeg)) == 0
    ((name, content),) = desk.inbox().items()
    assert name == "still"
    assert content == jpeg + b"\x1a" * (-len(jpeg) % 128)
    acquisition = next(one for one in desk.source.acquisitions(threading.Event()) if one)
    assert (acquisition.name, acquisition.complaint) == ("still", "")


@pytest.mark.parametrize("desk", ["ymodem"], indirect=True)
def test_what_is_not_taken_is_told_to_the_device_and_in_status_until_a_file_is(desk: Desk) -> None:
    file = desk.file("a.png", picture("PNG"))
    desk.is_full = True
    assert desk.send("sb", file) != 0
    wait_until(desk.source.problems)
    assert desk.source.problems() == ["scope: a file of the device was not taken: no room"]
    assert desk.inbox() == {}
    assert "no room" in (desk.folder / "data" / "evidence" / "scope.log").read_text()
    desk.is_full = False
    assert desk.send("sb", file) == 0
    wait_until(lambda: not desk.source.problems())
    assert list(desk.inbox()) == ["a.png"]


@pytest.mark.parametrize("name", whole_files())
def test_filling_harms_no_picture_and_every_other_file_that_it_harms_is_told(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(whole_files()[name] + b"\x1a" * 1023)
    assert bool(complaint(file)) is name.endswith(".dcm")
