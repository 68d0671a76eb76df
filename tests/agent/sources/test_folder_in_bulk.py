"""Thousands of files at once, in sub-folders that did not exist before: none is missed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from folder_support import Desk, RealClock

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
