"""Thousands of files at once, in sub-folders that did not exist before: none is missed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from folder_support import Desk, RealClock
from support import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def drop_many(folder: Path, count: int) -> None:
    for number in range(count):
        below = folder / f"study{number % 37}" / f"series{number % 11}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number}.x").write_bytes(b"x")


def take_all(desk: Desk, count: int) -> float:
    """Take `count` files from a source that runs for real while they are dropped."""
    stop, names = threading.Event(), set[str]()
    writer = threading.Thread(target=drop_many, args=(desk.folder, count))
    writer.start()
    began = time.process_time()
    for acquisition in desk.source.acquisitions(stop):
        assert acquisition
        desk.source.release(acquisition, kept=False)
        names.add(acquisition.name)
        if len(names) == count:
            stop.set()
    writer.join()
    assert desk.source.pending == 0
    return time.process_time() - began


def real(tmp_path: Path) -> Desk:
    return Desk(tmp_path, RealClock(), after="delete", settle_s=0.3, poll_s=1.0)


def test_thousands_of_files_in_new_sub_folders_are_all_found(tmp_path: Path) -> None:
    assert take_all(real(tmp_path), 5000) < 30


@pytest.mark.campaign
def test_twenty_thousand_files_in_new_sub_folders_are_all_found(tmp_path: Path) -> None:
    assert take_all(real(tmp_path), 20_000) < 120


def test_a_burst_needs_no_events_and_what_comes_after_it_is_told_by_them(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RealClock(), after="delete", settle_s=0.1, poll_s=600.0)
    stop, names = threading.Event(), list[str]()

    def take() -> None:
        for acquisition in desk.source.acquisitions(stop):
            if acquisition:
                desk.source.release(acquisition, kept=False)
                names.append(acquisition.name)

    thread = threading.Thread(target=take)
    thread.start()
    drop_many(desk.folder, 1500)
    desk.drop("last.x")
    wait_until(lambda: len(names) >= 1501, timeout_s=20)
    released = time.monotonic()
    wait_until(lambda: time.monotonic() > released + 1)  # for so long it looks without events
    wait_until(lambda: desk.drop("late.x", bytes(1)).exists() and "late.x" in names, every_s=0.5)
    stop.set()
    desk.source.wake()
    thread.join(5)
    assert not thread.is_alive()
