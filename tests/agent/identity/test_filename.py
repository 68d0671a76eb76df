"""A file name says whose it is only if all of it fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from passerelle.errors import IdentityError
from passerelle.identity.filename import FilenameIdentifier
from passerelle.model import Acquisition, Fingerprint, Identity

PATTERN = r"(?P<PatientID>\d+)_(?P<PatientBirthDate>[\d.]+)(_(?P<AccessionNumber>\w+))?\.png"


def identify(name: str, pattern: str = PATTERN, form: str | None = "%d%m%Y") -> Identity | None:
    acquisition = Acquisition(
        source="export",
        media=Path("/export") / name,
        name=name,
        fingerprint=Fingerprint(size=1, mtime_ns=1, inode=1, device=1),
    )
    return FilenameIdentifier(pattern, form).identify(acquisition)


def test_named_groups_are_attributes_and_dates_are_written_as_dicom_does() -> None:
    found = identify("room 3/00042_31011970_A1.png")
    assert found == Identity(
        attributes={
            "PatientID": "00042",
            "PatientBirthDate": "19700131",
            "AccessionNumber": "A1",
        },
        resolver="filename",
    )


def test_a_group_that_took_no_part_is_no_attribute() -> None:
    found = identify("00042_31011970.png")
    assert found
    assert set(found.attributes) == {"PatientID", "PatientBirthDate"}


@pytest.mark.parametrize(
    "name",
    ["00042_31011970.png.bak", "x00042_31011970.png", "00042_31011970.png\n", "IMG_0001.png"],
)
def test_a_name_that_does_not_fit_whole_says_nothing(name: str) -> None:
    assert identify(name) is None


def test_without_a_patient_nothing_is_said() -> None:
    assert identify("A1.png", r"(?P<AccessionNumber>\w+)\.png") is None
    assert identify("_A1.png", r"(?P<PatientID>\d*)_(?P<AccessionNumber>\w+)\.png") is None


@pytest.mark.parametrize(
    ("date", "fault"), [("31021970", "no date"), ("1111970", "not exactly"), ("...", "no date")]
)
def test_an_impossible_date_is_an_error_that_does_not_quote_it(date: str, fault: str) -> None:
    with pytest.raises(IdentityError, match=f"filename: PatientBirthDate is {fault}") as caught:
        identify(f"00042_{date}.png")
    assert date not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_without_a_form_dates_are_taken_as_they_stand() -> None:
    found = identify("00042_19700131.png", form=None)
    assert found
    assert found.attributes["PatientBirthDate"] == "19700131"
