from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import AlreadyRunning, SpoolFull
from passerelle.spool import Spool
from spool_support import WHO, admit, made, origin, original, states

if TYPE_CHECKING:
    from pathlib import Path


def test_one_process_opens_a_data_dir(spool: Spool, data_dir: Path) -> None:
    assert spool.findings == []
    with pytest.raises(AlreadyRunning):
        Spool.open(data_dir)


def test_a_data_dir_is_for_this_user_only(spool: Spool, data_dir: Path) -> None:
    assert spool.staging.is_dir()
    folders = [path for path in data_dir.rglob("*") if path.is_dir()]
    assert {path.name for path in folders} >= {"spool", "tmp", "held", "quarantine", "archive"}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_it_may_be_opened_again_once_closed(spool: Spool, data_dir: Path) -> None:
    admit(spool)
    spool.close()
    spool.close()
    with Spool.open(data_dir) as again:
        assert len(states(again)) == 1


def test_room_is_what_the_disk_has(spool: Spool) -> None:
    spool.room("0%")
    with pytest.raises(SpoolFull):
        spool.room(str(2**60))


def _fill(folder: Path, leave: int) -> Path:
    ballast = folder / "ballast"
    free = shutil.disk_usage(folder).free
    ballast.write_bytes(bytes(max(0, free - leave)))
    return ballast


@pytest.mark.parametrize("leave", [0, 4096, 8192, 16384, 32768])
def test_a_full_disk_takes_nothing_and_loses_nothing(small_disk: Path, leave: int) -> None:
    with Spool.open(small_disk) as spool:
        admit(spool, "a.png")
        produced = [made(spool, origin("b.png"), number) for number in range(9)]
        ballast = _fill(small_disk.parent, leave)
        files = sorted(small_disk.glob("spool/??/*"))
        try:
            spool.admit(origin("b.png"), WHO, produced, ["pacs"])
        except SpoolFull:
            assert spool.known(origin("b.png")) is None
            assert sorted(small_disk.glob("spool/??/*")) == files
            assert list(spool.staging.iterdir()) == []
        else:
            assert leave > 4096
        ballast.unlink()
        if spool.known(origin("b.png")) is None:
            admit(spool, "b.png", count=9)
        assert len(states(spool)) == 10
    with Spool.open(small_disk) as again:
        assert (again.findings, len(states(again))) == ([], 10)


def test_an_original_that_does_not_fit_stays_where_it_is(small_disk: Path, tmp_path: Path) -> None:
    of, media, sidecar = original(tmp_path / "device")
    media.write_bytes(os.urandom(4 << 20))
    with Spool.open(small_disk) as spool:
        with pytest.raises(SpoolFull):
            spool.hold(of, media, sidecar, reason="no patient")
        assert (spool.known(of), list(spool.staging.iterdir())) == (None, [])
        assert list(small_disk.glob("held/*")) == []
    assert media.exists()


def test_a_ledger_that_cannot_be_made_is_told(small_disk: Path) -> None:
    (small_disk / "queue.db").unlink()
    ballast = _fill(small_disk.parent, 8192)
    with pytest.raises(SpoolFull):
        Spool.open(small_disk)
    ballast.unlink()
    with Spool.open(small_disk) as spool:
        assert spool.findings == []


def test_importing_the_spool_is_light() -> None:
    program = "import sys, passerelle.spool; print(len(sys.modules), 'numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[1] == "False"
