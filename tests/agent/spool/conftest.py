from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from passerelle.spool import Spool
from passerelle.spool.migrate import migrate
from spool_support import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "queue.db"
    migrate(path)
    return path


@pytest.fixture
def data_dir(tmp_path: Path, empty_ledger: Path) -> Path:
    """A data_dir whose ledger need not be made: that takes half a second."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(empty_ledger, folder / "queue.db")
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(data_dir: Path, clock: Clock) -> Iterator[Spool]:
    opened = Spool.open(data_dir, now=clock)
    yield opened
    opened.close()


@pytest.fixture
def small_disk(tmp_path: Path, empty_ledger: Path) -> Iterator[Path]:
    """A data_dir on a disk of 2 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("may not mount a disk")
    (disk / "data").mkdir()
    shutil.copy(empty_ledger, disk / "data" / "queue.db")
    yield disk / "data"
    subprocess.run(["umount", str(disk)], check=True)
