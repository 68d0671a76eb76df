"""Files that cannot become DICOM are set aside with a reason, and the good ones go on."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from journey_support import Box, dicom_destination, resident_bytes
from mixed_files import mixed_files
from peers_support import Orthanc
from support import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1 << 20


def png_bomb(rows: int, columns: int) -> bytes:
    """A small file that claims, and really decompresses to, an enormous picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(64 * MEGABYTE), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "JPEG")
    return file.getvalue()


BAD = {
    "truncated.jpg": (jpeg()[:-400], "cut off"),
    "empty.png": (b"", "empty"),
    "bomb.png": (png_bomb(60_000, 60_000), "more pixels"),
    "letter.png": (b"Dear colleague, thank you for referring " * 50, ""),
    "program.dcm": (b"MZ" + bytes(126) + b"DICM" + bytes(300), ""),
    "noise.tif": (b"II*\0" + bytes(range(256)) * 20, "TIFF"),
}


@pytest.mark.parametrize("doses", [3])
def test_bad_files_are_quarantined_with_a_reason_and_good_ones_arrive(
    tmp_path: Path, doses: int
) -> None:
    report_port = free_port()
    with Orthanc(tmp_path / "orthanc", report_port) as orthanc:
        destination = dicom_destination(
            orthanc.port, ae_title=orthanc.ae_title, report_port=report_port
        )
        box = Box(tmp_path / "box", destination)
        box.start()
        try:
            good = list(mixed_files(6 * doses))
            peaks = []
            for dose in range(doses):
                for name, (content, _) in BAD.items():
                    box.drop(f"{dose}/{name}", content, {"PatientID": "B"})
                for file in good[dose::doses]:
                    box.drop(file.name, file.content, {"PatientID": "G"})
                expected = (dose + 1) * len(BAD)
                wait_until(functools.partial(has_quarantined, box, expected), 60, 0.3)
                box.wait_for("COMMITTED", 6 * (dose + 1))
                peaks.append(resident_bytes(box.pid))
            rows = box.queue("--state", "QUARANTINED")
            status = box.status()
        finally:
            box.stop()
    assert max(peaks[1:]) < peaks[0] + 32 * MEGABYTE, peaks
    for row in rows:
        content, word = BAD[row["original"].rpartition("/")[2]]
        assert word in row["reason"], row
        (kept,) = (box.data_dir / "quarantine" / row["acquisition"] / "media").iterdir()
        assert kept.read_bytes() == content, row
    assert status["acquisitions"]["QUARANTINED"] == len(BAD) * doses
    assert not status["healthy"]
    assert log_names_no_file(box)


def has_quarantined(box: Box, count: int) -> bool:
    return bool(box.status()["acquisitions"]["QUARANTINED"] == count)


def log_names_no_file(box: Box) -> bool:
    """No log line names a device's file, which may name a patient."""
    log = box.log.read_text("utf-8")
    return not any(name in log for name in BAD)
