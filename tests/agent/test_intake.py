"""Intake: an original is let go of only when it, or what it became, is durable here."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread

from intake_support import PATIENT, Desk, png
from passerelle.children.child import WORKER, Child
from passerelle.model import Identity
from peers_support import instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle.model import Acquisition, Value


@pytest.fixture(scope="module")
def worker() -> Iterator[Child]:
    worker = Child(WORKER, idle_s=60)
    yield worker
    worker.close()


@pytest.fixture
def desk(tmp_path: Path, worker: Child) -> Iterator[Desk]:
    desk = Desk(tmp_path, worker)
    yield desk
    desk.spool.close()


class Stopping:
    """Says whose a picture is, at the very moment at which the agent is told to stop."""

    name = "stopping"

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def said(self, _acquisition: Acquisition) -> dict[str, Value]:
        return {**PATIENT}

    def identify(self, acquisition: Acquisition) -> Identity:
        self.stop.set()
        return Identity(attributes=self.said(acquisition), resolver=self.name)


def only(desk: Desk) -> dict[str, Any]:
    (row,) = desk.rows()
    return row


def test_a_picture_of_a_known_patient_is_spooled_owed_and_let_go_of(desk: Desk) -> None:
    intake = desk.intake()
    desk.take(desk.drop("a.png", sidecar=PATIENT), intake)
    row = only(desk)
    assert (row["state"], row["destination"], row["original"]) == ("PENDING", "pacs", "a.png")
    assert desk.source.released == [("a.png", False)]
    assert desk.spool.counts().acquisitions["WRAPPED"] == 1
    assert intake.last_acquisition_at
    assert desk.admitted == 1
    (path,) = desk.spool.files(row["sop_instance_uid"])
    written = dcmread(path)
    assert (written.PatientID, str(written.PatientName)) == ("00042", "Müller^Jörg")
    assert written.SOPInstanceUID == row["sop_instance_uid"]


def test_a_picture_of_nobody_is_held_durably_before_it_is_let_go_of(desk: Desk) -> None:
    acquisition = desk.drop("a.png")
    desk.take(acquisition)
    row = only(desk)
    assert row["state"] == "HELD"
    assert row["reason"] == "no patient: no sidecar, no name and no open exam says whose it is"
    assert desk.source.released == [("a.png", True)]
    kept = desk.spool.kept(row["acquisition"])
    assert kept
    assert kept.media.read_bytes() == acquisition.media.read_bytes()
    assert desk.admitted == 0


def test_a_sidecar_that_cannot_be_right_holds_the_picture_with_its_sidecar(desk: Desk) -> None:
    desk.take(desk.drop("a.png", sidecar={"PatientID": 42}))
    row = only(desk)
    assert row["state"] == "HELD"
    assert row["reason"].startswith("sidecar: PatientID must be text")
    kept = desk.spool.kept(row["acquisition"])
    assert kept
    assert kept.sidecar
    assert kept.sidecar.read_bytes() == b'{"PatientID": 42}'


def test_an_attribute_that_the_builder_refuses_holds_the_picture(desk: Desk) -> None:
    desk.take(desk.drop("a.png", sidecar={**PATIENT, "PatientBirthDate": "yesterday"}))
    row = only(desk)
    assert row["state"] == "HELD"
    assert "PatientBirthDate" in row["reason"]
    assert "yesterday" not in row["reason"]


def test_what_is_no_picture_is_quarantined_with_its_reason(desk: Desk) -> None:
    desk.take(desk.drop("a.png", b"Dear colleague, " * 9, sidecar=PATIENT))
    row = only(desk)
    assert row["state"] == "QUARANTINED"
    assert row["reason"]
    assert desk.source.released == [("a.png", True)]
    assert desk.spool.kept(row["acquisition"])


def test_what_the_source_complains_of_is_quarantined_with_that_complaint(desk: Desk) -> None:
    acquisition = replace(desk.drop("a.png", sidecar=PATIENT), complaint="PNG: cut off")
    desk.take(acquisition)
    assert (only(desk)["state"], only(desk)["reason"]) == ("QUARANTINED", "PNG: cut off")


def test_a_dicom_file_keeps_the_identity_that_it_brings(desk: Desk) -> None:
    made = instance(desk.folder)
    desk.take(desk.drop("a.dcm", Path(made["file"]).read_bytes()))
    row = only(desk)
    assert (row["state"], row["sop_instance_uid"]) == ("PENDING", made["sop_instance_uid"])


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(Path(__file__).parents[1]), "agent")))
    crashing = Child("crashing_worker", limit_bytes=512 << 20)
    yield crashing
    crashing.close()


def test_a_file_that_ends_the_decoder_twice_is_quarantined_and_the_next_one_goes_on(
    desk: Desk, crashing: Child
) -> None:
    desk.take(desk.drop("a.png", sidecar=PATIENT), desk.intake(crashing))
    row = only(desk)
    assert row["state"] == "QUARANTINED"
    assert row["reason"] == "ended the decoder 2 times: crashing_worker: ended unasked (SIGABRT)"
    desk.take(desk.drop("b.png", sidecar=PATIENT))
    assert {row["state"] for row in desk.rows()} == {"QUARANTINED", "PENDING"}


def test_a_worker_that_a_stop_ended_says_nothing_of_the_file(desk: Desk, crashing: Child) -> None:
    acquisition = desk.drop("a.png", sidecar=PATIENT)
    stop = threading.Event()
    desk.source.offers = [acquisition]
    desk.intake(crashing, Stopping(stop)).run(stop)
    assert desk.rows() == []
    assert (desk.source.retried, desk.source.released) == (["a.png"], [])


def test_what_changed_since_it_was_offered_is_looked_at_again_and_nothing_is_spooled(
    desk: Desk,
) -> None:
    acquisition = desk.drop("a.png", sidecar=PATIENT)
    with acquisition.media.open("ab") as file:
        file.write(b"more")
    desk.take(acquisition)
    assert (desk.source.retried, desk.source.released) == (["a.png"], [])
    assert desk.rows() == []


def test_what_is_gone_is_looked_at_again_and_nothing_is_spooled(desk: Desk) -> None:
    acquisition = desk.drop("a.png")
    acquisition.media.unlink()
    desk.take(acquisition)
    assert (desk.source.retried, desk.rows()) == (["a.png"], [])


def test_without_room_nothing_is_taken_and_the_reason_is_seen_until_there_is(desk: Desk) -> None:
    acquisition = desk.drop("a.png", sidecar=PATIENT)
    intake = desk.intake(min_free=str(1 << 60))
    stop = threading.Event()
    desk.source.offers, desk.source.on_retry = [acquisition], stop.set  # or it would pause
    intake.run(stop)
    assert (desk.source.retried, desk.source.released) == (["a.png"], [])
    assert acquisition.media.exists()
    assert intake.reason.startswith("export: takes nothing: ")
    assert desk.rows() == []
    intake._min_free = "0%"  # noqa: SLF001 - an operator made room
    desk.take(acquisition, intake)
    assert intake.reason == ""
    assert desk.source.released == [("a.png", False)]


def test_the_same_file_offered_again_is_let_go_of_and_not_wrapped_twice(
    desk: Desk, crashing: Child
) -> None:
    acquisition = desk.drop("a.png", sidecar=PATIENT)
    desk.take(acquisition)
    desk.take(acquisition, desk.intake(crashing))
    assert desk.source.released == [("a.png", False)] * 2
    assert (len(desk.rows()), desk.admitted) == (1, 1)


def test_a_held_file_offered_again_is_let_go_of_as_kept(desk: Desk) -> None:
    acquisition = desk.drop("a.png")
    desk.take(acquisition)
    desk.take(acquisition)
    assert desk.source.released == [("a.png", True)] * 2
    assert len(desk.rows()) == 1


def test_another_sidecar_makes_another_acquisition_of_the_same_picture(desk: Desk) -> None:
    desk.take(desk.drop("a.png", sidecar=PATIENT))
    desk.take(desk.drop("a.png", sidecar={**PATIENT, "PatientID": "00043"}))
    assert len({row["sop_instance_uid"] for row in desk.rows()}) == 2


def test_what_is_logged_names_neither_patient_nor_file(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    intake = desk.intake()
    for number, (content, sidecar) in enumerate(
        [(None, PATIENT), (None, None), (b"no picture", PATIENT), (None, {"PatientID": 42})]
    ):
        desk.take(desk.drop(f"Mueller_{number}.png", content, sidecar), intake)
    changed = desk.drop("Mueller_9.png")
    changed.media.unlink()
    desk.take(changed, intake)
    assert len(caplog.messages) >= 5
    for canary in ("Mueller", "Müller", "00042", "Jörg"):
        assert canary not in caplog.text


def test_it_runs_until_the_source_ends(desk: Desk) -> None:
    desk.source.offers = [desk.drop(f"{n}.png", sidecar=PATIENT) for n in range(3)]
    desk.intake().run(threading.Event())
    assert [name for name, _ in desk.source.released] == ["0.png", "1.png", "2.png"]


class Slow:
    """Says whose a picture is; for one of them only when it is told to."""

    name = "slow"

    def __init__(self, slow: str) -> None:
        self.slow = slow
        self.asked = threading.Event()
        self.go = threading.Event()

    def said(self, _acquisition: Acquisition) -> dict[str, Value]:
        return {**PATIENT}

    def identify(self, acquisition: Acquisition) -> Identity:
        if acquisition.name == self.slow:
            self.asked.set()
            assert self.go.wait(20)
        return Identity(attributes=self.said(acquisition), resolver=self.name)


def test_a_slow_acquisition_does_not_hold_up_the_others_and_numbers_keep_the_order(
    desk: Desk,
) -> None:
    slow = Slow("0.png")
    desk.source.offers = [desk.drop(f"{n}.png", png(n)) for n in range(3)]
    desk.source.on_release = lambda: slow.go.set() if len(desk.source.released) == 2 else None
    desk.intake(identifier=slow, lanes=2).run(threading.Event())
    assert [name for name, _ in desk.source.released] == ["1.png", "2.png", "0.png"]
    numbers = {
        row["original"]: dcmread(desk.spool.files(row["sop_instance_uid"])[0]).InstanceNumber
        for row in desk.rows()
    }
    assert sorted(numbers, key=lambda name: int(numbers[name])) == ["0.png", "1.png", "2.png"]


def test_the_source_is_answered_by_the_thread_that_iterates_it(desk: Desk) -> None:
    threads = set[int]()
    desk.source.on_release = lambda: threads.add(threading.get_ident())
    desk.source.offers = [desk.drop(f"{n}.png", png(n), PATIENT) for n in range(4)]
    desk.intake(lanes=3).run(threading.Event())
    assert threads == {threading.get_ident()}


def test_a_stop_waits_for_what_is_under_way_and_begins_nothing_more(desk: Desk) -> None:
    slow, stop = Slow("0.png"), threading.Event()
    desk.source.offers = [desk.drop(f"{n}.png", png(n)) for n in range(6)]
    intake = desk.intake(identifier=slow, lanes=1)
    running = threading.Thread(target=intake.run, args=(stop,))
    running.start()
    assert slow.asked.wait(10)
    stop.set()
    intake.wake()
    slow.go.set()
    running.join(10)
    assert not running.is_alive()
    assert desk.source.released == [("0.png", False)]
    assert len(desk.rows()) == 1
    assert set(desk.source.retried) <= {f"{n}.png" for n in range(1, 6)}


def test_a_stop_does_not_wait_for_ever_and_what_it_leaves_is_not_let_go_of(desk: Desk) -> None:
    slow, stop = Slow("0.png"), threading.Event()
    desk.source.offers = [desk.drop("0.png")]
    intake = desk.intake(identifier=slow)
    running = threading.Thread(target=intake.run, args=(stop,))
    running.start()
    assert slow.asked.wait(10)
    stop.set()
    intake.wake()
    running.join(8)
    assert not running.is_alive()
    assert (desk.source.released, desk.source.retried) == ([], [])
    slow.go.set()


def test_a_failure_of_ours_ends_the_run_and_lets_go_of_nothing_but_what_is_done(
    desk: Desk,
) -> None:
    desk.source.offers = [desk.drop(f"{n}.png", png(n), PATIENT) for n in range(3)]
    intake = desk.intake(identifier=Failing("1.png"), lanes=1)
    with pytest.raises(ArithmeticError):
        intake.run(threading.Event())
    assert "1.png" not in [name for name, _ in desk.source.released]
    assert len(desk.rows()) == len(desk.source.released)


class Failing:
    """Cannot cope with one file."""

    name = "failing"

    def __init__(self, fails: str) -> None:
        self.fails = fails

    def said(self, _acquisition: Acquisition) -> dict[str, Value]:
        return {**PATIENT}

    def identify(self, acquisition: Acquisition) -> Identity:
        if acquisition.name == self.fails:
            raise ArithmeticError
        return Identity(attributes=self.said(acquisition), resolver=self.name)
