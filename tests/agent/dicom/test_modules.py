from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread

from objects_support import WHOSE, picture, wrapping
from passerelle.dicom.build import instance_of
from passerelle.errors import IdentityError
from passerelle.model import Value, derived_uid
from pictures_support import greys
from support import peer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from passerelle.dicom.request import Wrapping

GREY = picture(greys())


def stored(asked: Wrapping, **fields: object) -> FileDataset:
    return dcmread(instance_of(asked, replace(GREY, **fields), 0).file)  # type: ignore[arg-type] # any field


def said(tmp_path: Path, *without: str, **others: Value) -> FileDataset:
    attributes: Mapping[str, Value] = {
        keyword: value for keyword, value in {**WHOSE, **others}.items() if keyword not in without
    }
    return stored(wrapping(tmp_path, attributes))


def test_whose_it_is_and_what_made_it_are_written(tmp_path: Path) -> None:
    read = said(tmp_path)

    assert (read.PatientID, str(read.PatientName)) == ("00042", "Müller^Jörg")
    assert (read.PatientBirthDate, read.PatientSex, read.AccessionNumber) == ("19700131", "M", "A1")
    assert (read.Manufacturer, read.ManufacturerModelName) == ("Acme", "Sono 3")
    assert (read.StationName, read.InstitutionName) == ("ROOM3", "CHU")
    assert read.InstitutionalDepartmentName == "Cardiology"


@pytest.mark.parametrize("name", ["Müller^Jörg", "Łukasz", "Ωμέγα", "山田^太郎", "ñandú^Peña"])
def test_any_name_arrives_as_other_programs_read_it(tmp_path: Path, name: str) -> None:
    made = instance_of(wrapping(tmp_path, {**WHOSE, "PatientName": name}), GREY, 0)

    shown = subprocess.run(
        [peer("dcmdump"), "+P", "PatientName", "+P", "SpecificCharacterSet", made.file],
        capture_output=True,
        check=True,
    ).stdout.decode("utf-8")
    assert f"[{name}]" in shown
    assert "ISO_IR 192" in shown


def test_a_profile_speaks_where_nobody_else_does_and_the_one_who_identifies_last(
    tmp_path: Path,
) -> None:
    profile = {"InstitutionName": "profile", "BodyPartExamined": "HEART", "PatientSex": "O"}
    asked = wrapping(tmp_path, WHOSE, attributes=profile)

    read = stored(asked, attributes={"BodyPartExamined": "LIVER", "Manufacturer": "camera"})

    assert (read.PatientSex, read.BodyPartExamined) == ("M", "LIVER")
    assert (read.InstitutionName, read.Manufacturer) == ("CHU", "Acme")


@pytest.mark.parametrize("patient_id", [None, "", "  "])
def test_nothing_is_made_for_nobody(tmp_path: Path, patient_id: str | None) -> None:
    attributes = {} if patient_id is None else {"PatientID": patient_id}

    with pytest.raises(IdentityError, match="PatientID is missing"):
        stored(wrapping(tmp_path, attributes))


def test_without_dates_they_are_when_the_file_was_written(tmp_path: Path) -> None:
    read = said(tmp_path)

    assert read.AcquisitionDateTime == "20260301101112.000123+0100"
    assert (read.StudyDate, read.StudyTime) == ("20260301", "101112.000123")
    assert (read.ContentDate, read.ContentTime) == ("20260301", "101112.000123")
    assert read.TimezoneOffsetFromUTC == "+0100"


def test_what_the_file_says_of_its_time_goes_before_when_it_was_written(tmp_path: Path) -> None:
    taken = {"AcquisitionDateTime": "20250704183000.5-0500"}

    read = stored(wrapping(tmp_path), attributes=taken)

    assert (read.AcquisitionDate, read.AcquisitionTime) == ("20250704", "183000.5")
    assert read.TimezoneOffsetFromUTC == "-0500"


def test_a_date_that_was_said_gets_no_time_of_another_day(tmp_path: Path) -> None:
    read = said(tmp_path, StudyDate="20200101")

    assert (read.StudyDate, read.StudyTime) == ("20200101", "")


def test_a_study_that_was_named_is_kept(tmp_path: Path) -> None:
    assert said(tmp_path, StudyInstanceUID="1.2.3").StudyInstanceUID == "1.2.3"


def test_one_order_is_one_study_and_another_order_another(tmp_path: Path) -> None:
    first = said(tmp_path, StudyDate="20260101").StudyInstanceUID
    same = said(tmp_path, StudyDate="20260102").StudyInstanceUID
    other = said(tmp_path, AccessionNumber="A2").StudyInstanceUID
    patient = said(tmp_path, PatientID="00043").StudyInstanceUID

    assert first == same == derived_uid("test", "study", "00042", "A1")
    assert len({first, other, patient}) == 3


def test_without_an_order_one_day_of_a_patient_is_one_study(tmp_path: Path) -> None:
    days = [
        said(tmp_path, "AccessionNumber", StudyDate=day).StudyInstanceUID
        for day in ("20260101", "20260101", "20260102")
    ]

    assert days[0] == days[1] != days[2]


def test_a_series_is_of_one_class_and_one_profile(tmp_path: Path) -> None:
    series = {
        stored(wrapping(tmp_path, WHOSE, **profile)).SeriesInstanceUID
        for profile in (
            {},
            {"sop_class": "Ultrasound"},
            {"name": "other"},
            {"modality": "XA"},
        )
    }

    assert len(series) == 4


def test_laterality_is_empty_only_while_no_body_part_is_known(tmp_path: Path) -> None:
    assert said(tmp_path).Laterality == ""
    assert "Laterality" not in said(tmp_path, BodyPartExamined="HEART")


def test_nothing_of_the_library_or_the_clock_is_in_the_bytes(tmp_path: Path) -> None:
    first = instance_of(wrapping(tmp_path), GREY, 0)
    data = first.file.read_bytes()

    again = instance_of(wrapping(tmp_path), GREY, 0)

    assert again == first
    assert again.file.read_bytes() == data
    assert b"PYDICOM" not in data


def test_an_empty_value_says_nothing(tmp_path: Path) -> None:
    keywords = ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "InstanceNumber", "StudyDate")

    read = said(tmp_path, **dict.fromkeys(keywords, ""))

    assert read.StudyInstanceUID == derived_uid("test", "study", "00042", "A1")
    assert (read.Modality, read.InstanceNumber, read.StudyDate) == ("OT", 7, "20260301")
    assert read.SeriesInstanceUID.startswith("2.25.")
