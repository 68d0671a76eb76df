"""What an agent costs while nothing happens: resident memory and CPU of all its processes.

    PYTHONPATH=tests .venv/bin/python tests/bench/idle.py [SECONDS]

One folder source, one destination with a commitment port, a real archive to deliver one picture
to first; then a minute without work, then the figures.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from journey_support import Box, dicom_destination, resident_bytes
from mixed_files import mixed_files
from peers_support import Orthanc
from support import free_port

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(group: int) -> float:
    """CPU seconds so far of all processes of a session."""
    total = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == group:
                total += int(fields[11]) + int(fields[12])
    return total / TICKS


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        report_port = free_port()
        with Orthanc(Path(folder, "orthanc"), report_port) as orthanc:
            destination = dicom_destination(
                orthanc.port, ae_title=orthanc.ae_title, report_port=report_port
            )
            box = Box(Path(folder, "box"), destination)
            box.config.write_text(box.config.read_text().replace("poll_s = 0.5", "poll_s = 5.0"))
            box.start()
            file = next(mixed_files(1))
            box.drop(file.name, file.content, {"PatientID": "1"})
            box.wait_for("COMMITTED", 1)
            time.sleep(seconds)
            resident, before = resident_bytes(box.pid), cpu_s(box.pid)
            time.sleep(seconds)
            used = cpu_s(box.pid) - before
            box.stop()
    print(f"resident, all processes: {resident / 1e6:.1f} MB after {seconds:.0f} s without work")
    print(f"CPU: {100 * used / seconds:.2f} % of a core over the next {seconds:.0f} s")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
