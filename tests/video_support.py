"""Clips and films made for a test, by ffmpeg and by hand."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np

from pictures_support import colours, encoded
from support import peer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from passerelle.model import Value

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p")
#: What every clip needs: a time for its frames.
TIMED: Mapping[str, Value] = {"PatientID": "00042", "FrameTime": 40}


def film(path: Path, *options: str, size: str = "160x120", count: int = 12, rate: int = 25) -> Path:
    """A film that ffmpeg makes."""
    run_ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}", "-frames:v", str(count), *options, path
    )
    return path


def run_ffmpeg(*command: str | Path) -> None:
    subprocess.run([peer("ffmpeg"), "-v", "error", "-y", *command], check=True, capture_output=True)


def stream_hash(path: Path) -> str:
    """Of the coded pictures in a film, whatever is around them."""
    command = [peer("ffmpeg"), "-v", "error", "-i", str(path), "-c", "copy", "-f", "hash", "-"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return str(run.stdout)


def frames_as_jpegs(count: int, **options: Any) -> list[bytes]:  # noqa: ANN401 - Pillow's own
    """Baseline JPEGs, no two alike."""
    return [
        encoded(np.roll(colours(), 5 * number, axis=1), "JPEG", **options)
        for number in range(count)
    ]


def without_tables(data: bytes) -> bytes:
    """A JPEG as cameras deliver it: its Huffman tables left out."""
    kept, position = data[:2], 2
    while data[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] != 0xC4:
            kept += data[position:end]
        position = end
    return kept + data[position:]
