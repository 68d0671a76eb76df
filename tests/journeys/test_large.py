"""A raw multi-frame acquisition far larger than the memory that wraps and sends it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from journey_support import Box, data_set_sha256, dicom_destination, resident_bytes
from peers_support import Storescp

if TYPE_CHECKING:
    from pathlib import Path

ROWS = COLUMNS = 1024
FRAME_BYTES = ROWS * COLUMNS * 2
MEGABYTE = 1 << 20
LIMIT = 300 * MEGABYTE

PROFILE = f"""
summary = "12 bits of 16, as the simulated detector writes them"
[raw]
rows = {ROWS}
columns = {COLUMNS}
bits_allocated = 16
bits_stored = 12
frame_time_ms = 40.0
"""


@pytest.mark.parametrize(
    "frames", [64, pytest.param(1024, marks=pytest.mark.campaign)], ids=["128-MB", "2-GB"]
)
def test_memory_does_not_grow_with_the_acquisition(tmp_path: Path, frames: int) -> None:
    with Storescp(tmp_path / "archive", "+xa") as archive:
        destination = dicom_destination(archive.port, ae_title=archive.ae_title)
        destination = destination.replace('mode = "preferred"', 'mode = "off"')
        box = Box(tmp_path / "box", destination, source='profile = "detector"')
        (box.folder / "profiles").mkdir()
        (box.folder / "profiles" / "detector.toml").write_text(PROFILE)
        write_frames(box.acquisitions / "run.raw", frames)
        (box.acquisitions / "run.raw.json").write_text('{"PatientID": "00042"}')
        box.start()
        peak, done = 0, threading.Event()
        waiting = threading.Thread(target=wait, args=(box, done, frames))
        waiting.start()
        while not done.wait(0.05):
            peak = max(peak, resident_bytes(box.pid))
        waiting.join()
        rows = box.queue()
        box.stop()
        (received,) = archive.received()
    print(
        f"peak of all processes: {peak / MEGABYTE:.0f} MB for {frames * FRAME_BYTES / 1e6:.0f} MB"
    )
    assert [row["state"] for row in rows] == ["STORED"]
    assert data_set_sha256(received) == data_set_sha256(*(box.data_dir / "spool").glob("*/*.dcm"))
    assert 0 < peak < LIMIT


def wait(box: Box, done: threading.Event, frames: int) -> None:
    try:
        box.wait_for("STORED", 1, timeout_s=60 + frames)
    finally:
        done.set()


def write_frames(path: Path, frames: int) -> None:
    """Frames that no encoder can shrink to nothing: a slope and 4 bits of noise."""
    random = np.random.default_rng(1)
    slope = np.linspace(0, 4000, COLUMNS, dtype=np.uint16)[None, :]
    with path.open("wb") as file:
        for _ in range(frames):
            frame = slope + random.integers(0, 16, (ROWS, COLUMNS), dtype=np.uint16)
            file.write(frame.astype("<u2").tobytes())
