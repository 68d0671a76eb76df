"""An operator's decisions: each changes what it names, says so, and is in the audit record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread

from intake_support import PATIENT, Desk, png
from passerelle.children.child import WORKER, Child
from passerelle.decisions import Decisions
from passerelle.errors import ConfigError
from passerelle.identity.sidecar import SidecarIdentifier
from passerelle.wrapping import origin_of, read_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom import FileDataset


@pytest.fixture(scope="module")
def worker() -> Iterator[Child]:
    worker = Child(WORKER, idle_s=60)
    yield worker
    worker.close()


class Office:
    """A desk and the operator who decides on what waits there."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.changes = desk, 0
        self.decisions = Decisions(
            desk.spool,
            {"export": (desk.wrapper(), [SidecarIdentifier()])},
            archive=desk.data_dir / "archive",
            on_changed=self._count,
        )

    def _count(self) -> None:
        self.changes += 1

    def taken(
        self, name: str, sidecar: dict[str, Any] | None = None, content: bytes | None = None
    ) -> str:
        """Give intake a file; the id of what it became."""
        offered = self.desk.drop(name, content, sidecar)
        self.desk.take(offered)
        return str(self.desk.rows()[-1]["acquisition"])

    def ask(self, decision: str, **body: object) -> list[str]:
        answer: list[str] = self.decisions.handlers()[decision]({"actor": "ann", **body})["lines"]
        return answer

    def reassign(self, uid: str, **attributes: str) -> list[str]:
        return self.ask("reassign", uids=[uid], attributes=attributes)

    def made(self) -> FileDataset:
        """The one instance that the queue owes."""
        (row,) = self.desk.spool.rows("PENDING")
        (path,) = self.desk.spool.files(row["sop_instance_uid"])
        return dcmread(path)

    def events(self, uid: str) -> list[tuple[str, str]]:
        shown = self.desk.spool.show(uid)
        assert shown
        return [(event["kind"], event["actor"]) for event in shown["events"]]


@pytest.fixture
def office(tmp_path: Path, worker: Child) -> Iterator[Office]:
    desk = Desk(tmp_path, worker)
    yield Office(desk)
    desk.spool.close()


def test_a_held_acquisition_goes_on_as_whose_the_operator_says(office: Office) -> None:
    held = office.taken("a.png")
    lines = office.reassign(held, PatientID="00042", PatientName="Müller^Jörg")
    assert lines == [f"{held}: wrapped"]
    made = office.made()
    assert (made.PatientID, str(made.PatientName)) == ("00042", "Müller^Jörg")
    assert office.changes == 1
    assert ("reassigned", "ann") in office.events(held)


def test_the_kept_original_goes_to_its_sources_archive(office: Office) -> None:
    held = office.taken("a.png")
    office.reassign(held, PatientID="00042")
    assert office.desk.spool.kept(held) is None
    (original,) = (office.desk.data_dir / "archive" / "export").glob("*/a.png")
    assert original.read_bytes() == png()


def test_what_the_sidecar_said_of_the_exam_stays(office: Office) -> None:
    held = office.taken("a.png", {"StudyDescription": "Knee", "AccessionNumber": "A1"})
    office.reassign(held, PatientID="00042")
    made = office.made()
    assert (made.PatientID, made.StudyDescription, made.AccessionNumber) == ("00042", "Knee", "A1")


def test_nothing_of_the_patient_that_the_sidecar_named_goes_along_to_another(
    office: Office,
) -> None:
    wrong = {**PATIENT, "PatientBirthDate": "yesterday", "AccessionNumber": "A1"}
    office.reassign(office.taken("a.png", wrong), PatientID="00043")
    made = office.made()
    assert (made.PatientID, made.StudyDescription) == ("00043", "Knee")
    assert not made.PatientName
    assert not made.PatientBirthDate
    assert not made.AccessionNumber


