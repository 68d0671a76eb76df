"""The modules that every object has: patient, study, series, equipment, times, SOP common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydicom.dataset import Dataset

from passerelle.dicom.identify import elements
from passerelle.errors import IdentityError
from passerelle.model import derived_uid

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from passerelle.dicom.request import Wrapping
    from passerelle.model import Value

_EQUIPMENT: Final = {
    "manufacturer": "Manufacturer",
    "model_name": "ManufacturerModelName",
    "device_serial_number": "DeviceSerialNumber",
    "station_name": "StationName",
    "institution_name": "InstitutionName",
    "department_name": "InstitutionalDepartmentName",
}
#: Type 2: present even when nothing is known (PS3.3 C.7.1.1, C.7.2.1, C.7.5.1).
_EMPTY: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "Manufacturer",
)
_SIDES: Final = ("BodyPartExamined", "AnatomicRegionSequence", "ImageLaterality", "Laterality")
_DATE: Final = slice(0, 8)
_TIME: Final = slice(8, 21)


def said(wrapping: Wrapping, file_says: Mapping[str, Value]) -> Dataset:
    """Everything that was said: the profile, over it the file, the config, then who identified it.

    Raises:
        IdentityError: Something of it is no DICOM, or nobody said whose it is.
    """
    if not str(wrapping.attributes.get("PatientID", "")).strip():
        msg = "identity: PatientID is missing"
        raise IdentityError(msg)
    known = {
        keyword: wrapping.equipment[name]
        for name, keyword in _EQUIPMENT.items()
        if wrapping.equipment.get(name)
    }
    profile = f"profile {wrapping.profile.name}"
    dataset = elements(wrapping.profile.attributes, profile)
    if wrapping.profile.region:
        dataset.AnatomicRegionSequence = [code(*wrapping.profile.region)]
    dataset.update(elements(file_says, "file"))
    dataset.update(elements(known, "equipment"))
    dataset.update(elements(wrapping.attributes))
    return dataset


def complete(dataset: Dataset, wrapping: Wrapping, *, sop_class_uid: str, modality: str) -> None:
    """Fill in the modules that every object has, and its UIDs, where nothing was said.

    The same wrapping always yields the same study and series (PS3.3 C.7.2.1, C.7.3.1).
    """
    for keyword in _EMPTY:
        default(dataset, keyword, "")
    _times(dataset, wrapping.acquired_at)
    dataset.SpecificCharacterSet = "ISO_IR 192"  # PS3.3 C.12.1.1.2: UTF-8, whatever the names
    dataset.SOPClassUID = sop_class_uid
    default(dataset, "Modality", modality)
    default(dataset, "StudyInstanceUID", study_uid(dataset, wrapping.origin.agent))
    series = (wrapping.origin.source, dataset.Modality, sop_class_uid, wrapping.profile.name)
    default(
        dataset,
        "SeriesInstanceUID",
        derived_uid(dataset.StudyInstanceUID, "series", *series),
    )
    default(dataset, "SeriesNumber", "1")
    default(dataset, "InstanceNumber", str(wrapping.number))
    if not any(keyword in dataset for keyword in _SIDES):
        dataset.Laterality = ""  # 2C: the body part may be a paired one (PS3.3 C.7.3.1)


def study_uid(dataset: Dataset, agent: str) -> str:
    """The study of an exam without a worklist: one of a patient's orders, or one of their days."""
    exam = dataset.AccessionNumber or dataset.StudyID or dataset.StudyDate
    return derived_uid(agent, "study", dataset.PatientID, exam)


def default(dataset: Dataset, keyword: str, value: object) -> None:
    """Set what nobody said."""
    if not is_said(dataset, keyword):
        setattr(dataset, keyword, value)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """One code of the Code Sequence Macro (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def is_said(dataset: Dataset, keyword: str) -> bool:
    """Whether there is a value; an empty one says nothing."""
    return keyword in dataset and not dataset[keyword].is_empty


def _times(dataset: Dataset, acquired_at: dt.datetime) -> None:
    """Dates and times from what was said, else the file's own, else when it was written."""
    moment = str(dataset.get("AcquisitionDateTime", "")) or (
        acquired_at.strftime("%Y%m%d%H%M%S.%f") + acquired_at.strftime("%z")[:5]
    )
    default(dataset, "AcquisitionDateTime", moment)
    local, zone = _split(moment)
    date, time = local[_DATE], local[_TIME]
    for name in ("Acquisition", "Content", "Series", "Study"):
        # A time belongs to its own date: with one of them said, the other is not ours to add.
        if not is_said(dataset, f"{name}Date") and not is_said(dataset, f"{name}Time"):
            setattr(dataset, f"{name}Date", date)
            setattr(dataset, f"{name}Time", time)
        default(dataset, f"{name}Date", "")
        default(dataset, f"{name}Time", "")
    zone = zone or acquired_at.strftime("%z")[:5]
    if zone:
        default(dataset, "TimezoneOffsetFromUTC", zone)


def _split(moment: str) -> tuple[str, str]:
    for sign in "+-":
        local, found, offset = moment.partition(sign)
        if found:
            return local, sign + offset
    return moment, ""
