"""Gives a stored object another identity; its pixel data pass through byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from passerelle.dicom import part10
from passerelle.dicom.coding import NATIVE
from passerelle.dicom.identify import elements
from passerelle.dicom.request import Made, answer
from passerelle.dicom.stored import BIG_ENDIAN, DEFLATED, Stored, open_stored, understood
from passerelle.errors import EncodingError
from passerelle.model import derived_uid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom.dataset import Dataset

    from passerelle.dicom.part10 import Written
    from passerelle.model import Value

#: Signed over the old identity (PS3.15 C): they could only fail.
SIGNATURES: Final = ("MACParametersSequence", "DigitalSignaturesSequence")
_PATIENT_GROUP: Final = 0x0010
_ORDERED: Final = (
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "IssuerOfAccessionNumberSequence",
    "ReferencedStudySequence",
    "ReferencedPatientSequence",
    "ReferencedPerformedProcedureStepSequence",
    "RequestAttributesSequence",
    "RequestingService",
)


@understood()
def reidentify(body: Mapping[str, Any]) -> dict[str, Any]:
    """Rewrite one object for another patient, under a new instance UID.

    Its study and series are derived anew from the old ones and the new identity, so that the
    series stays together and nothing of it joins what is filed under the old one.

    Raises:
        EncodingError: It cannot be read.
        IdentityError: What was said cannot be right.
        SpoolFull: There is no room.
    """
    stored = open_stored(Path(body["file"]))
    attributes: Mapping[str, Value] = body["attributes"]
    header = stored.header[:]
    uid = body["sop_instance_uid"]
    if "PatientID" in attributes:
        _forget(header)
    said = elements(attributes)
    whose = (str(said.get("PatientID", "")), str(said.get("AccessionNumber", "")))
    header.StudyInstanceUID = said.get("StudyInstanceUID") or derived_uid(
        header.StudyInstanceUID, "reidentified", *whose
    )
    header.SeriesInstanceUID = derived_uid(
        header.StudyInstanceUID, "reidentified", header.SeriesInstanceUID
    )
    header.SOPInstanceUID = uid
    target = Path(body["into"]) / f"tmp.{uid}.dcm"
    written = rewrite(stored, header, attributes, target)
    return answer([Made.of(header, stored.syntax, written)])


def _forget(header: Dataset) -> None:
    """Drop what was known of the other patient, and of what was ordered for them."""
    for tag in [tag for tag in header.keys() if tag.group == _PATIENT_GROUP]:  # noqa: SIM118 - iterating parses them all
        del header[tag]
    for keyword in _ORDERED:
        header.pop(keyword, None)
    for keyword in ("PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"):
        setattr(header, keyword, "")  # Type 2 (PS3.3 C.7.1.1, C.7.2.1)


def rewrite(
    stored: Stored, header: Dataset, attributes: Mapping[str, Value], target: Path
) -> Written:
    """Write `header` with these attributes and the pixel data of `stored` as they are.

    Raises:
        EncodingError: Its transfer syntax keeps elements and pixels in one deflated stream, or
            the other byte order.
        IdentityError: An attribute cannot be right.
        SpoolFull: There is no room.
    """
    if stored.syntax in (DEFLATED, BIG_ENDIAN):
        msg = f"DICOM: cannot be given an identity in transfer syntax {stored.syntax}"
        raise EncodingError(msg)
    in_unicode(header)
    header.update(elements(attributes))
    for keyword in SIGNATURES:
        header.pop(keyword, None)
    if stored.pixels is None:
        return part10.write(target, header, stored.syntax, None)
    is_native = stored.pixels.fragments is None
    shape_bits = int(header.get("BitsAllocated", 16))
    vr = "OB" if not is_native or shape_bits <= 8 else "OW"  # noqa: PLR2004 - PS3.5 A.2
    as_it_is = part10.Native(
        blocks=stored.raw_pixels(),
        size=stored.pixels.size,
        vr=vr,
        is_delimited=stored.syntax not in NATIVE and not is_native,
    )
    return part10.write(target, header, stored.syntax, as_it_is)


def in_unicode(header: Dataset) -> None:
    """Decode every text by its own character set, and write them all as UTF-8 from here on."""
    header.decode()
    header.SpecificCharacterSet = "ISO_IR 192"
    for element in header.iterall():
        if element.keyword == "SpecificCharacterSet":
            element.value = "ISO_IR 192"
