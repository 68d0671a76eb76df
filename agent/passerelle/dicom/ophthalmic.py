"""What Ophthalmic Photography objects hold beside their pixels (PS3.3 C.8.17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle.dicom import pixels
from passerelle.dicom.modules import code, default
from passerelle.model import derived_uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from passerelle.dicom.picture import Picture


def ophthalmic(dataset: Dataset, picture: Picture) -> None:
    """Ophthalmic Photography (PS3.3 C.8.17.1 to C.8.17.5), Multi-frame (C.7.6.6).

    The type of the device is Type 1, and no profile can hold a code: it is a fundus camera.
    """
    default(dataset, "ImageType", ["ORIGINAL", "PRIMARY"])
    default(dataset, "PatientOrientation", "")
    default(dataset, "AnatomicRegionSequence", [code("81745001", "SCT", "Eye")])
    camera = code("409898007", "SCT", "Fundus Camera")
    default(dataset, "AcquisitionDeviceTypeCodeSequence", [camera])
    default(dataset, "BurnedInAnnotation", "YES")  # Type 1: nobody looked
    _unsynchronized(dataset)
    for keyword in (
        "IlluminationTypeCodeSequence",
        "LightPathFilterTypeStackCodeSequence",
        "ImagePathFilterTypeStackCodeSequence",
        "LensesCodeSequence",
        "AcquisitionContextSequence",
    ):
        default(dataset, keyword, [])
    for keyword in (
        "PatientEyeMovementCommanded",
        "RefractiveStateSequence",
        "EmmetropicMagnification",
        "IntraOcularPressure",
        "HorizontalFieldOfView",
        "PupilDilated",
        "DetectorType",
    ):
        default(dataset, keyword, [] if keyword.endswith("Sequence") else None)
    if picture.samples == 1:
        dataset.PresentationLUTShape = "IDENTITY"
    pixels.in_frames(dataset, picture)


def _unsynchronized(dataset: Dataset) -> None:
    """Synchronization (PS3.3 C.7.4.2) of a device that is synchronised with nothing."""
    frame = derived_uid(dataset.StudyInstanceUID, "synchronization")
    default(dataset, "SynchronizationFrameOfReferenceUID", frame)
    default(dataset, "SynchronizationTrigger", "NO TRIGGER")
    default(dataset, "AcquisitionTimeSynchronized", "N")
