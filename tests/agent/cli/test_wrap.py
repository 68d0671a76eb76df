"""`passerelle wrap`: objects of single files, whose patient the options or a sidecar tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydicom import dcmread

from intake_support import png
from worker_support import FILES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told

    Run = Callable[..., Told]

WHO = ("--set", "PatientID=42", "--set", "PatientName=Doe^Jane")


def file(folder: Path, name: str = "scan.png", content: bytes = b"") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or png())
    return path


def test_a_picture_becomes_an_object_of_whose_the_options_say(run: Run, tmp_path: Path) -> None:
    file(tmp_path)
    told = run("wrap", "scan.png", *WHO, "--set", "StudyDescription=Knee", "-o", "made/here")
    assert (told.code, told.out, told.err) == (0, "made/here/scan.dcm\n", "")
    made = dcmread(tmp_path / "made/here/scan.dcm")
    assert (made.PatientID, made.PatientName, made.StudyDescription) == ("42", "Doe^Jane", "Knee")
    assert made.pixel_array.shape == (12, 16)


def test_a_sidecar_tells_whose_it_is_and_the_options_add_to_it(run: Run, tmp_path: Path) -> None:
    for name, sidecar in (("a.png", "a.png.json"), ("b.png", "b.json")):
        file(tmp_path, name)
        said = {"PatientID": "7", "PatientName": "Müller^Jörg"}
        (tmp_path / sidecar).write_text(json.dumps(said), "utf-8")
    assert run("wrap", "a.png", "b.png", "--set", "AccessionNumber=A1", "-o", ".").code == 0
    for name in ("a.dcm", "b.dcm"):
        made = dcmread(tmp_path / name)
        assert (made.PatientID, str(made.PatientName)) == ("7", "Müller^Jörg")
        assert made.AccessionNumber == "A1"


def test_two_answers_to_whose_it_is_are_refused(run: Run, tmp_path: Path) -> None:
    file(tmp_path, "a.png")
    (tmp_path / "a.json").write_text('{"PatientID": "7", "PatientName": "Doe^Jane"}')
    told = run("wrap", "a.png", "--set", "PatientID=42", "-o", "out")
    assert told.code == 1
    assert "another PatientID than the sidecar" in told.err
    assert not list((tmp_path / "out").iterdir())


def test_one_that_is_refused_is_told_and_the_others_are_done(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    files = [file(tmp_path, "bad.png", b"Dear colleague"), file(tmp_path)]
    told = run("wrap", *files, "folder", "gone.png", *WHO, "-o", "out")
    assert told.code == 1
    assert told.out == "out/scan.dcm\n"
    assert [line.partition(": ")[0] for line in told.err.splitlines()] == [
        *(str(files[0]), "folder", "gone.png"),
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scan.dcm"]


def test_a_picture_that_nobody_is_named_for_is_refused(run: Run, tmp_path: Path) -> None:
    file(tmp_path)
    told = run("wrap", "scan.png", "-o", "out")
    assert told.code == 1
    assert "--set PatientID" in told.err


def test_a_sidecar_that_cannot_be_used_refuses_its_picture(run: Run, tmp_path: Path) -> None:
    file(tmp_path)
    (tmp_path / "scan.json").write_text("{")
    told = run("wrap", "scan.png", *WHO, "-o", "out")
    assert told.code == 1
    assert told.err.startswith("scan.png: ")


def test_an_attribute_that_dicom_does_not_know_is_refused(run: Run, tmp_path: Path) -> None:
    file(tmp_path)
    told = run("wrap", "scan.png", *WHO, "--set", "PatientShoeSize=43", "-o", "out")
    assert told.code == 1
    assert "PatientShoeSize" in told.err


def test_a_profile_says_what_it_becomes(run: Run, tmp_path: Path) -> None:
    file(tmp_path)
    told = run("wrap", "scan.png", *WHO, "--profile", "ultrasound-still", "-o", "out")
    assert told.code == 0
    assert dcmread(tmp_path / "out/scan.dcm").Modality == "US"


def test_the_same_file_is_the_same_object_and_another_does_not_replace_it(
    run: Run, tmp_path: Path
) -> None:
    file(tmp_path, "left/scan.png")
    file(tmp_path, "right/scan.png", png(7))
    for _ in range(2):
        told = run("wrap", "left/scan.png", "right/scan.png", *WHO, "-o", "out")
        assert told.out.splitlines() == ["out/scan.dcm", "out/scan (2).dcm"]
    made = [dcmread(path) for path in (tmp_path / "out").iterdir()]
    assert len({one.SOPInstanceUID for one in made}) == 2


def test_a_file_of_several_objects_numbers_them(run: Run, tmp_path: Path) -> None:
    file(tmp_path, "mixed.tif", FILES["mixed.tif"])
    told = run("wrap", "mixed.tif", *WHO, "-o", "out")
    assert told.code == 0
    assert told.out.splitlines() == [f"out/mixed-{number}.dcm" for number in (1, 2, 3)]


def test_two_patients_make_two_objects_of_one_file(run: Run, tmp_path: Path) -> None:
    file(tmp_path, "a.png")
    for patient in ("42", "43"):
        assert run("wrap", "a.png", "--set", f"PatientID={patient}", "-o", patient).code == 0
    uids = {dcmread(tmp_path / one / "a.dcm").SOPInstanceUID for one in ("42", "43")}
    assert len(uids) == 2
