"""`passerelle exam`: with an agent and without one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from command_support import configured
from passerelle.config import load
from passerelle.supervisor import Agent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from command_support import Told


@pytest.fixture(params=["with an agent", "without one"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = configured(tmp_path)
    agent = Agent(load(path), tmp_path)
    agent.start()
    if request.param == "without one":
        agent.stop()
    yield path
    if request.param == "with an agent":
        agent.stop()


def test_an_exam_is_opened_shown_and_closed(run: Callable[..., Told], config: Path) -> None:
    assert run("exam", "show", "-c", config).out == "no exam was ever opened\n"
    more = ("--accession", "A1", "--set", "StudyDescription=Knee")
    told = run("exam", "open", "-c", config, "--patient-id", "00042", *more)
    assert (told.code, told.out) == (0, "open\n")
    told = run("exam", "show", "-c", config, "--json")
    exam = json.loads(told.out)
    assert told.code == 0
    assert exam["attributes"] == {
        "PatientID": "00042",
        "AccessionNumber": "A1",
        "StudyDescription": "Knee",
    }
    assert (exam["open"], exam["opened_by"], exam["closed_at"]) == (True, "session", None)
    assert exam["opened_at"].endswith("Z")
    assert run("exam", "close", "-c", config).out == "closed\n"
    told = run("exam", "show", "-c", config)
    assert told.code == 1
    assert told.out.startswith("opened by session at 20")
    assert "  PatientID: 00042\n" in told.out
    again = run("exam", "close", "-c", config)
    assert (again.code, again.err) == (1, "none was open\n")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--patient-id", " "], "PatientID is missing"),
        (["--patient-id", "1", "--set", "PatientID=2"], "PatientID is said twice"),
        (["--patient-id", "1", "--set", "PatientIdentifier=2"], "a keyword of DICOM"),
        (["--patient-id", "1", "--set", "StudyDescription"], "takes KEYWORD=VALUE"),
    ],
)
def test_what_cannot_be_meant_opens_nothing(
    run: Callable[..., Told], tmp_path: Path, arguments: list[str], why: str
) -> None:
    path = configured(tmp_path)
    told = run("exam", "open", "-c", path, *arguments)
    assert told.code == 2
    assert why in told.err
