from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import AlreadyRunning
from passerelle.spool.lock import Lock

if TYPE_CHECKING:
    from pathlib import Path

TAKE = """
import os, sys, pathlib
from passerelle.errors import AlreadyRunning
from passerelle.spool.lock import Lock
try:
    lock = Lock(pathlib.Path(sys.argv[1]))
except AlreadyRunning:
    sys.exit(3)
lock.opened()
os._exit(86)
"""


def _other_process(path: Path) -> int:
    return subprocess.run([sys.executable, "-c", TAKE, str(path)], check=False).returncode


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    assert _other_process(tmp_path / "lock") == 3
    lock.release()
    assert _other_process(tmp_path / "lock") == 86


def test_a_second_opening_in_this_process_is_refused(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with pytest.raises(AlreadyRunning, match="another agent runs"):
        Lock(tmp_path / "lock")
    lock.release()


def test_a_killed_holder_leaves_no_lock_but_a_mark(tmp_path: Path) -> None:
    assert _other_process(tmp_path / "lock") == 86
    lock = Lock(tmp_path / "lock")
    assert lock.was_killed
    lock.closing()
    lock.release()
    lock.release()
    after = Lock(tmp_path / "lock")
    assert not after.was_killed
    after.release()
