"""Part 10 objects of a stated size, of invented patients, for benches of sending."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from passerelle.model import Identity, Origin
from passerelle.spool import Produced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from passerelle.spool import Spool

_COLUMNS = 1024
_GREY = "1.2.840.10008.5.1.4.1.1.7.2"  # Multi-frame Grayscale Byte Secondary Capture
_FRAME_ROWS = 1000
_TOGETHER = 100
_WHO = Identity(attributes={"PatientID": "00042"}, resolver="sidecar")


@dataclass(frozen=True)
class Load:
    """So many objects of about this size."""

    count: int
    size: int

    @property
    def bytes(self) -> int:
        return self.count * self.size


def spooled(spool: Spool, load: Load, destinations: Sequence[str]) -> list[Path]:
    """Admit the load, owed to all destinations; where its objects lie now."""
    origins: list[tuple[Origin, list[Produced]]] = []
    for number in range(load.count):
        if number % _TOGETHER == 0:
            sha256 = hashlib.sha256(f"{load} {number}".encode()).hexdigest()
            origin = Origin(agent="box", source="export", name=f"{number}.raw", sha256=sha256)
            origins.append((origin, []))
        origin, made = origins[-1]
        made.append(_made(spool.staging, origin, number % _TOGETHER, load.size))
    for origin, made in origins:
        spool.admit(origin, _WHO, made, destinations)
    uids = [one.sop_instance_uid for _, made in origins for one in made]
    return [path for uid in uids for path in spool.files(uid) if path.suffix == ".dcm"]


def _made(folder: Path, origin: Origin, number: int, size: int) -> Produced:
    uid = origin.uid(number)
    path = folder / f"tmp.{uid}.dcm"
    dataset = _header(uid, number, size)
    dataset.PixelData = b"".join(_noise(uid, dataset.NumberOfFrames, dataset.Rows))
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Produced(
        number=number,
        sop_instance_uid=uid,
        sop_class_uid=_GREY,
        study_instance_uid="2.25.1",
        series_instance_uid="2.25.10",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        sha256=sha256,
        size=path.stat().st_size,
        file=path,
    )


def _header(uid: str, number: int, size: int) -> Dataset:
    rows = min(_FRAME_ROWS, max(1, size // _COLUMNS))
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = _GREY, uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1", "2.25.10"
    dataset.PatientID, dataset.PatientName = "TEST-1", "Invented^Patient"
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20260101", "101112", "1"
    dataset.ReferringPhysicianName = dataset.AccessionNumber = ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "OT", 1, number + 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.NumberOfFrames = max(1, size // (rows * _COLUMNS))
    dataset.Rows, dataset.Columns = rows, _COLUMNS
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _noise(seed: str, frames: int, rows: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(frames):
        yield chance.randbytes(rows * _COLUMNS)
