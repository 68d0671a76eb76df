"""The records beside objects and kept originals, from which the ledger is rebuilt."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from passerelle.model import AcquisitionState, Instance, Origin
from passerelle.spool.files import stage, write_durably

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """One object that the worker made of an acquisition, still in staging."""

    number: int  #: its place among the acquisition's instances
    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    sha256: str  #: of the whole Part 10 file
    size: int  #: bytes of the whole Part 10 file
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An original that waits here for a person."""

    id: str
    origin: Origin
    state: AcquisitionState
    reason: str
    media: Path
    sidecar: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord:
    """What the ledger knows of one object when it is admitted."""

    origin: Origin
    instances: int  #: how many the acquisition became
    acquisition_size: int  #: bytes of all of them
    number: int
    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    sha256: str
    size: int
    destinations: tuple[str, ...]
    created_at: float
    identity: Mapping[str, Any] | None  #: None: the object came with its own

    def instance(self, path: Path) -> Instance:
        """The instance that lies at `path`."""
        return Instance(
            sop_instance_uid=self.sop_instance_uid,
            sop_class_uid=self.sop_class_uid,
            study_instance_uid=self.study_instance_uid,
            series_instance_uid=self.series_instance_uid,
            transfer_syntax_uid=self.transfer_syntax_uid,
            sha256=self.sha256,
            size=self.size,
            path=path,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecord:
    """What the ledger knows of one kept original."""

    origin: Origin
    reason: str
    media: str  #: its file name in the folder `media`
    sidecar: str  #: its file name in the folder `sidecar`, or ""
    size: int
    received_at: float


def write_record(path: Path, record: ObjectRecord | KeptRecord) -> None:
    """Write a record durably.

    Raises:
        SpoolFull: There is no room for it.
    """
    write_durably(path, _written(record))


def stage_record(path: Path, record: ObjectRecord | KeptRecord) -> None:
    """Write a record durably that is there once `files.show` has named it.

    Raises:
        SpoolFull: There is no room for it.
    """
    stage(path, _written(record))


def _written(record: ObjectRecord | KeptRecord) -> bytes:
    # ASCII: a device's file name may hold bytes that no encoding knows (surrogates).
    body = json.dumps(asdict(record), sort_keys=True)
    return json.dumps({"record": body, "sha256": _digest(body)}).encode("ascii")


def read_object_record(path: Path) -> ObjectRecord | None:
    """The record of an object; None when it is missing or not what was written."""
    body = _read(path)
    if body is None:
        return None
    origin, destinations = Origin(**body.pop("origin")), tuple(body.pop("destinations"))
    return ObjectRecord(origin=origin, destinations=destinations, **body)


def read_kept_record(path: Path) -> KeptRecord | None:
    """The record of a kept original; None when it is missing or not what was written."""
    body = _read(path)
    if body is None:
        return None
    return KeptRecord(origin=Origin(**body.pop("origin")), **body)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        outer = json.loads(path.read_bytes())
        if outer["sha256"] != _digest(outer["record"]):
            return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    body: dict[str, Any] = json.loads(outer["record"])
    return body


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("ascii", "replace")).hexdigest()