def test_the_same_patient_keeps_the_rest_of_what_the_sidecar_said(office: Office) -> None:
    held = office.taken("a.png", {**PATIENT, "PatientBirthDate": "yesterday"})
    office.reassign(held, PatientID="00042", PatientBirthDate="19700131")
    made = office.made()
    assert (str(made.PatientName), made.PatientBirthDate) == ("Müller^Jörg", "19700131")


def test_an_accession_alone_says_no_patient(office: Office) -> None:
    held = office.taken("a.png")
    (line,) = office.reassign(held, AccessionNumber="A1")
    assert line.startswith(f"{held}: still HELD: ")
    assert office.desk.spool.kept(held)


def test_only_attributes_of_the_patient_can_be_assigned(office: Office) -> None:
    held = office.taken("a.png")
    with pytest.raises(ConfigError, match=r"^reassign: Rows cannot be assigned$"):
        office.reassign(held, PatientID="00042", Rows="7")
    assert office.desk.spool.kept(held)


def test_an_impossible_value_leaves_it_held_and_is_not_repeated(office: Office) -> None:
    held = office.taken("a.png")
    (line,) = office.reassign(held, PatientID="00042", PatientBirthDate="yesterday")
    assert line.startswith(f"{held}: still HELD: ")
    assert "yesterday" not in line


def test_what_is_wrapped_already_or_unknown_is_passed_over(office: Office) -> None:
    wrapped = office.taken("a.png", PATIENT)
    assert office.reassign(wrapped, PatientID="00043") == []
    assert office.reassign("0" * 32, PatientID="00043") == []
    assert office.made().PatientID == "00042"


def test_a_kept_original_that_was_damaged_is_not_made_an_instance_of(office: Office) -> None:
    held = office.taken("a.png")
    kept = office.desk.spool.kept(held)
    assert kept
    kept.media.write_bytes(png(7))
    (line,) = office.reassign(held, PatientID="00042")
    assert line == f"{held}: still HELD: damaged, not the bytes that were kept"
    kept.media.unlink()
    assert office.reassign(held, PatientID="00042")[0].startswith(f"{held}: still HELD: ")


def test_what_was_quarantined_is_tried_again_and_stays_with_its_reason_if_it_fails(
    office: Office,
) -> None:
    bad = office.taken("a.png", PATIENT, b"Dear colleague")
    (line,) = office.ask("retry", uids=[bad], all_held=False)
    assert line.startswith(f"{bad}: still QUARANTINED: ")
    assert office.desk.rows()[0]["state"] == "QUARANTINED"


def test_everything_that_waits_is_tried_again_at_once(office: Office) -> None:
    crashed = office.desk.drop("a.png", sidecar=PATIENT)
    office.desk.spool.quarantine(
        origin_of("box", crashed, read_once(crashed.media)),
        crashed.media,
        crashed.sidecar,
        reason="ended the decoder",
    )
    held = office.taken("b.png")
    lines = office.ask("retry", uids=[], all_held=True)
    assert sorted(line.partition(": ")[2][:10] for line in lines) == ["still HELD", "wrapped"]
    assert office.desk.spool.kept(held)
    assert office.made().PatientID == "00042"


def test_what_is_discarded_is_owed_no_more_and_the_reason_is_kept(office: Office) -> None:
    held, wrapped = office.taken("a.png"), office.taken("b.png", PATIENT)
    uid = next(row["sop_instance_uid"] for row in office.desk.spool.rows("PENDING"))
    for one in (held, uid):
        lines = office.ask("discard", uids=[one], reason="test picture")
        assert lines == [f"{one}: discarded"]
        assert ("discarded", "ann") in office.events(one)
    assert {row["state"] for row in office.desk.rows()} == {"DISCARDED"}
    assert office.ask("discard", uids=[wrapped], reason="again") == []


def test_an_acquisition_of_a_source_that_is_gone_waits_and_says_so(office: Office) -> None:
    held = office.taken("a.png")
    decisions = Decisions(office.desk.spool, {}, archive=office.desk.data_dir / "archive")
    lines = decisions.reassign([held], {"PatientID": "00042"}, actor="ann")
    assert lines == [f"{held}: its source export is not in the config"]
    assert office.desk.spool.kept(held)
