"""A device that sends by YMODEM, the agent killed in the midst: each picture is stored once."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

import numpy as np
from pydicom import dcmread

from journey_support import Box
from pictures_support import encoded
from serial_support import PtyPair
from support import peer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
[[sources]]
name = "scope"
type = "serial"
protocol = "ymodem"
port = "{port}"
profile = "still"
"""
IMPORT = """
[[destinations]]
name = "import"
type = "folder"
path = "import"
"""
PROFILE = r"filename = '(?P<PatientID>\d+)_\d+\.png'"
SIDE = 900


def still(number: int) -> bytes:
    noise = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE), np.uint8)
    return encoded(noise, "PNG")


def test_pictures_sent_by_ymodem_are_stored_once_though_the_agent_is_killed(tmp_path: Path) -> None:
    sb, pair, folder = peer("sb"), PtyPair(), tmp_path / "box"
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles" / "still.toml").write_text(PROFILE, "utf-8")
    (folder / "import").mkdir()
    box = Box(folder, IMPORT, more=SOURCE.format(port=pair.name))
    files = [tmp_path / f"{number}_1.png" for number in (11, 12)]
    for number, file in enumerate(files):
        file.write_bytes(still(number))
    tries: list[int] = []

    def deliver() -> None:
        """Send everything again until the box has said that it has everything."""
        while len(tries) < 20 and 0 not in tries:
            with subprocess.Popen(
                [sb, "-q", *files], stdin=pair.device, stdout=pair.device, stderr=subprocess.DEVNULL
            ) as sender:
                tries.append(sender.wait())

    def is_in_the_second() -> bool:
        """Whether one picture has come, and the box is in the midst of the other one."""
        media = box.data_dir / "receiving" / "scope" / "media"
        come = [*(box.data_dir / "inbox").glob("*/*/*"), *(folder / "import").rglob("*.dcm")]
        return bool(come) and media.exists() and media.stat().st_size > 1 << 18

    box.start()
    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        wait_until(is_in_the_second, timeout_s=30, every_s=0.001)
        box.kill()
        box.start()
        thread.join(60)
        assert tries[-1] == 0
        assert len(tries) > 1, "it was told that it has to begin again"
        wait_until(
            lambda: len(list((folder / "import").rglob("*.dcm"))) == len(files), timeout_s=30
        )
        rows = box.queue()
    finally:
        box.stop()
        pair.unplug()
    assert sorted(row["original"] for row in rows) == [file.name for file in files]
    stored = [dcmread(path) for path in sorted((folder / "import").rglob("*.dcm"))]
    assert sorted(one.PatientID for one in stored) == ["11", "12"]
    for one in stored:
        number = int(one.PatientID) - 11
        expected = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE), np.uint8)
        assert np.array_equal(one.pixel_array, expected)
