from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import keyword_dict

from passerelle.dicom.identify import elements
from passerelle.errors import IdentityError

if TYPE_CHECKING:
    from passerelle.model import Value


def refusal(keyword: str, value: Value) -> str:
    with pytest.raises(IdentityError) as caught:
        elements({keyword: value})
    error = caught.value
    assert (
        error.__suppress_context__ or error.__context__ is None
    )  # the library's own text quotes the value
    return str(caught.value)


def test_an_unknown_keyword_is_told_with_its_nearest() -> None:
    text = refusal("PatientBirthDte", "19700131")

    assert text == ("identity: PatientBirthDte is no DICOM keyword; did you mean PatientBirthDate?")


def test_what_is_no_word_at_all_is_not_repeated() -> None:
    assert "Jörg" not in refusal("Müller Jörg", "1")


def test_who_said_it_is_named() -> None:
    with pytest.raises(IdentityError, match=r"^profile fundus: Foo "):
        elements({"Foo": "1"}, "profile fundus")


@pytest.mark.parametrize(
    ("keyword", "value", "fault"),
    [
        ("PatientBirthDate", "1970-01-31", "is not a date as YYYYMMDD"),
        ("PatientBirthDate", "19700230", "is no day of the calendar"),
        ("PatientBirthDate", "19700101-19701231", "is not a date as YYYYMMDD"),
        ("StudyTime", "25:00", "is not a time as HHMMSS"),
        ("PatientAge", "4", "is not an age as 042Y"),
        ("PatientID", 42, "must be text in quotes"),
        ("PatientID", "x" * 65, "does not fit"),
        ("PatientID", "4\\2", "holds a backslash"),
        ("PatientID", "4\n2", "holds control characters"),
        ("PatientID", "\udcff", "holds bytes that are no text"),
        ("PatientID", ["1", "2"], "takes one value"),
        ("PatientName", "a^b^c^d^e^f", "more than five parts"),
        ("PatientName", "x" * 65, "does not fit"),
        ("PatientSex", "male", "does not fit"),
        ("PatientSex", "X", "must be one of F, M, O"),
        ("AccessionNumber", "x" * 17, "does not fit"),
        ("StudyInstanceUID", "1.02.3", "does not fit"),
        ("ImageLaterality", "LEFT", "must be one of"),
        ("PixelSpacing", [0.1], "takes at least 2 values"),
        ("PixelSpacing", [1.0, 2.0, 3.0], "takes at most 2 values"),
        ("PatientWeight", "7,5", "does not fit"),
        ("ExposureProgram", "auto", "is no whole number"),
        ("TubeAngle", "long", "is no number"),
        ("ProcedureCodeSequence", "P1", "cannot be said as text"),
    ],
)
def test_a_value_that_does_not_fit_is_told_without_the_value(
    keyword: str, value: Value, fault: str
) -> None:
    text = refusal(keyword, value)

    assert text.startswith(f"identity: {keyword} ")
    assert fault in text
    assert not isinstance(value, str) or value not in text.removesuffix("042Y")


@pytest.mark.parametrize(
    "keyword",
    [
        "Rows",
        "PixelData",
        "PhotometricInterpretation",
        "SOPClassUID",
        "SOPInstanceUID",
        "SpecificCharacterSet",
        "TransferSyntaxUID",
        "MediaStorageSOPInstanceUID",
        "NumberOfFrames",
    ],
)
def test_what_only_the_file_knows_is_not_to_be_said(keyword: str) -> None:
    assert "is not to be given" in refusal(keyword, "1")


def test_values_are_kept_as_they_were_said() -> None:
    dataset = elements(
        {
            "PatientID": "00042",
            "PatientName": "Yamada^Tarou=山田^太郎",
            "PatientWeight": 71.5,
            "SeriesNumber": 3,
            "PixelSpacing": [0.125, 0.125],
            "OtherPatientNames": ["Łukasz", "Ωμέγα"],
            "PatientComments": "two\nlines \\ one",
            "ExposureProgram": "2",
            "AccessionNumber": "",
        }
    )

    assert dataset.PatientID == "00042"
    assert str(dataset.PatientName) == "Yamada^Tarou=山田^太郎"
    assert (dataset.PatientWeight, dataset.SeriesNumber) == (71.5, 3)
    assert list(dataset.PixelSpacing) == [0.125, 0.125]
    assert [str(name) for name in dataset.OtherPatientNames] == ["Łukasz", "Ωμέγα"]
    assert dataset.PatientComments == "two\nlines \\ one"
    assert (dataset.ExposureProgram, dataset.AccessionNumber) == (2, "")


@pytest.mark.parametrize(("said", "stored"), [("OD", "R"), ("OS", "L"), ("OU", "B"), ("R", "R")])
def test_an_eye_may_be_named_as_its_device_names_it(said: str, stored: str) -> None:
    assert elements({"ImageLaterality": said}).ImageLaterality == stored


def test_spaces_around_a_value_are_padding() -> None:
    assert elements({"PatientID": " 00042 "}).PatientID == "00042"


@given(
    keyword=st.sampled_from(sorted(keyword_dict)) | st.text(max_size=20),
    value=st.text(max_size=80) | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_is_said_is_an_element_or_an_identity_error(
    keyword: str, value: str | float
) -> None:
    try:
        dataset = elements({keyword: value})
    except IdentityError:
        return
    assert keyword in dataset
