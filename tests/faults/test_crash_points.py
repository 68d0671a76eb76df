"""The installed agent fails at each call by which it makes something last, one after the other."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from faults.crash_trial import PATIENCE_S, check, drop_all, is_done, new_box, started, states
from faults.shim import Mode, Shim, built
from passerelle.dimse.archive import Archive
from support import need, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a preloaded library counts")


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
        self.box = new_box(folder / "box", archive)
        self.box.data_dir.mkdir()
        self.shim = Shim(library, folder / "calls", self.box.data_dir, self.box.acquisitions)
        self._archive = archive
        drop_all(self.box)

    def run(self, mode: Mode, at: int) -> bool:
        """Whether the agent came through without being started again."""
        self.box.start(self.shim.environment(mode, at))
        patience = time.monotonic() + (20 if mode in ("eio", "enospc") else PATIENCE_S)
        ends = time.monotonic() + 3
        while self.box.is_running and time.monotonic() < patience and not is_done(self.box):
            if mode == "enospc" and self.shim.failed and time.monotonic() > ends:
                self.shim.end()
            time.sleep(0.05)
        if self.box.is_running and is_done(self.box):
            return True
        if self.box.is_running:
            self.box.kill()
        self._restart()
        wait_until(lambda: is_done(self.box), PATIENCE_S, every_s=0.05)
        return False

    def _restart(self) -> None:
        self.shim.end()
        started(self.box)

    def end(self) -> None:
        """Let nothing of it go on."""
        if self.box.is_running:
            self.box.kill()

    def check(self) -> None:
        """See `crash_trial.check`."""
        if self.box.stop() != 0 and self.shim.failed:  # it met its fault while it stopped
            self._restart()
            assert self.box.stop() == 0
        check(self.box, self._archive)


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
        tally.broken.append(f"{tally.mode} at {point}: {states(trial.box)}: {fault}")
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
