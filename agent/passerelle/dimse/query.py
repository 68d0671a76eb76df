"""C-FIND: which instances an archive holds, and what a worklist offers (PS3.4 C and K)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_FIND

from passerelle.dimse.primitive import decoded_dataset, encoded_dataset
from passerelle.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydicom.dataelem import DataElement

    from passerelle.dimse.association import Association

STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
WORKLIST_FIND: Final = "1.2.840.10008.5.1.4.31"
_PENDING: Final = (0xFF00, 0xFF01)
_LIMIT: Final = 10_000  # matches of one query
_BATCH: Final = 50  # UIDs of one list match: some 3 KB
_MEDIUM: Final = 0

_PATIENT: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientSize",
    "PatientWeight",
    "MedicalAlerts",
    "Allergies",
    "PregnancyStatus",
    "OtherPatientIDs",
)
_REQUEST: Final = (
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyInstanceUID",
    "RequestingPhysician",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "RequestedProcedurePriority",
    "AdmissionID",
    "CurrentPatientLocation",
)
_STEP: Final = (
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "Modality",
    "ScheduledPerformingPhysicianName",
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
    "ScheduledStationName",
    "ScheduledProcedureStepLocation",
    "ScheduledProcedureStepStatus",
)

_BINARY: Final = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
_NUMBERS: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("IS", "SL", "SS", "UL", "US"), int),
    **dict.fromkeys(("DS", "FD", "FL"), float),
}
_CODE: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")


def held(association: Association, instances: Sequence[Mapping[str, str]]) -> list[str]:
    """The SOP Instance UIDs of those that the archive has (PS3.4 C.6.2, IMAGE level).

    Asked in lists by series; what a list did not bring is asked alone, because not every
    archive matches lists of UIDs.

    Raises:
        NoContext: The archive offers no query.
        Unavailable: It does not answer, or with a failure.
    """
    pair = association.context(STUDY_ROOT_FIND)
    found: set[str] = set()
    for (study, series), uids in _by_series(instances).items():
        for at in range(0, len(uids), _BATCH):
            batch = uids[at : at + _BATCH]
            found |= _matches(association, pair, (study, series), batch)
            if len(batch) > 1:
                for uid in batch:
                    if uid not in found:
                        found |= _matches(association, pair, (study, series), [uid])
    return sorted(found)


def worklist(
    association: Association, keys: Mapping[str, str], fallback_charset: str
) -> list[dict[str, Any]]:
    """The scheduled procedure steps that match (PS3.4 K.6.1), their attributes as text.

    The attributes of the step are told beside those of the patient and of the request; other
    sequences are told as lists.

    Args:
        association: With a worklist.
        keys: `date` (a DICOM date or a range of dates), `station_ae_title` and `modality`, each
            empty or left out for any.
        fallback_charset: The Defined Term of (0008,0005) where the worklist says none.

    Raises:
        NoContext: There is no worklist.
        Unavailable: It does not answer, or with a failure.
    """
    pair = association.context(WORKLIST_FIND)
    step = _asking_for(_STEP)
    step.ScheduledProcedureStepStartDate = keys.get("date", "")
    step.ScheduledStationAETitle = keys.get("station_ae_title", "")
    step.Modality = keys.get("modality", "")
    step.ScheduledProtocolCodeSequence = [_asking_for(_CODE)]
    identifier = _asking_for(_PATIENT + _REQUEST)
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.RequestedProcedureCodeSequence = [_asking_for(_CODE)]
    identifier.ScheduledProcedureStepSequence = [step]
    return [_flattened(match) for match in _find(association, pair, identifier, fallback_charset)]


def _by_series(instances: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], list[str]]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for instance in instances:
        series = (instance["study_instance_uid"], instance["series_instance_uid"])
        grouped.setdefault(series, []).append(instance["sop_instance_uid"])
    return grouped


def _matches(
    association: Association, pair: tuple[str, str], series: tuple[str, str], uids: list[str]
) -> set[str]:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "IMAGE"
    identifier.StudyInstanceUID, identifier.SeriesInstanceUID = series
    identifier.SOPInstanceUID = uids
    answers = {
        str(match.get("SOPInstanceUID", ""))
        for match in _find(association, pair, identifier, "ISO_IR 6")
    }
    return answers & set(uids)  # an archive that ignores a key answers with others, too


def _find(
    association: Association, pair: tuple[str, str], identifier: Dataset, fallback_charset: str
) -> Iterator[Dataset]:
    primitive = C_FIND()
    primitive.AffectedSOPClassUID = pair[0]
    primitive.Priority = _MEDIUM
    primitive.Identifier = encoded_dataset(identifier, pair[1])
    response = association.request(primitive, pair)
    for _ in range(_LIMIT):
        if response.Status not in _PENDING:
            break
        if response.Identifier is not None:
            yield decoded_dataset(response.Identifier, pair[1], fallback_charset)
        response = association.receive(time.monotonic() + association.node.dimse_timeout_s)
    else:
        msg = f"a query brought more than {_LIMIT} matches"
        raise Unavailable(msg)
    if response.Status:
        msg = f"the query was answered with status {response.Status:04X}"
        raise Unavailable(msg)


def _asking_for(keywords: Sequence[str]) -> Dataset:
    dataset = Dataset()
    for keyword in keywords:
        setattr(dataset, keyword, None)
    return dataset


def _flattened(match: Dataset) -> dict[str, Any]:
    flat = _plain(match)
    steps = flat.pop("ScheduledProcedureStepSequence", None) or [{}]
    return {**flat, **steps[0]}


def _plain(dataset: Dataset) -> dict[str, Any]:
    told = [element for element in dataset if element.keyword and not element.is_empty]
    return {element.keyword: _value(element) for element in told if element.VR not in _BINARY}


def _value(element: DataElement) -> Any:  # noqa: ANN401 - text, a number, or a list of them
    if element.VR == "SQ":
        return [_plain(each) for each in element.value]
    kind = _NUMBERS.get(element.VR, str)
    several = [kind(each) for each in element.value] if element.VM > 1 else None
    return kind(element.value) if several is None else several
