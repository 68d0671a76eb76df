from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import UID

from objects_support import faults, made_of, picture
from passerelle.dicom.reidentify import reidentify
from passerelle.dicom.stored import DEFLATED
from passerelle.errors import EncodingError, IdentityError
from pictures_support import colours, deep, greys

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import Value

NEW_UID = "2.25.4711"
OTHER: dict[str, Value] = {"PatientID": "7", "PatientName": "Łuk^Ωμέγα", "AccessionNumber": "B2"}


def ask(tmp_path: Path, file: Path, attributes: dict[str, Value] = OTHER) -> dict[str, Any]:
    into = tmp_path / "into"
    into.mkdir(exist_ok=True)
    body = {
        "file": str(file),
        "attributes": attributes,
        "into": str(into),
        "sop_instance_uid": NEW_UID,
    }
    (instance,) = reidentify(body)["instances"]
    return dict(instance)


@pytest.mark.parametrize("compression", ["JPEGLSLossless", "RLELossless", "None"])
@pytest.mark.parametrize("frames", [(colours(),), (greys(), greys()), (deep(), deep(), deep())])
def test_the_pixel_data_stay_byte_for_byte(
    tmp_path: Path, compression: str, frames: tuple[Any, ...]
) -> None:
    made = made_of(tmp_path, picture(*frames), compression=(compression,))

    answer = ask(tmp_path, made.file)

    assert dcmread(answer["file"]).PixelData == dcmread(made.file).PixelData
    assert answer["transfer_syntax_uid"] == made.transfer_syntax_uid
    assert faults(tmp_path / "into" / f"tmp.{NEW_UID}.dcm") == []


def test_nothing_of_the_other_patient_or_their_order_stays(tmp_path: Path) -> None:
    made = made_of(tmp_path, picture(greys()))
    read = dcmread(made.file)
    read.PatientComments = "allergic"
    read.OtherPatientIDsSequence = [Dataset()]
    read.AdmissionID = "X"
    dcmwrite(tmp_path / "more.dcm", read)

    copy = dcmread(ask(tmp_path, tmp_path / "more.dcm")["file"])

    assert (copy.PatientID, str(copy.PatientName)) == ("7", "Łuk^Ωμέγα")
    assert (copy.PatientBirthDate, copy.PatientSex, copy.AccessionNumber) == ("", "", "B2")
    for keyword in ("PatientComments", "OtherPatientIDsSequence", "AdmissionID"):
        assert keyword not in copy


def test_the_order_of_the_other_patient_is_emptied_when_none_is_said(tmp_path: Path) -> None:
    made = made_of(tmp_path, picture(greys()))

    copy = dcmread(ask(tmp_path, made.file, {"PatientID": "7"})["file"])

    assert copy.AccessionNumber == ""


def test_without_another_patient_the_patient_stays(tmp_path: Path) -> None:
    made = made_of(tmp_path, picture(greys()))

    copy = dcmread(ask(tmp_path, made.file, {"AccessionNumber": "B2"})["file"])

    assert (copy.PatientID, copy.AccessionNumber) == ("00042", "B2")
    assert copy.PatientBirthDate == "19700131"


def test_it_is_a_new_instance_of_a_new_study_and_series_and_ever_the_same(tmp_path: Path) -> None:
    made = made_of(tmp_path, picture(greys()))

    first = ask(tmp_path, made.file)
    again = ask(tmp_path, made.file)

    assert first == again
    assert first["sop_instance_uid"] == NEW_UID
    assert first["study_instance_uid"] != made.study_instance_uid
    assert first["series_instance_uid"] != made.series_instance_uid
    data = (tmp_path / "into" / f"tmp.{NEW_UID}.dcm").read_bytes()
    assert (first["sha256"], first["size"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_two_images_of_a_series_stay_together(tmp_path: Path) -> None:
    one = ask(tmp_path, made_of(tmp_path / "a", picture(greys())).file)
    two = ask(tmp_path, made_of(tmp_path / "b", picture(greys() // 2)).file)

    assert one["series_instance_uid"] == two["series_instance_uid"]


def test_a_study_that_was_named_is_taken(tmp_path: Path) -> None:
    made = made_of(tmp_path, picture(greys()))

    answer = ask(tmp_path, made.file, {**OTHER, "StudyInstanceUID": "1.2.3"})

    assert answer["study_instance_uid"] == "1.2.3"


@pytest.mark.filterwarnings("ignore:The value for the data element")
def test_names_in_any_character_set_arrive_in_unicode(tmp_path: Path) -> None:
    read = dcmread(made_of(tmp_path, picture(greys())).file)
    read.SpecificCharacterSet = "ISO_IR 100"
    read.ReferringPhysicianName = "Groß^Ärztin"
    dcmwrite(tmp_path / "latin.dcm", read)

    copy = dcmread(ask(tmp_path, tmp_path / "latin.dcm")["file"])

    assert copy.SpecificCharacterSet == "ISO_IR 192"
    assert str(copy.ReferringPhysicianName) == "Groß^Ärztin"


def test_a_value_that_cannot_be_leaves_no_file(tmp_path: Path) -> None:
    made = made_of(tmp_path, picture(greys()))

    with pytest.raises(IdentityError, match="PatientBirthDate"):
        ask(tmp_path, made.file, {"PatientID": "7", "PatientBirthDate": "31.01.1970"})

    assert not list((tmp_path / "into").iterdir())


def test_a_deflated_object_cannot_be_given_one(tmp_path: Path) -> None:
    read = dcmread(made_of(tmp_path, picture(greys()), compression=("None",)).file)
    read.file_meta.TransferSyntaxUID = UID(DEFLATED)
    dcmwrite(tmp_path / "deflated.dcm", read)

    with pytest.raises(EncodingError, match="cannot be given an identity"):
        ask(tmp_path, tmp_path / "deflated.dcm")
