"""The installed agent fails at each call by which it makes something last, one after the other."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from faults.shim import Mode, Shim, built
from journey_support import Box, data_set_sha256
from passerelle.dimse.archive import Archive
from pictures_support import colours, encoded, greys
from support import need, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a preloaded library counts")

#: Two pictures that go their way, and one that waits for a person.
FILES: Final[dict[str, tuple[bytes, dict[str, object] | None]]] = {
    "a.png": (encoded(colours(), "PNG"), {"PatientID": "P1"}),
    "b.jpg": (encoded(colours(), "JPEG"), {"PatientID": "P2"}),
    "c.png": (encoded(greys(), "PNG"), None),
}
DESTINATION: Final = """
[[destinations]]
name = "pacs"
type = "dicom"
host = "127.0.0.1"
port = {port}
ae_title = "ARCHIVE"
connect_timeout_s = 3.0
answer_timeout_s = 5.0
commitment = {{ mode = "required", timeout_s = 2.0 }}
"""
_PATIENCE_S: Final = 60.0


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("cc")
    return built(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(folder=tmp_path / "archive", reporting="same")
    archive.start()
    yield archive
    archive.stop()


class Trial:
    """One box whose agent meets one fault."""

    def __init__(self, folder: Path, archive: Archive, library: Path) -> None:
        self.box = Box(folder / "box", DESTINATION.format(port=archive.port))
        self.box.data_dir.mkdir()
        self.shim = Shim(library, folder / "calls", self.box.data_dir, self.box.acquisitions)
        self._archive = archive
        for name, (content, sidecar) in FILES.items():
            self.box.drop(name, content, sidecar)

    def run(self, mode: Mode, at: int) -> bool:
        """Whether the agent came through without being started again."""
        self.box.start(self.shim.environment(mode, at))
        patience = time.monotonic() + (20 if mode in ("eio", "enospc") else _PATIENCE_S)
        ends = time.monotonic() + 3
        while self.box.is_running and time.monotonic() < patience and not self.is_done():
            if mode == "enospc" and self.shim.failed and time.monotonic() > ends:
                self.shim.end()
            time.sleep(0.05)
        if self.box.is_running and self.is_done():
            return True
        if self.box.is_running:
            self.box.kill()
        self.shim.end()
        self.box.start()
        wait_until(self.is_done, _PATIENCE_S, every_s=0.05)
        return False

    def is_done(self) -> bool:
        """Whether each file is where it belongs."""
        if any(path.suffix != ".json" for path in self.box.acquisitions.iterdir()):
            return False
        return self.states() == ["COMMITTED", "COMMITTED", "HELD"]

    def states(self) -> list[str]:
        queries = (
            "SELECT state FROM delivery WHERE state != 'DISCARDED'",
            "SELECT state FROM acquisition WHERE state IN ('HELD', 'QUARANTINED')",
        )
        ledger = f"file:{self.box.data_dir / 'queue.db'}?mode=ro"
        with suppress(sqlite3.Error), closing(sqlite3.connect(ledger, uri=True)) as connection:
            return sorted(row[0] for query in queries for row in connection.execute(query))
        return []

    def end(self) -> None:
        """Let nothing of it go on."""
        if self.box.is_running:
            self.box.kill()

    def check(self) -> None:
        """Nothing is lost, doubled or changed, and nothing is left over."""
        assert self.box.stop() == 0
        data = self.box.data_dir
        spooled = {path.stem: data_set_sha256(path) for path in data.glob("spool/*/*.dcm")}
        held = {path.stem: data_set_sha256(path) for path in self._archive.folder.glob("*.dcm")}
        assert spooled == held
        assert len(spooled) == 2
        assert not list((data / "spool").glob("**/tmp.*"))
        kept = [path for path in data.glob("held/**/*") if path.suffix == ".png"]
        assert [path.read_bytes() for path in kept] == [FILES["c.png"][0]]
        archived = {path.name: path.read_bytes() for path in data.glob("archive/export/*/*.*g")}
        assert archived == {name: FILES[name][0] for name in ("a.png", "b.jpg")}
        left = {path.name for path in self.box.acquisitions.iterdir()}
        assert left <= {"a.png.json", "b.jpg.json"}


def test_nothing_fails(tmp_path: Path, archive: Archive, library: Path) -> None:
    trial = Trial(tmp_path, archive, library)
    assert trial.run("count", 0)
    print(f"{trial.shim.calls} calls")
    trial.check()


@dataclass
class Tally:
    """What came of the points of one mode."""

    mode: Mode
    points: int = 0
    survived: int = 0  #: without being started again
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.mode}: {self.points} points, {self.survived} without a restart, "
            f"{len(self.broken)} with a loss"
        )


def _tried(trial: Trial, tally: Tally, point: int) -> bool:
    """Whether the agent came as far as this call at all."""
    try:
        tally.survived += trial.run(tally.mode, point)
        trial.check()
    except AssertionError as fault:
        tally.broken.append(f"{tally.mode} at {point}: {trial.states()}: {fault}")
        print(tally.broken[-1], flush=True)
        trial.end()
    tally.points += 1
    return trial.shim.failed > 0


def _trials(
    tmp_path: Path, archive: Archive, library: Path, mode: Mode, points: Iterable[int]
) -> Tally:
    tally = Tally(mode)
    for point in points:
        archive.forget()
        folder = tmp_path / f"{mode}-{point}"
        folder.mkdir()
        reached = _tried(Trial(folder, archive, library), tally, point)
        if not tally.broken:
            shutil.rmtree(folder)
        if not reached:
            break
    print(tally)
    return tally


MODES: Final[tuple[Mode, ...]] = ("kill", "tear", "eio", "enospc")


@pytest.mark.parametrize("mode", MODES)
def test_a_few_of_the_calls_fail(
    tmp_path: Path, archive: Archive, library: Path, mode: Mode
) -> None:
    seed = int(os.environ.get("PASSERELLE_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}: run again with PASSERELLE_SEED={seed}")
    points = random.Random(seed).sample(range(1, 250), 2)
    assert _trials(tmp_path, archive, library, mode, points).broken == []


@pytest.mark.campaign
@pytest.mark.parametrize("mode", MODES)
def test_each_of_the_calls_fails(
    tmp_path: Path, archive: Archive, library: Path, mode: Mode
) -> None:
    tally = _trials(tmp_path, archive, library, mode, range(1, 2000))
    assert tally.broken == []
    assert tally.points > 200
