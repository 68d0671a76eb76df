"""A worklist of people who do not exist, for the demo and for tests (PS3.4 annex K)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pydicom.dataset import Dataset

from passerelle.model import derived_uid

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENT: Final = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
_STEP: Final = (
    "Modality",
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartTime",
    "ScheduledProcedureStepDescription",
)
_ENTRIES: Final = (
    (("DEMO-0001", "Müller^Jörg", "19570312", "M"), ("US", "ECHO3", "083000", "Abdomen")),
    (("DEMO-0002", "Łukasz^Żółć", "19881102", "M"), ("ES", "SCOPE1", "090000", "Gastroscopy")),
    (("DEMO-0003", "Ωμέγα^Ελένη", "19730625", "F"), ("OP", "FUNDUS", "091500", "Fundus")),
    (("DEMO-0004", "山田^太郎", "20010909", "M"), ("US", "ECHO3", "094500", "Thyroid")),
    (("DEMO-0005", "Núñez^María José", "19461224", "F"), ("AR", "REFRACT", "103000", "Refraction")),
)


def worklist(date: str) -> list[Dataset]:
    """The entries, all scheduled on this DICOM date."""
    return [
        _entry(date, str(number), patient, step)
        for number, (patient, step) in enumerate(_ENTRIES, start=1001)
    ]


def matching(identifier: Dataset, date: str) -> Iterator[Dataset]:
    """The entries that match (PS3.4 C.2.2.2: single value, wild card and range)."""
    asked = (identifier.get("ScheduledProcedureStepSequence") or [Dataset()])[0]
    for entry in worklist(date):
        step = entry.ScheduledProcedureStepSequence[0]
        if _in_range(asked.get("ScheduledProcedureStepStartDate"), date) and all(
            _matches(dataset.get(keyword), have.get(keyword))
            for dataset, have, keyword in (
                (asked, step, "Modality"),
                (asked, step, "ScheduledStationAETitle"),
                (identifier, entry, "PatientID"),
                (identifier, entry, "AccessionNumber"),
            )
        ):
            yield entry


def _entry(date: str, number: str, patient: tuple[str, ...], scheduled: tuple[str, ...]) -> Dataset:
    step = Dataset()
    for keyword, value in zip(_STEP, scheduled, strict=True):
        setattr(step, keyword, value)
    step.ScheduledProcedureStepStartDate = date
    step.ScheduledProcedureStepID = f"S{number}"
    entry = Dataset()
    entry.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in zip(_PATIENT, patient, strict=True):
        setattr(entry, keyword, value)
    entry.AccessionNumber = f"ACC-{number}"
    entry.StudyInstanceUID = derived_uid("invented worklist", date, number)
    entry.RequestedProcedureID = f"R{number}"
    entry.RequestedProcedureDescription = step.ScheduledProcedureStepDescription
    entry.ScheduledProcedureStepSequence = [step]
    return entry


def _matches(asked: str | None, have: str) -> bool:
    return not asked or fnmatchcase(str(have), str(asked))


def _in_range(asked: str | None, date: str) -> bool:
    first, dash, last = (asked or "-").partition("-")
    return (first or date) <= date <= (last or (date if dash else first))
