"""Many small files at once: found and hashed by the folder source, and by a bare walk."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.measure import OURS, Bench, Dose, Figure
from folder_support import Memory
from passerelle.sources.folder import FolderSource
from passerelle.wrapping import read_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.measure import Contender, Plan, Values

_WALK = "os.walk and SHA-256"
_PATIENCE_S = 300.0
_WATCHING_S = 0.3  # after which the source has begun to watch


@contextmanager
def _contenders(folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    count = plan.dose.of(20_000, 4_000, 20)
    settle_s = 0.2 if plan.dose is Dose.TINY else 2.0
    files = list(_pictures(count))
    numbers = iter(range(1000))
    dropped = folder / "0"

    def ours() -> Values:
        nonlocal dropped
        dropped = folder / str(next(numbers))
        dropped.mkdir()
        return {"s": _found_and_hashed(dropped, files, settle_s)}

    def walked() -> Values:
        if not dropped.exists():
            ours()
        began, seen = time.perf_counter(), 0
        for parent, _, names in os.walk(dropped):
            for name in names:
                with Path(parent, name).open("rb") as file:
                    hashlib.file_digest(file, "sha256")
                seen += 1
        assert seen == count
        return {"s": time.perf_counter() - began}

    yield {OURS: ours, _WALK: walked}


def _found_and_hashed(folder: Path, files: list[bytes], settle_s: float) -> float:
    """Seconds from the last close to the last hash, without the time to settle."""
    source = FolderSource(
        "export",
        folder,
        archive=lambda _: None,
        memory=Memory(),
        settle_s=settle_s,
        sidecar_wait_s=0.0,
    )
    stop, closed_at = threading.Event(), [0.0]

    def drop() -> None:
        for number, content in enumerate(files):
            (folder / f"{number:06}.png").write_bytes(content)
        closed_at[0] = time.perf_counter()

    writer = threading.Thread(target=drop)
    watchdog = threading.Timer(_PATIENCE_S, stop.set)
    watchdog.daemon = True
    watchdog.start()
    found, last = set(), 0.0
    threading.Timer(_WATCHING_S, writer.start).start()
    for acquisition in source.acquisitions(stop):
        assert acquisition is not None  # nobody wakes it
        read_once(acquisition.media, acquisition.fingerprint)
        last = time.perf_counter()
        found.add(acquisition.name)
        if len(found) == len(files):
            stop.set()
    watchdog.cancel()
    writer.join()
    assert len(found) == len(files), f"{len(found)} of {len(files)} files were found"
    return last - closed_at[0] - settle_s


def _pictures(count: int) -> Iterator[bytes]:
    chance = np.random.default_rng(5)
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(chance.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(file, "PNG")
        yield file.getvalue()


BENCHES = (
    Bench(
        name="burst.20000",
        figures=(
            Figure(
                name="last close to last hash, settle time apart",
                metric="s",
                unit="s",
                against=_WALK,
                aim=2,
                more_is_better=False,
            ),
        ),
        contenders=_contenders,
    ),
)
