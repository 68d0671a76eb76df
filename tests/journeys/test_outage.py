"""The archive is down, killed and started again; what was acquired meanwhile arrives once."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from journey_support import Box, dicom_destination
from mixed_files import mixed_files
from peers_support import Orthanc
from support import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 44


@pytest.mark.parametrize("down_s", [10, pytest.param(60, marks=pytest.mark.campaign)])
def test_an_archive_that_is_down_then_killed_twice_gets_everything_once(
    tmp_path: Path, down_s: float
) -> None:
    report_port = free_port()
    orthanc = Orthanc(tmp_path / "orthanc", report_port)
    destination = dicom_destination(
        orthanc.port, ae_title=orthanc.ae_title, report_port=report_port
    )
    box = Box(tmp_path / "box", destination)
    box.start()
    try:
        for number, file in enumerate(mixed_files(COUNT)):
            box.drop(file.name, file.content, {"PatientID": f"P{number}"})
        wait_until(lambda: len(box.queue()) == COUNT, timeout_s=60, every_s=0.5)
        threading.Event().wait(down_s)
        status = box.status()
        assert status["deliveries"]["STORED"] == status["deliveries"]["COMMITTED"] == 0
        assert status["destinations"][0]["state"] == "down"
        assert "connection refused" in status["destinations"][0]["reason"]
        for killed_at in (COUNT // 4, COUNT // 2):
            orthanc.start()
            wait_until(functools.partial(_has, orthanc, killed_at), timeout_s=120)
            orthanc.kill()
        orthanc.start()
        box.wait_for("COMMITTED", COUNT, timeout_s=180)
        counted = Counter(orthanc.sop_instance_uids())
        assert orthanc.count() == COUNT == len(counted)
        assert set(counted) == {row["sop_instance_uid"] for row in box.queue()}
    finally:
        box.stop()
        orthanc.kill()


def _has(orthanc: Orthanc, count: int) -> bool:
    return orthanc.count() >= count
