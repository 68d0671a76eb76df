"""A spool with instances in it, for tests of what reads and moves them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from passerelle.model import Identity, Origin
from passerelle.spool import Produced, Spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
EXPLICIT = "1.2.840.10008.1.2.1"


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def opened(tmp_path: Path, clock: Clock) -> Spool:
    return Spool.open(tmp_path / "data", now=clock)


def admitted(
    spool: Spool, number: int = 1, destinations: Sequence[str] = ("pacs",), source: str = "export"
) -> str:
    """Spool one small object; its SOP Instance UID."""
    origin = Origin(agent="box", source=source, name=f"{number}.png", sha256=f"{number:064x}")
    content = f"object {number}".encode()
    uid = origin.uid()
    file = spool.staging / f"tmp.{uid}.dcm"
    file.write_bytes(content)
    produced = Produced(
        number=0,
        sop_instance_uid=uid,
        sop_class_uid=SECONDARY_CAPTURE,
        study_instance_uid="2.25.1",
        series_instance_uid="2.25.2",
        transfer_syntax_uid=EXPLICIT,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        file=file,
    )
    identity = Identity(attributes={"PatientID": f"P{number}"}, resolver="sidecar")
    spool.admit(origin, identity, [produced], destinations)
    return uid


def state(spool: Spool, uid: str, destination: str = "pacs") -> str:
    rows = [
        row
        for row in spool.rows(None)
        if row["sop_instance_uid"] == uid and row["destination"] == destination
    ]
    assert len(rows) == 1
    return str(rows[0]["state"])
