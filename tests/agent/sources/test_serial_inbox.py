"""A file that came over a line is durable before the device hears so, and there once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crash_support import killed
from passerelle.errors import SpoolFull
from passerelle.sources.serial_inbox import SerialInbox
from passerelle_hw.serial.transfer import Busy, Refused
from serial_support import Box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Desk:
    """An inbox on a disk that may be full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "inbox" / "scope"
        self.staging = folder / "receiving" / "scope"
        self.is_full = False
        self.arrivals = 0
        self.inboxes: list[SerialInbox] = []
        self.inbox = self.restarted()

    def restarted(self) -> SerialInbox:
        self.inbox = SerialInbox(
            self.folder,
            self.staging,
            room=self._room,
            limit_bytes=1 << 20,
        )
        self.inbox.on_arrival = self._count
        self.inboxes.append(self.inbox)
        self.inbox.make()
        return self.inbox

    def receive(self, name: str, content: bytes, sidecar: bytes = b"{}") -> None:
        self.inbox.begin(name, len(content))
        self.inbox.content(content[:2])
        self.inbox.content(content[2:])
        self.inbox.finish(sidecar)

    def files(self) -> dict[str, bytes]:
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        return {path.name: path.read_bytes() for path in found}

    def _room(self) -> None:
        if self.is_full:
            msg = "spool: no room"
            raise SpoolFull(msg)

    def _count(self) -> None:
        self.arrivals += 1


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    for inbox in desk.inboxes:
        inbox.abandon()


def test_a_file_lies_in_a_folder_of_its_own_with_its_sidecar(desk: Desk) -> None:
    desk.receive("a.png", b"content", b'{"PatientID": "1"}')
    assert desk.files() == {"a.png": b"content", "a.png.json": b'{"PatientID": "1"}'}
    assert desk.arrivals == 1
    assert list(desk.staging.iterdir()) == []


def test_a_file_without_a_sidecar_has_none(desk: Desk) -> None:
    desk.receive("a.png", b"content", b"")
    assert desk.files() == {"a.png": b"content"}


def test_the_same_file_sent_again_is_there_once_before_and_after_a_restart(desk: Desk) -> None:
    desk.receive("a.png", b"content")
    desk.receive("a.png", b"content")
    desk.restarted()
    desk.receive("a.png", b"content")
    assert len(list(desk.folder.iterdir())) == 1
    (kept,) = desk.folder.iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["a.png", "a.png.json"]


def test_a_file_sent_again_after_it_was_taken_away_does_not_come_back(desk: Desk) -> None:
    desk.receive("a.png", b"content")
    (kept,) = desk.folder.iterdir()
    for path in kept.iterdir():
        path.unlink()
    kept.rmdir()
    desk.receive("a.png", b"content")
    assert desk.files() == {}


@pytest.mark.parametrize(
    "other",
    [("b.png", b"content", b"{}"), ("a.png", b"Content", b"{}"), ("a.png", b"content", b"{ }")],
    ids=["name", "content", "sidecar"],
)
def test_a_file_that_differs_in_anything_is_another_one(
    desk: Desk, other: tuple[str, bytes, bytes]
) -> None:
    desk.receive("a.png", b"content")
    desk.receive(*other)
    assert len(list(desk.folder.iterdir())) == 2


def test_what_was_not_finished_is_gone_after_a_restart(desk: Desk) -> None:
    desk.inbox.begin("a.png", 0)
    desk.inbox.content(b"half")
    desk.restarted()
    assert list(desk.folder.iterdir()) == list(desk.staging.iterdir()) == []


def test_what_a_crash_left_of_a_release_goes_and_what_waits_stays(desk: Desk) -> None:
    desk.receive("a.png", b"content")
    desk.receive("b.png", b"content")
    next(desk.folder.rglob("a.png")).unlink()
    (desk.folder / "emptied").mkdir()
    gone: list[str] = []

    def let_go(path: Path) -> None:
        gone.append(path.name)
        path.unlink()

    desk.inbox.tidy(let_go)
    assert gone == ["a.png.json"]
    assert desk.files().keys() == {"b.png", "b.png.json"}
    assert len(list(desk.folder.iterdir())) == 1


