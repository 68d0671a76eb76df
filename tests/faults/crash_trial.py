"""The workload that faults are tried on: two pictures that go their way and one that waits."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

from journey_support import Box, data_set_sha256
from passerelle.dimse.archive import Archive
from pictures_support import colours, encoded, greys
from support import wait_until

if TYPE_CHECKING:
    from pathlib import Path

FILES: Final[dict[str, tuple[bytes, dict[str, object] | None]]] = {
    "a.png": (encoded(colours(), "PNG"), {"PatientID": "P1"}),
    "b.jpg": (encoded(colours(), "JPEG"), {"PatientID": "P2"}),
    "c.png": (encoded(greys(), "PNG"), None),
}
PATIENCE_S: Final = 60.0
_TAKEN: Final = ("a.png", "b.jpg")
_HELD: Final = "c.png"
_DESTINATION: Final = """
[[destinations]]
name = "pacs"
type = "dicom"
host = "127.0.0.1"
port = {port}
ae_title = "ARCHIVE"
connect_timeout_s = 3.0
answer_timeout_s = 5.0
commitment = {{ mode = "required", timeout_s = 2.0 }}
"""


class WatchedArchive(Archive):
    """Knows when each object was taken."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder, reporting="same")
        self.taken: list[tuple[float, str]] = []

    def _store(self, event: Any) -> int:  # noqa: ANN401 - as pynetdicom has it
        status = super()._store(event)
        self.taken.append((time.monotonic(), self.arrivals[-1]))
        return status


def new_box(folder: Path, archive: Archive) -> Box:
    """A box on a folder, as it is or empty."""
    return Box(folder, _DESTINATION.format(port=archive.port))


def started(box: Box) -> None:
    """Start the agent, and return when it has begun: before that a stop would only kill it."""
    before = _starts(box)
    box.start()
    wait_until(lambda: _starts(box) > before, PATIENCE_S)


def _starts(box: Box) -> int:
    return box.log.read_text().count(": running on ") if box.log.exists() else 0


def drop_all(box: Box) -> None:
    """The device leaves its files."""
    for name, (content, sidecar) in FILES.items():
        box.drop(name, content, sidecar)


def states(box: Box) -> list[str]:
    """The states in the ledger, read beside the agent that writes it."""
    queries = (
        "SELECT state FROM delivery WHERE state != 'DISCARDED'",
        "SELECT state FROM acquisition WHERE state IN ('HELD', 'QUARANTINED')",
    )
    ledger = f"file:{box.data_dir / 'queue.db'}?mode=ro"
    with suppress(sqlite3.Error), closing(sqlite3.connect(ledger, uri=True)) as connection:
        return sorted(row[0] for query in queries for row in connection.execute(query))
    return []


def is_done(box: Box) -> bool:
    """Whether each file is where it belongs."""
    if any(path.suffix != ".json" for path in box.acquisitions.iterdir()):
        return False
    return states(box) == ["COMMITTED", "COMMITTED", "HELD"]


def check(box: Box, archive: Archive) -> None:
    """Nothing is lost, doubled or changed, and nothing is left over; the agent has stopped."""
    data = box.data_dir
    spooled = {path.stem: data_set_sha256(path) for path in data.glob("spool/*/*.dcm")}
    held = {path.stem: data_set_sha256(path) for path in archive.folder.glob("*.dcm")}
    assert spooled == held
    assert len(spooled) == len(_TAKEN)
    assert not list((data / "spool").glob("**/tmp.*"))
    kept = [path.read_bytes() for path in data.glob("held/**/*.png")]
    assert kept == [FILES[_HELD][0]]
    archived = {path.name: path.read_bytes() for path in data.glob("archive/export/*/*.*g")}
    assert archived == {name: FILES[name][0] for name in _TAKEN}
    left = {path.name for path in box.acquisitions.iterdir()}
    assert left <= {f"{name}.json" for name in _TAKEN}
