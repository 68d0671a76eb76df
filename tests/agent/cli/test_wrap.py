"""`passerelle wrap`: the agent's builder on single files; one that is refused stops no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydicom import dcmread

from intake_support import PATIENT, png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told


def test_a_picture_and_a_patient_make_an_object(run: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    told = run("wrap", "a.png", "--set", "PatientID=42", "--set", "PatientName=Doe^Jane", "-o", "o")
    assert (told.code, told.out.split()) == (0, ["o/a.dcm"])
    made = dcmread(tmp_path / "o" / "a.dcm")
    assert (made.PatientID, str(made.PatientName)) == ("42", "Doe^Jane")


def test_one_file_is_refused_and_the_others_are_done(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    for name, content in (("a.png", png()), ("b.png", b"no picture"), ("c.png", png(7))):
        (tmp_path / name).write_bytes(content)
    told = run("wrap", "a.png", "b.png", "gone.png", "c.png", "--set", "PatientID=42", "-o", "o")
    assert told.code == 1
    assert told.out.split() == ["o/a.dcm", "o/c.dcm"]
    assert [line.partition(":")[0] for line in told.err.splitlines()] == ["b.png", "gone.png"]
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"a.dcm", "c.dcm"}


def test_a_sidecar_says_whose_it_is_and_an_option_has_the_last_word(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    for name, sidecar in (("a.png", "a.png.json"), ("b.png", "b.json")):
        (tmp_path / name).write_bytes(png())
        (tmp_path / sidecar).write_text(json.dumps(PATIENT), "utf-8")
    assert run("wrap", "a.png", "b.png", "--set", "StudyDescription=Hip", "-o", "o").code == 0
    for name in ("a.dcm", "b.dcm"):
        made = dcmread(tmp_path / "o" / name)
        assert (str(made.PatientName), made.StudyDescription) == ("Müller^Jörg", "Hip")


def test_without_a_patient_nothing_is_made(run: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    told = run("wrap", "a.png", "-o", "o")
    assert told.code == 1
    assert told.err == "a.png: whose it is is not said: --set PatientID=…, or a sidecar\n"
    assert list((tmp_path / "o").iterdir()) == []


def test_an_attribute_that_does_not_exist_is_refused_by_its_name(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    told = run("wrap", "a.png", "--set", "PatientID=42", "--set", "PatientIdd=1", "-o", "o")
    assert told.code == 1
    assert "PatientIdd" in told.err


def test_the_same_input_gives_the_same_object(run: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    for folder in ("one", "two"):
        assert run("wrap", "a.png", "--set", "PatientID=42", "-o", folder).code == 0
    assert (tmp_path / "one/a.dcm").read_bytes() == (tmp_path / "two/a.dcm").read_bytes()


def test_two_patients_make_two_objects_of_one_file(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    for patient in ("42", "43"):
        assert run("wrap", "a.png", "--set", f"PatientID={patient}", "-o", patient).code == 0
    uids = {dcmread(tmp_path / one / "a.dcm").SOPInstanceUID for one in ("42", "43")}
    assert len(uids) == 2
