"""A device on a bad serial line, the agent killed in the midst: each picture is proven once."""

from __future__ import annotations

import functools
import json
import threading
from typing import TYPE_CHECKING

from pydicom import dcmread

from journey_support import Box, dicom_destination
from passerelle_hw.serial.simulated import Faults, Pty, SimulatedSerialDevice
from peers_support import embedded_archive
from support import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = 6
SOURCE = """
[[sources]]
name = "scope"
type = "serial"
port = "{port}"
profile = "endoscopy-still"
"""


def test_pictures_over_a_bad_line_are_proven_once_though_the_agent_is_killed(
    tmp_path: Path,
) -> None:
    report_port, store, pty = free_port(), tmp_path / "store", Pty(tmp_path / "port")
    store.mkdir()
    faults = Faults(noise=0.03, cut=0.02, garbage=0.03, lost_answers=0.03)
    device = SimulatedSerialDevice(
        pty, 3, faults=faults, unplug_every=4, answer_s=0.2, durable_s=2.0, tries=600
    )
    delivered: list[str] = []

    def deliver() -> None:
        delivered.extend(name for name, _ in device.acquire(PICTURES))

    with (
        embedded_archive(store, report_to=f"127.0.0.1:{report_port}") as archive,
        device.plugged(),
    ):
        destination = dicom_destination(
            archive["port"], ae_title=archive["ae_title"], report_port=report_port
        )
        box = Box(tmp_path / "box", destination, more=SOURCE.format(port=pty.link))
        thread = threading.Thread(target=deliver)
        thread.start()
        for wanted in (1, 3):
            box.start()
            wait_until(functools.partial(has, delivered, wanted), timeout_s=60)
            box.kill()  # the device is sending the next one
        box.start()
        try:
            thread.join(120)
            assert len(delivered) == PICTURES
            box.wait_for("COMMITTED", PICTURES)
            rows = box.queue()
            wait_until(lambda: not files_below(box.data_dir / "inbox"))
            problems = box.status()["problems"]
        finally:
            box.stop()
    pictures = [device.picture(number) for number in range(1, PICTURES + 1)]
    assert device.faults > 0
    assert not [problem for problem in problems if problem.startswith("scope")]
    assert sorted(row["original"] for row in rows) == sorted(delivered)
    assert len({row["sop_instance_uid"] for row in rows}) == PICTURES
    said = {json.loads(sidecar)["AccessionNumber"] for _, _, sidecar in pictures}
    assert sorted(accession(path) for path in store.glob("*.dcm")) == sorted(said)
    archived = {path.name: path.read_bytes() for path in files_below(box.data_dir / "archive")}
    for name, content, sidecar in pictures:
        assert archived[name] == content
        assert archived[f"{name}.json"] == sidecar


def has(delivered: list[str], wanted: int) -> bool:
    return len(delivered) >= wanted


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def accession(path: Path) -> str:
    return str(dcmread(path, stop_before_pixels=True).AccessionNumber)
