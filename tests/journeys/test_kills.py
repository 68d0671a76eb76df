"""The agent's whole process group is killed at random moments; nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import threading
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread

from journey_support import Box, data_set_sha256, dicom_destination
from mixed_files import mixed_files
from peers_support import Orthanc
from support import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "kills", [30, pytest.param(300, marks=pytest.mark.campaign)], ids=lambda kills: f"{kills}-kills"
)
def test_killed_again_and_again_while_files_are_dropped(tmp_path: Path, kills: int) -> None:
    seed = int(os.environ.get("PASSERELLE_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}: run again with PASSERELLE_SEED={seed}")
    chance = random.Random(seed)
    report_port = free_port()
    with Orthanc(tmp_path / "orthanc", report_port) as orthanc:
        destination = dicom_destination(
            orthanc.port, ae_title=orthanc.ae_title, report_port=report_port
        )
        box = Box(tmp_path / "box", destination)
        files = mixed_files(kills * 2, seed=seed)
        dropped = 0
        for _ in range(kills):
            box.start()
            for _ in range(2):
                file = next(files)
                box.drop(file.name, file.content, {"PatientID": f"P{dropped}"})
                dropped += 1
            threading.Event().wait(chance.uniform(0.0, 3.0))
            box.kill()
        box.start()
        try:
            box.wait_for("COMMITTED", dropped, timeout_s=300)
            wait_until(lambda: not pictures_left(box), timeout_s=30)
            rows = box.queue()
        finally:
            box.stop()
        archived = {path.name for path in box.data_dir.glob("archive/export/*/*")}
        # A kill between a picture's going and its sidecar's leaves the sidecar, and no more.
        assert {path.name.removesuffix(".json") for path in box.acquisitions.iterdir()} <= archived
        assert len(rows) == len({row["sop_instance_uid"] for row in rows}) == dropped
        held = orthanc.sop_instance_uids()
        assert sorted(held) == sorted(row["sop_instance_uid"] for row in rows)
        assert received_bytes(orthanc) == spooled_bytes(box)


def pictures_left(box: Box) -> list[str]:
    return [path.name for path in box.acquisitions.iterdir() if path.suffix != ".json"]


def spooled_bytes(box: Box) -> dict[str, str]:
    return {path.stem: data_set_sha256(path) for path in (box.data_dir / "spool").glob("*/*.dcm")}


def received_bytes(orthanc: Orthanc) -> dict[str, str]:
    """The hash of every object that Orthanc has on its disk, by SOP Instance UID."""
    found = {}
    for path in (orthanc.folder / "db").glob("??/??/*"):
        if path.read_bytes()[128:132] == b"DICM":
            uid = str(dcmread(path, stop_before_pixels=True).SOPInstanceUID)
            found[uid] = data_set_sha256(path)
    return found
