"""A camera in a whole agent that is killed again and again: what it captured arrives once."""

from __future__ import annotations

import os
import random
import threading
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from journey_support import Box, dicom_destination, passerelle
from peers_support import Orthanc
from support import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

CAMERA = """
[[sources]]
name = "tower"
type = "grabber"
device = "test"
size = "320x240"
rate = 25
trigger = { type = "interval", every_s = 0.3 }
"""


@pytest.mark.parametrize(
    "kills", [3, pytest.param(60, marks=pytest.mark.campaign)], ids=lambda kills: f"{kills}-kills"
)
def test_a_camera_whose_agent_is_killed_again_and_again(tmp_path: Path, kills: int) -> None:
    seed = int(os.environ.get("PASSERELLE_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}: run again with PASSERELLE_SEED={seed}")
    chance = random.Random(seed)
    report_port = free_port()
    with Orthanc(tmp_path / "orthanc", report_port) as orthanc:
        destination = dicom_destination(
            orthanc.port, ae_title=orthanc.ae_title, report_port=report_port
        )
        box = Box(tmp_path / "box", destination + CAMERA)
        opened = passerelle("exam", "open", "--patient-id", "00042", "-c", box.config)
        assert opened.returncode == 0, opened.stderr
        box.start()
        for _ in range(kills):
            captured = len(stills(box))
            wait_until(lambda so_far=captured: len(stills(box)) > so_far, 30)  # type: ignore[misc]
            threading.Event().wait(chance.uniform(0.0, 1.0))
            box.kill()
            box.config.write_text(
                box.config.read_text().replace(
                    "every_s = 0.3", f"every_s = {chance.uniform(0.2, 0.5):.2f}"
                )
            )
            box.start()
        captured = len(stills(box))
        wait_until(lambda: len(stills(box)) > captured, 30)
        box.config.write_text(
            box.config.read_text().replace('device = "test"', 'device = "/dev/no"')
        )
        box.stop()
        box.start()
        try:
            taken = len(stills(box))
            wait_until(lambda: len(box.queue("--state", "COMMITTED")) >= taken, 120, every_s=0.5)
            rows = box.queue()
        finally:
            box.stop()
        assert {row["state"] for row in rows} == {"COMMITTED"}
        held = sorted(orthanc.sop_instance_uids())
        assert held == sorted({row["sop_instance_uid"] for row in rows})
        originals = {path.read_bytes() for path in box.data_dir.glob("archive/tower/*/*.jpg")}
        assert len(originals) >= kills
        for path in (box.data_dir / "spool").glob("*/*.dcm"):
            dataset = dcmread(path)
            assert dataset.PatientID == "00042"
            (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
            assert any(frame.startswith(original) for original in originals), "the camera's bytes"


def stills(box: Box) -> set[str]:
    """The names of all stills, wherever they are by now."""
    places = ("receiving/tower/still-*.jpg", "inbox/tower/*/*.jpg", "archive/tower/*/*.jpg")
    return {path.name for place in places for path in box.data_dir.glob(place)}
