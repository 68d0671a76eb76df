"""Profiles of devices: a site's own first, and every fault of one told with its place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import ConfigError
from passerelle.profile import PLAIN, load_profile, profile_names, read_profile

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / "profiles" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def fault(folder: Path, text: str) -> str:
    path = written(folder, "bad", text)
    with pytest.raises(ConfigError) as caught:
        read_profile(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_without_a_name_any_picture_is_a_secondary_capture() -> None:
    assert load_profile(None) is PLAIN
    assert PLAIN.sop_class == "SecondaryCapture"


def test_a_shipped_profile_is_found_by_its_name(tmp_path: Path) -> None:
    profile = load_profile("ultrasound-still", tmp_path)
    assert (profile.name, profile.sop_class) == ("ultrasound-still", "Ultrasound")


def test_a_sites_own_profile_beside_the_config_hides_a_shipped_one(tmp_path: Path) -> None:
    path = written(tmp_path, "ultrasound-still", 'summary = "Ours"\nmodality = "IVUS"')
    profile = load_profile("ultrasound-still", tmp_path)
    assert (profile.summary, profile.modality) == ("Ours", "IVUS")
    assert profile_names(tmp_path)["ultrasound-still"] == path
    assert profile_names()["ultrasound-still"] != path


def test_a_profile_without_a_name_is_called_like_its_file(tmp_path: Path) -> None:
    assert read_profile(written(tmp_path, "room-3", "")).name == "room-3"
    assert read_profile(written(tmp_path, "room-4", 'name = "cardio"')).name == "cardio"


def test_an_unknown_name_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    written(tmp_path, "room-3", "")
    with pytest.raises(ConfigError, match=r"^profile rom-3: unknown; known are: ") as caught:
        load_profile("rom-3", tmp_path)
    assert "room-3" in str(caught.value)


def test_attributes_keep_their_kinds(tmp_path: Path) -> None:
    text = (
        "[attributes]\n"
        'BodyPartExamined = "HEART"\n'
        "PixelSpacing = ['0.1', '0.1']\n"
        "SeriesNumber = 3\n"
        "SliceThickness = 1.5\n"
    )
    assert read_profile(written(tmp_path, "room-3", text)).attributes == {
        "BodyPartExamined": "HEART",
        "PixelSpacing": ["0.1", "0.1"],
        "SeriesNumber": 3,
        "SliceThickness": 1.5,
    }


def test_a_raw_layout_has_defaults_for_what_is_not_said(tmp_path: Path) -> None:
    raw = read_profile(written(tmp_path, "room-3", "raw = {rows = 4, columns = 5}")).raw
    assert raw is not None
    assert (raw.bits_allocated, raw.samples, raw.frames, raw.suffixes) == (
        8,
        1,
        0,
        (".raw", ".bin"),
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("colour = 1", "colour: Extra inputs are not permitted"),
        ('sop_class = "Photo"', "sop_class: Input should be "),
        ('modality = "us"', "modality: String should match pattern"),
        ('filename = "(?P<PatientID>"', "filename: Value error, not a regular expression: "),
        ("compression = []", "compression: Tuple should have at least 1 item"),
        ("raw = {rows = 0, columns = 5}", "raw.rows: Input should be greater than or equal to 1"),
        (
            "raw = {rows = 4, columns = 5, bits_stored = 12}",
            "raw: Value error, bits_stored 12 is more than bits_allocated",
        ),
        ("raw = {rows = '4', columns = 5}", "raw.rows: Input should be a valid integer"),
        ("= 1", "Invalid statement"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    assert fault(tmp_path, text).startswith(place)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    told = fault(tmp_path, 'colour = 1\nmodality = "us"').splitlines()
    assert len(told) == 2


def test_a_date_is_no_attribute_but_a_fault(tmp_path: Path) -> None:
    assert fault(tmp_path, "[attributes]\nStudyDate = 2026-01-31").startswith(
        "attributes.StudyDate"
    )


@pytest.mark.parametrize("content", [b"summary = '\xe9'", None], ids=["Latin-1", "a folder"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        read_profile(path)


@pytest.mark.parametrize(
    ("wanted", "usable"),
    [
        ('"HTJ2KLossless"', False),
        ('"HTJ2KLossless", "JPEG2000Lossless"', False),
        ('"HTJ2KLossless", "JPEGLSLossless"', True),
        ('"None"', True),
    ],
)
def test_a_compression_that_nothing_here_encodes_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, wanted: str, usable: bool
) -> None:
    for extra in ("imagecodecs", "openjpeg"):
        monkeypatch.setitem(sys.modules, extra, None)  # as if it were not installed
    written(tmp_path, "scope", f"compression = [{wanted}]")
    if usable:
        assert load_profile("scope", tmp_path).name == "scope"
        return
    with pytest.raises(ConfigError, match=r"^profile scope: .* install passerelle\[htj2k\]$"):
        load_profile("scope", tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[masks]]\nsize = [9, 9]\nboxes = []", "masks.0.boxes: Tuple should have at least 1"),
        ("[[masks]]\nsize = [9, 9]\nboxes = [[5, 0, 5, 1]]", "reaches beyond the picture of 9 x 9"),
        ("[[crop]]\nsize = [9, 9]\nbox = [0, 8, 1, 2]", "reaches beyond the picture of 9 x 9"),
        ("[[crop]]\nbox = [0, 0, 1, 1]", "crop.0.size: Field required"),
        (
            "[[orientation]]\nsize = [9, 9]\nrotate = 45",
            "orientation.0.rotate: Input should be 0, 90",
        ),
        (
            "[[orientation]]\nsize = [9, 9]\n" * 2,
            "orientation: Value error, size [9, 9] is there twice",
        ),
        ('region = ["1"]', "region.1: Field required"),
    ],
)
def test_what_is_done_to_pictures_is_checked(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in fault(tmp_path, text)
