"""The power goes at any write to the disk; whatever of the unflushed ones the disk had kept."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from faults.crash_trial import (
    PATIENCE_S,
    WatchedArchive,
    check,
    drop_all,
    is_done,
    new_box,
    started,
    states,
)
from faults.recording_disk import Step, crash_image, steps, unflushed
from support import need, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DISK_BYTES: Final = 24 << 20


def _disk_tools() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a power cut needs Linux and the right to mount")
    need("mkfs.ext4", "losetup", "fusermount3")
    for device in (Path("/dev/fuse"), Path("/dev/loop-control")):
        if not device.exists():
            pytest.skip(f"NO POWER CUT WAS TRIED: there is no {device} here")


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """The image's ext4, replayed and mounted on a loop device."""
    folder.mkdir(exist_ok=True)
    losetup = ["losetup", "--find", "--show", str(image)]
    device = subprocess.run(losetup, check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(["mount", device, str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


@contextmanager
def recorded(image: Path, log: Path, folder: Path) -> Iterator[Path]:
    """The image as the one file of a FUSE mount that notes what is done to it."""
    folder.mkdir()
    command = [sys.executable, "-m", "faults.recording_disk", str(image), str(log), str(folder)]
    path = os.pathsep.join((str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")))
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as process:
        try:
            wait_until((folder / "disk").exists)
            yield folder / "disk"
        finally:
            subprocess.run(["fusermount3", "-u", str(folder)], check=True)
            process.wait(10)


class Recording:
    """One undisturbed run of the workload, on a disk that remembers."""

    def __init__(self, folder: Path, archive: WatchedArchive) -> None:
        self.base = folder / "base.img"
        self._archive = archive
        self._folder = folder
        with self.base.open("wb") as disk:
            disk.truncate(_DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^metadata_csum_seed", self.base], check=True)
        with mounted(self.base, folder / "before") as before:
            drop_all(new_box(before / "box", archive))
        image, log = folder / "disk.img", folder / "log"
        shutil.copyfile(self.base, image)
        with recorded(image, log, folder / "fuse") as file, mounted(file, folder / "now") as now:
            box = new_box(now / "box", archive)
            started(box)
            wait_until(lambda: is_done(box), PATIENCE_S, every_s=0.1)
            assert box.stop() == 0
            check(box, archive)
        self.steps: list[Step] = list(steps(log))
        self.objects = folder / "objects"
        shutil.copytree(archive.folder, self.objects)
        self.taken = list(archive.taken)

    def cut(self, point: int, kept: Sequence[bool]) -> None:
        """Cut the power before this step, start again, and check what came of it."""
        done = self.steps[:point]
        had = self._archive_as_of(done[-1].at_s if done else 0.0)
        image = self._folder / "cut.img"
        crash_image(self.base, image, done, kept)
        with mounted(image, self._folder / "cut") as after:
            box = new_box(after / "box", self._archive)
            started(box)
            try:
                wait_until(lambda: is_done(box), PATIENCE_S, every_s=0.05)
                assert box.stop() == 0
                check(box, self._archive)
            except AssertionError:
                print(f"states {states(box)}; {box.log.read_text()[-2000:]}")
                raise
            finally:
                if box.is_running:
                    box.kill()
        again = [uid for _, uid in self._archive.taken]
        assert len(again) == len(set(again)), "sent twice"
        assert not had & set(again), "sent although the archive had it"

    def _archive_as_of(self, at_s: float) -> set[str]:
        """Let the archive have what it had answered for by then."""
        had = {uid for when, uid in self.taken if when <= at_s}
        self._archive.stop()
        self._archive.forget()
        self._archive.taken.clear()
        for uid in had:
            shutil.copy(self.objects / f"{uid}.dcm", self._archive.folder)
        self._archive.start()
        return had


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    _disk_tools()
    folder = tmp_path_factory.mktemp("power")
    archive = WatchedArchive(folder / "archive")
    archive.start()
    try:
        yield Recording(folder, archive)
    finally:
        archive.stop()


def _cuts(
    recording: Recording, chance: random.Random, points: int
) -> Iterator[tuple[int, list[bool]]]:
    """Points, each with none, all and some of the writes after its last flush."""
    for point in sorted(chance.sample(range(1, len(recording.steps) + 1), points)):
        loose = unflushed(recording.steps[:point])
        yield point, [False] * loose
        if loose:
            yield point, [True] * loose
        if loose > 1:
            yield point, [chance.random() < chance.random() for _ in range(loose)]


@pytest.mark.parametrize(
    "points", [2, pytest.param(150, marks=pytest.mark.campaign)], ids=lambda n: f"{n}-points"
)
def test_a_power_cut_loses_and_doubles_nothing(recording: Recording, points: int) -> None:
    seed = int(os.environ.get("PASSERELLE_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}: run again with PASSERELLE_SEED={seed}")
    images = 0
    for point, kept in _cuts(recording, random.Random(seed), points):
        try:
            recording.cut(point, kept)
        except AssertionError:
            print(f"power cut at {point} of {len(recording.steps)}, kept {kept}")
            raise
        images += 1
    print(f"{images} power cuts at {points} of {len(recording.steps)} points; lost 0, doubled 0")
