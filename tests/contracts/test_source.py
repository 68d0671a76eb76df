"""What every source promises, run against each of them."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from folder_support import Desk, Memory, RealClock, picture
from passerelle.children.child import DEVICE, Child
from passerelle.errors import SourceError
from passerelle.sources.grabber import Grabber
from passerelle.sources.inbox import Inbox, digest_of
from passerelle.sources.received import ReceivedSource
from passerelle.sources.serial import SerialSource
from passerelle_hw.serial.line import LineSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from passerelle.interfaces import Source
    from passerelle.model import Acquisition


class Bench:
    """A source, how a device gives it something, and how the source is started again."""

    def __init__(
        self,
        source: Source,
        give: Callable[[str], Path],
        restart: Callable[[], Source],
    ) -> None:
        self.source, self.give, self.restart = source, give, restart
        self.stop = threading.Event()
        self.iterator: Iterator[Acquisition | None] | None = None

    def take(self) -> Acquisition:
        self.iterator = self.iterator or self.source.acquisitions(self.stop)
        return next(one for one in self.iterator if one)

    def start_again(self) -> None:
        self.end()
        self.source, self.iterator, self.stop = self.restart(), None, threading.Event()

    def end(self) -> None:
        self.stop.set()
        assert list(self.iterator or ()) == [], "nothing is offered after a stop"


class SerialDesk:
    """A serial source's inbox, filled as its receiver fills it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = Memory()
        self._given = 0
        self.source = self.restarted()

    def restarted(self) -> SerialSource:
        self.source = SerialSource(
            "scope",
            LineSettings(url="loop://"),
            self._folder,
            room=lambda: None,
            archive=lambda path: path.unlink(),
            memory=self._memory,
            limit_bytes=1 << 20,
        )
        return self.source

    def give(self, name: str) -> Path:
        inbox = self.source.inbox
        inbox.make()
        inbox.begin(name, 0)
        inbox.content(picture("PNG"))
        self._given += 1  # the same again would be the same acquisition
        inbox.finish(b'{"InstanceNumber": %d}' % self._given)
        (path,) = (self._folder / "inbox").rglob(name)
        return path


class CameraDesk:
    """A camera's source whose camera is not there: what it captured is put into its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = Memory()

    def restarted(self) -> ReceivedSource:
        inbox = Inbox(self._folder / "inbox", self._folder / "receiving", room=lambda: None)
        self.source = ReceivedSource(
            "tower",
            inbox,
            Grabber("tower", {}, inbox, Child(DEVICE)),
            archive=Path.unlink,
            memory=self._memory,
        )
        return self.source

    def give(self, name: str) -> Path:
        inbox = self.source.inbox
        inbox.make()
        content = picture("PNG", compress_level=len(list(inbox.folder.iterdir())) % 10)
        (inbox.staging / name).write_bytes(content)
        digest = digest_of(name, b"{}", hashlib.sha256(os.urandom(8)).digest())
        inbox.place(inbox.staging / name, name, digest, b"{}")
        inbox.on_arrival()
        return inbox.folder / digest / name


@pytest.fixture(params=["folder", "serial", "grabber"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    match request.param:
        case "folder":
            desk = Desk(tmp_path, RealClock(), settle_s=0.1, poll_s=0.2)
            bench = Bench(desk.source, lambda name: desk.drop(name, picture("PNG")), desk.restarted)
        case "serial":
            line = SerialDesk(tmp_path)
            bench = Bench(line.source, line.give, line.restarted)
        case "grabber":
            camera = CameraDesk(tmp_path)
            bench = Bench(camera.restarted(), camera.give, camera.restarted)
        case other:
            pytest.fail(other)
    yield bench
    bench.end()


def test_what_a_device_gave_is_offered_under_its_own_name(bench: Bench) -> None:
    path = bench.give("a.png")
    acquisition = bench.take()
    assert (acquisition.source, acquisition.name) == (bench.source.name, "a.png")
    assert acquisition.media.read_bytes() == path.read_bytes()


def test_what_was_not_let_go_of_is_offered_after_a_restart(bench: Bench) -> None:
    bench.give("a.png")
    first = bench.take()
    bench.start_again()
    assert bench.take() == first


def test_what_was_let_go_of_is_not_offered_after_a_restart(bench: Bench) -> None:
    bench.give("a.png")
    bench.source.release(bench.take(), kept=False)
    bench.start_again()
    bench.give("b.png")
    assert bench.take().name == "b.png"


def test_the_same_name_given_again_is_another_acquisition(bench: Bench) -> None:
    bench.give("a.png")
    first = bench.take()
    bench.source.release(first, kept=False)
    bench.give("a.png")
    assert bench.take().name == first.name


def test_an_original_that_is_no_longer_what_was_offered_stays(bench: Bench) -> None:
    bench.give("a.png")
    first = bench.take()
    with first.media.open("ab") as file:
        file.write(b"more")
    bench.source.release(first, kept=False)
    assert first.media.exists()
    assert bench.take().fingerprint != first.fingerprint


def test_what_was_given_back_is_offered_again(bench: Bench) -> None:
    bench.give("a.png")
    first = bench.take()
    bench.source.retry(first)
    assert bench.take() == first


def test_a_stop_ends_the_iteration(bench: Bench) -> None:
    bench.give("a.png")
    bench.give("b.png")
    bench.take()
    bench.stop.set()
    assert bench.iterator
    assert list(bench.iterator) == []


def test_a_wait_ends_with_nothing_when_it_is_woken(bench: Bench) -> None:
    iterator = bench.iterator = bench.source.acquisitions(bench.stop)
    threading.Timer(0.2, bench.source.wake).start()
    assert next(iterator) is None
    bench.give("a.png")
    assert bench.take().name == "a.png"


def test_a_stop_and_a_wake_end_a_wait(bench: Bench) -> None:
    iterator = bench.iterator = bench.source.acquisitions(bench.stop)

    def stop() -> None:
        bench.stop.set()
        bench.source.wake()

    threading.Timer(0.2, stop).start()
    assert list(iterator) == []


def test_a_source_that_is_gone_says_so_and_can_be_asked_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RealClock(), settle_s=0.1, poll_s=0.2)
    desk.folder.rmdir()
    for _ in range(2):
        with pytest.raises(SourceError, match=r"^export: "):
            next(desk.source.acquisitions(threading.Event()))
    desk.drop("a.png", picture("PNG"))
    found = next(desk.source.acquisitions(threading.Event()))
    assert found
    assert found.name == "a.png"
