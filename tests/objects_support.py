"""DICOM objects made for a test, and what other programs say of them."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import dcmread

from passerelle.dicom.build import instance_of, wrap
from passerelle.dicom.coding import RLE
from passerelle.dicom.picture import Picture
from passerelle.dicom.request import Made, Wrapping
from passerelle.profile import Profile
from support import peer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pydicom.dataset import FileDataset

    from passerelle.model import Value

WHOSE: Mapping[str, Value] = {
    "PatientID": "00042",
    "PatientName": "Müller^Jörg",
    "PatientBirthDate": "19700131",
    "PatientSex": "M",
    "AccessionNumber": "A1",
}
#: What an exam of each class has to say beside whose it is.
ASKED: Mapping[str, Mapping[str, Value]] = {
    "Ophthalmic8": {"ImageLaterality": "R"},
    "Ophthalmic16": {"ImageLaterality": "L"},
    "DX": {
        "ImageLaterality": "U",
        "PatientOrientation": ["L", "F"],
        "ImagerPixelSpacing": [0.1, 0.1],
    },
}
EQUIPMENT = {
    "modality": "OT",
    "manufacturer": "Acme",
    "model_name": "Sono 3",
    "device_serial_number": "A-1",
    "station_name": "ROOM3",
    "institution_name": "CHU",
    "department_name": "Cardiology",
}


def request(
    media: Path, into: Path, attributes: Mapping[str, Value] = WHOSE, /, **profile: object
) -> dict[str, Any]:
    """What the parent asks for when it wraps a file."""
    hashed = hashlib.sha256(media.read_bytes()).hexdigest()
    return {
        "media": str(media),
        "sha256": hashed,
        "origin": {
            "agent": "test",
            "source": "export",
            "name": media.name,
            "sha256": hashed,
            "sidecar_sha256": "",
        },
        "attributes": dict(attributes),
        "equipment": EQUIPMENT,
        "profile": Profile.model_validate({"name": "test", **profile}).model_dump(mode="json"),
        "into": str(into),
        "number": 7,
        "acquired_at": "2026-03-01T10:11:12.000123+01:00",
    }


def wrapping(into: Path, attributes: Mapping[str, Value] = WHOSE, /, **profile: object) -> Wrapping:
    """The same of a file whose picture a test has already."""
    return Wrapping.from_json(request(Path(__file__), into, attributes, **profile))


def picture(*frames: NDArray[Any], **fields: Any) -> Picture:  # noqa: ANN401 - any field
    """A picture of frames that a test has in hand."""
    samples = frames[0].shape[2] if frames[0].ndim > 2 else 1
    bits = frames[0].dtype.itemsize * 8
    described = {
        "format": "test",
        "rows": frames[0].shape[0],
        "columns": frames[0].shape[1],
        "samples": samples,
        "bits_allocated": bits,
        "bits_stored": bits,
        "photometric": "MONOCHROME2" if samples == 1 else "RGB",
        "frames": lambda: iter(frames),
        "frame_count": len(frames),
    }
    return Picture(**{**described, **fields})


def verbatim(data: bytes, like: NDArray[Any], photometric: str) -> Picture:
    """A picture that is a JPEG stream already."""
    return picture(
        like,
        format="JPEG",
        photometric=photometric,
        frames=lambda: iter((data,)),
        verbatim_syntax="1.2.840.10008.1.2.4.50",
        was_lossy=True,
        lossy_ratio=8.0,
    )


def made_of(
    into: Path, shown: Picture, sop_class: str = "SecondaryCapture", **profile: object
) -> Made:
    """One instance of a picture."""
    into.mkdir(exist_ok=True)
    attributes = {**WHOSE, **ASKED.get(sop_class, {})}
    return instance_of(wrapping(into, attributes, sop_class=sop_class, **profile), shown, 0)


def object_of(
    media: Path, into: Path, attributes: Mapping[str, Value] = WHOSE, /, **profile: object
) -> FileDataset:
    """The only instance of a file, read back."""
    into.mkdir(exist_ok=True)
    (instance,) = wrap(request(media, into, attributes, **profile))["instances"]
    return dcmread(instance["file"])


def faults(file: Path) -> list[str]:
    """What dciodvfy calls an error; it must have recognised the IOD."""
    run = subprocess.run([peer("dciodvfy"), file], capture_output=True, text=True, check=False)
    lines = run.stderr.splitlines()
    assert any(line and not line.startswith(("Error", "Warning")) for line in lines), lines
    return [line for line in lines if line.startswith("Error")]


def by_dcmtk(file: Path, syntax: str) -> bytes:
    """The samples as DCMTK decodes them."""
    decoder = "dcmdrle" if syntax == RLE else "dcmdjpls"
    return _native(file, peer(decoder), file, file.with_suffix(".native"))


def by_gdcm(file: Path) -> bytes:
    """The samples as GDCM decodes them."""
    return _native(file, peer("gdcmconv"), "--raw", file, file.with_suffix(".native"))


def _native(file: Path, *command: str | Path) -> bytes:
    subprocess.run(command, check=True, capture_output=True)
    dataset = dcmread(file.with_suffix(".native"))
    planar = dataset.get("PlanarConfiguration") == 1
    if not planar:
        return bytes(dataset.PixelData)
    planes = np.frombuffer(dataset.PixelData, dtype=np.uint8).reshape(
        -1, 3, dataset.Rows, dataset.Columns
    )
    return planes.transpose(0, 2, 3, 1).tobytes()
