"""A patient's name and ID, and a device's file name, stay out of everything that IT reads."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING

from intake_support import png
from journey_support import Box, dicom_destination
from peers_support import Storescp
from support import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE, PATIENT, NUMBER, BORN = "Kanarienvogel", "Wellensittich", "99887766", "19310417"
CANARIES = (FILE, PATIENT, NUMBER, BORN)


def test_no_log_line_process_or_message_names_a_patient_or_a_devices_file(tmp_path: Path) -> None:
    with Storescp(tmp_path / "archive") as archive:
        away = dicom_destination(free_port(), ae_title="AWAY").replace('"pacs"', '"away"')
        here = dicom_destination(archive.port, ae_title=archive.ae_title)
        for form in ("text", "json"):
            box = Box(tmp_path / form, here + away)
            config = box.config.read_text("utf-8")
            box.config.write_text(config.replace("[agent]", f'[agent]\nlog = "{form}"'), "utf-8")
            box.start()
            try:
                drop_one_of_each_fate(box)
                wait_until(partial(is_settled, box), 60, every_s=0.2)
                seen = dict(everything_it_reads(box))
            finally:
                code = box.stop()
            assert code == 0
            seen["log"] = box.log.read_text("utf-8", "replace")
            assert "quarantined" in seen["log"].lower(), "the log tells of it, by its id"
            assert leaks(seen) == []
        assert archive.received(), "the canaries were on their way"


def drop_one_of_each_fate(box: Box) -> None:
    """One that is wrapped, one that is held and two that cannot become DICOM."""
    sidecar: dict[str, object] = {
        "PatientID": NUMBER,
        "PatientName": f"{PATIENT}^Anna",
        "PatientBirthDate": BORN,
    }
    box.drop(f"{FILE}/{FILE}_{NUMBER}.png", png(), sidecar)
    box.drop(f"{FILE}_held.png", png(50))
    box.drop(f"{FILE}_{PATIENT}.png", b"Dear colleague", sidecar)
    box.drop(f"{FILE}_wrong.png", png(70), sidecar | {"PatientBirthDate": f"{PATIENT} {BORN}"})


def is_settled(box: Box) -> bool:
    rows = box.queue()
    states = sorted(row["state"] for row in rows if row["destination"] != "away")
    tried = [row for row in rows if row["destination"] == "away" and row["attempts"]]
    return len(states) == 4 and "STORED" in states and "SENDING" not in states and bool(tried)


def everything_it_reads(box: Box) -> Iterator[tuple[str, str]]:
    """What a running agent shows to those who have no business with patients."""
    status = box.status()
    yield "status", str(status)
    yield "control.json", (box.data_dir / "control.json").read_text("utf-8")
    listed = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-g", str(box.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "passerelle" in listed.stdout
    yield "processes", listed.stdout


def leaks(seen: dict[str, str]) -> list[str]:
    return [
        f"{where}: {line}"
        for where, text in seen.items()
        for line in text.splitlines()
        if any(canary.lower() in line.lower() for canary in CANARIES)
    ]
