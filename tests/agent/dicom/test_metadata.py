from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from passerelle.dicom.metadata import Exif, clean, icc_profile

_ORIGINAL, _DIGITIZED, _CHANGED = 0x9003, 0x9004, 0x0132
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _exif(tags: dict[int, Any], *, is_scan: bool = False) -> Exif:
    image = Image.Exif()
    image.update({tag: value for tag, value in tags.items() if tag < 0x8000})
    image.get_ifd(0x8769).update({tag: value for tag, value in tags.items() if tag >= 0x8000})
    if is_scan:
        return Exif(image, is_scan=True)
    return Exif.parse(image.tobytes()[len(b"Exif\0\0") :])


def test_the_maker_and_the_model_are_told() -> None:
    exif = _exif({0x010F: "ACME", 0x0110: "Fundus 3", 0x0131: "1.2", 0xA431: "0815"})
    assert exif.attributes() == {
        "Manufacturer": "ACME",
        "ManufacturerModelName": "Fundus 3",
        "SoftwareVersions": "1.2",
        "DeviceSerialNumber": "0815",
    }


def test_position_comments_and_owners_are_not_told() -> None:
    exif = _exif({0x9286: b"ASCII\0\0\0Doe^Jane", 0xA430: "Dr Who", 0x013B: "Dr Who"})
    assert exif.attributes() == exif.photographic() == {}


@pytest.mark.parametrize(
    ("tags", "moment"),
    [
        ({_ORIGINAL: "2026:01:31 23:59:58"}, "20260131235958"),
        ({_ORIGINAL: "2026:01:31 23:59:58", 0x9291: "25"}, "20260131235958.25"),
        ({_ORIGINAL: "2026:01:31 23:59:58", 0x9011: "+01:00"}, "20260131235958+0100"),
        ({_DIGITIZED: "2026:01:31 23:59:58", 0x9292: "1234567"}, "20260131235958.123456"),
        ({_ORIGINAL: "0000:00:00 00:00:00", _DIGITIZED: "2026:01:31 23:59:58"}, "20260131235958"),
        ({_ORIGINAL: "2026:02:30 10:00:00"}, None),
        ({_ORIGINAL: "    :  :     :  :  "}, None),
        ({_ORIGINAL: "2026:01:31 23:59:58", 0x9011: "local"}, "20260131235958"),
        ({_CHANGED: "2026:01:31 23:59:58"}, None),
    ],
)
def test_the_moment_of_the_picture_is_told_if_there_is_one(
    tags: dict[int, Any], moment: str | None
) -> None:
    assert _exif(tags).attributes().get("AcquisitionDateTime") == moment


def test_a_scan_was_made_when_its_file_was() -> None:
    exif = _exif({_CHANGED: "2026:01:31 23:59:58"}, is_scan=True)
    assert exif.attributes() == {"AcquisitionDateTime": "20260131235958"}


def test_lens_and_exposure_are_told_for_photographs() -> None:
    exif = _exif(
        {
            0x829A: IFDRational(1, 125),
            0x829D: IFDRational(28, 10),
            0x8827: 400,
            0x920A: IFDRational(50, 1),
            0xA405: 75,
        }
    )
    assert exif.photographic() == {
        "ExposureTimeInSeconds": "0.008",
        "FNumber": "2.8",
        "PhotographicSensitivity": 400,
        "FocalLength": "50",
        "FocalLengthIn35mmFilm": 75,
    }


def test_numbers_that_are_none_are_not_told() -> None:
    assert (
        _exif({0x829A: IFDRational(1, 0), 0x829D: IFDRational(0, 1), 0x8827: 0}).photographic()
        == {}
    )


@pytest.mark.parametrize("tiff", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"garbage" * 9])
def test_damaged_exif_is_as_good_as_none(tiff: bytes) -> None:
    exif = Exif.parse(tiff)
    assert exif.orientation == 1
    assert exif.attributes() == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ACME\0\0rest", "ACME"),
        (b"Caf\xc3\xa9", "Caf\u00e9"),
        (b"Caf\xe9", "Caf"),
        ("two\r\nlines", "two lines"),
        ("a\\b", "a/b"),
        ("x" * 100, "x" * 64),
        ("   ", ""),
    ],
)
def test_text_of_a_file_becomes_a_value(text: str | bytes, expected: str) -> None:
    assert clean(text) == expected


def test_an_icc_profile_is_kept_where_it_fits() -> None:
    assert icc_profile(_SRGB, samples=3) == (_SRGB, "")
    assert icc_profile(None, samples=3) == (None, "")


@pytest.mark.parametrize(
    ("profile", "samples", "reason"),
    [
        (_SRGB, 1, "another colour space"),
        (_SRGB[:-1], 3, "damaged"),
        (_SRGB[:100], 3, "damaged"),
        (_SRGB[:36] + b"xxxx" + _SRGB[40:], 3, "damaged"),
    ],
)
def test_an_icc_profile_that_does_not_fit_is_left_out_and_told(
    profile: bytes, samples: int, reason: str
) -> None:
    kept, note = icc_profile(profile, samples=samples)
    assert kept is None
    assert reason in note
