"""Events make the source look sooner; without them it looks all the same."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from folder_support import Desk, RealClock
from passerelle.sources.hastening import hastened
from support import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_new_file_in_a_new_sub_folder_wakes(tmp_path: Path) -> None:
    wake = threading.Event()
    with hastened(tmp_path, wake.set, source="export", recursive=True):
        (tmp_path / "new").mkdir()
        assert wake.wait(5)
        wake.clear()
        (tmp_path / "new/a").write_bytes(b"x")
        assert wake.wait(5)


def test_looking_at_a_file_does_not_wake(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    wake = threading.Event()
    with hastened(tmp_path, wake.set, source="export", recursive=True):
        path.read_bytes()
        list(tmp_path.iterdir())
        assert not wake.wait(0.3)


def test_listening_can_be_turned_off_and_on(tmp_path: Path) -> None:
    wake = threading.Event()
    with hastened(tmp_path, wake.set, source="export", recursive=True) as listen:
        listen(False)  # noqa: FBT003 - its only argument
        (tmp_path / "a").write_bytes(b"x")
        assert not wake.wait(0.3)
        listen(True)  # noqa: FBT003 - its only argument
        listen(True)  # noqa: FBT003 - its only argument
        (tmp_path / "b").write_bytes(b"x")
        assert wake.wait(5)


def test_writing_does_not_wake_but_its_end_does(tmp_path: Path) -> None:
    path = tmp_path / "a"
    wake = threading.Event()
    with path.open("wb") as file, hastened(tmp_path, wake.set, source="export", recursive=True):
        file.write(bytes(1 << 20))
        file.flush()
        assert not wake.wait(0.3)
        file.close()
        assert wake.wait(5)


def test_a_folder_that_cannot_be_watched_is_polled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        hastened(tmp_path / "none", threading.Event().set, source="export", recursive=True),
    ):
        pass
    assert "export: no file events" in caplog.text
    assert "the folder is polled" in caplog.text


def test_events_find_a_file_long_before_the_next_poll(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RealClock(), settle_s=0.1, poll_s=600.0)
    stop, found = threading.Event(), list[str]()

    def take() -> None:
        found.extend(one.name for one in desk.source.acquisitions(stop) if one)

    thread = threading.Thread(target=take)
    thread.start()
    # Dropped again and again: nothing tells when the observer is ready.
    wait_until(lambda: desk.drop("a", bytes(1)).exists() and found, every_s=0.5)
    stop.set()
    desk.source.wake()
    thread.join(5)
    assert not thread.is_alive(), "a stop is noticed although no file comes"
    assert set(found) == {"a"}


def test_without_events_polling_finds_everything(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RealClock(), settle_s=0.1, poll_s=0.2)
    desk.drop("a")
    acquisitions = desk.source.acquisitions(threading.Event())
    assert (first := next(acquisitions))
    assert first.name == "a"
    # Mounted anew: the observer still watches the folder that was there before.
    desk.folder.rename(tmp_path / "before")
    desk.drop("b")
    assert (second := next(acquisitions))
    assert second.name == "b"