def test_what_is_given_up_leaves_nothing(desk: Desk) -> None:
    desk.inbox.begin("a.png", 0)
    desk.inbox.content(b"half")
    desk.inbox.abandon()
    assert list(desk.staging.iterdir()) == []
    desk.receive("b.png", b"content")
    assert "a.png" not in desk.files()


def test_without_room_nothing_is_begun_and_the_device_is_to_try_again(desk: Desk) -> None:
    desk.is_full = True
    with pytest.raises(Busy):
        desk.inbox.begin("a.png", 1)
    desk.is_full = False
    desk.receive("a.png", b"content")
    assert "a.png" in desk.files()


def test_a_disk_that_fails_is_no_reason_to_lose_a_file(desk: Desk) -> None:
    desk.inbox.begin("a.png", 0)
    desk.inbox.content(b"content")
    desk.folder.rmdir()
    with pytest.raises(Busy):
        desk.inbox.finish(b"{}")
    desk.inbox.abandon()
    desk.restarted()
    desk.receive("a.png", b"content")
    assert desk.files()["a.png"] == b"content"


def test_a_file_that_is_too_large_is_refused_at_once_or_when_it_becomes_so(desk: Desk) -> None:
    with pytest.raises(Refused, match="larger than 1 MiB"):
        desk.inbox.begin("a.png", (1 << 20) + 1)
    desk.inbox.begin("a.png", 0)
    desk.inbox.content(bytes(1 << 20))
    with pytest.raises(Refused, match="larger than 1 MiB"):
        desk.inbox.content(b"x")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../a.png", "characters"),
        ("a\\b.png", "characters"),
        ("a\nb.png", "characters"),
        ("C:a.png", "characters"),
        ("..", "hidden"),
        (".a.png", "hidden"),
        ("a.tmp", "temporary"),
        ("Thumbs.db", "temporary"),
        ("a.png ", "temporary"),
        ("a.JSON", "sidecar"),
        ("é" * 101, "200 bytes"),
    ],
)
def test_a_name_under_which_the_file_would_not_be_found_is_refused(
    desk: Desk, name: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        desk.inbox.begin(name, 1)
    assert list(desk.staging.iterdir()) == []


def test_a_file_its_sidecar_and_their_names_are_synchronised_before_it_is_finished(
    desk: Desk,
) -> None:
    desk.inbox.begin("a.png", 0)
    desk.inbox.content(b"content")
    called: list[str] = []

    def profile(_frame: FrameType, event: str, function: object) -> None:
        name = getattr(function, "__name__", "")
        if event == "c_call" and name in ("fsync", "rename", "replace"):
            called.append(name)

    sys.setprofile(profile)
    try:
        desk.inbox.finish(b"{}")
    finally:
        sys.setprofile(None)
    # The picture, the sidecar, the folder they are in; then the name of that.
    assert called == ["fsync", "fsync", "rename", "fsync", "replace", "fsync"]


@pytest.mark.skipif(sys.platform == "win32", reason="kills a fork of itself")
def test_killed_before_any_step_what_was_acknowledged_is_whole_and_sent_again_is_there_once(
    tmp_path: Path,
) -> None:
    content, sidecar = bytes(range(200)), b'{"PatientID": "1"}'
    for step in range(1000):
        folder = tmp_path / f"killed-{step}"
        folder.mkdir()

        def run(folder: Path = folder) -> None:
            Box(Desk(folder).inbox).sender().send("a.png", content, sidecar)
            (folder / "acknowledged").mkdir(exist_ok=True)

        was_killed = killed(step, run)
        desk = Desk(folder)
        desk.inbox.tidy(Path.unlink)
        whole = {"a.png": content, "a.png.json": sidecar}
        assert desk.files() in ({}, whole), f"death before step {step}"
        if (folder / "acknowledged").exists():
            assert desk.files() == whole
        run()
        assert desk.files() == whole
        assert len(list(desk.folder.iterdir())) == 1
        if not was_killed:
            assert step > 15
            return
    pytest.fail("it never ends")
