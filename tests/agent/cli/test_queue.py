"""`passerelle queue`: what is owed, and decisions where no agent runs; 1 when nothing matched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread

from command_support import configured
from intake_support import PATIENT, Desk, png
from passerelle.children.child import WORKER, Child

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told

KEYS = {
    *("sop_instance_uid", "sop_class_uid", "study_instance_uid", "destination", "state"),
    *("attempts", "next_attempt_at", "reason", "source", "original", "bytes", "created_at"),
}


class Waiting:
    """A data_dir with one instance owed, one acquisition held and one quarantined."""

    def __init__(self, folder: Path) -> None:
        self.config = configured(folder)
        worker = Child(WORKER)
        desk = Desk(folder, worker)
        for name, content, sidecar in (
            ("a.png", png(), PATIENT),
            ("b.png", png(), None),
            ("c.png", b"no picture", PATIENT),
        ):
            desk.take(desk.drop(name, content, sidecar))
        rows = {row["state"]: row for row in desk.rows()}
        self.uid = rows["PENDING"]["sop_instance_uid"]
        self.held = rows["HELD"]["acquisition"]
        self.quarantined = rows["QUARANTINED"]["acquisition"]
        desk.spool.close()
        worker.close()


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(tmp_path)


def listed(run: Callable[..., Told], waiting: Waiting, *options: str) -> list[dict[str, Any]]:
    told = run("queue", "list", "--json", *options, "-c", waiting.config)
    return [json.loads(line) for line in told.out.splitlines()]


def test_what_is_owed_and_what_waits_is_listed(run: Callable[..., Told], waiting: Waiting) -> None:
    rows = listed(run, waiting)
    assert [row["state"] for row in rows] == ["PENDING", "HELD", "QUARANTINED"]
    assert all(row.keys() >= KEYS for row in rows)
    assert [row["original"] for row in rows] == ["a.png", "b.png", "c.png"]
    assert listed(run, waiting, "--state", "HELD") == [rows[1]]
    told = run("queue", "list", "-c", waiting.config)
    assert told.code == 0
    for shown in (waiting.uid, waiting.held, waiting.quarantined, "no patient: no"):
        assert shown in told.out


def test_nothing_matched_is_1(run: Callable[..., Told], waiting: Waiting) -> None:
    for arguments in (
        ("list", "--state", "REFUSED"),
        ("show", "2.25.1"),
        ("retry", "2.25.1"),
        ("discard", "2.25.1", "--reason", "x"),
        ("reassign", "2.25.1", "--patient-id", "1"),
        ("export", "2.25.1", "-o", "out"),
    ):
        told = run("queue", *arguments, "-c", waiting.config)
        assert (told.code, told.err) == (1, "nothing matched\n"), arguments


def test_an_unknown_state_is_refused_with_those_that_are(
    run: Callable[..., Told], waiting: Waiting
) -> None:
    told = run("queue", "list", "--state", "LOST", "-c", waiting.config)
    assert told.code == 2
    assert "QUARANTINED" in told.err


def test_one_is_shown_with_all_that_happened_to_it(
    run: Callable[..., Told], waiting: Waiting
) -> None:
    told = run("queue", "show", waiting.uid, "-c", waiting.config)
    assert told.code == 0
    assert "state: WRAPPED" in told.out
    assert "events:" in told.out
    shown = json.loads(run("queue", "show", waiting.held, "--json", "-c", waiting.config).out)
    assert (shown["state"], shown["original"]) == ("HELD", "b.png")
    assert [event["kind"] for event in shown["events"]] == ["held"]


def test_a_held_acquisition_is_reassigned_without_an_agent(
    run: Callable[..., Told], waiting: Waiting
) -> None:
    told = run(
        *("queue", "reassign", waiting.held, "--patient-id", "00043"),
        *("--patient-name", "Doe^Jane", "-c", waiting.config),
    )
    assert (told.code, told.out) == (0, f"{waiting.held}: wrapped\n")
    assert [row["state"] for row in listed(run, waiting)] == ["PENDING", "PENDING", "QUARANTINED"]


def test_everything_that_waits_is_retried_and_the_lines_say_what_became_of_it(
    run: Callable[..., Told], waiting: Waiting
) -> None:
    told = run("queue", "retry", "--all-held", "-c", waiting.config)
    assert told.code == 0
    assert f"{waiting.held}: still HELD: " in told.out
    assert f"{waiting.quarantined}: still QUARANTINED: " in told.out


def test_what_is_discarded_is_gone_from_what_is_owed(
    run: Callable[..., Told], waiting: Waiting
) -> None:
    for one in (waiting.uid, waiting.held):
        told = run("queue", "discard", one, "--reason", "test picture", "-c", waiting.config)
        assert (told.code, told.out) == (0, f"{one}: discarded\n")
    assert {row["state"] for row in listed(run, waiting)} <= {"DISCARDED", "QUARANTINED"}
    assert run("queue", "discard", waiting.uid, "-c", waiting.config).code == 2, "no reason given"


def test_instances_and_held_originals_are_exported(
    run: Callable[..., Told], waiting: Waiting, tmp_path: Path
) -> None:
    told = run(
        *("queue", "export", waiting.uid, waiting.held, "-o", "out", "-c", waiting.config),
    )
    assert told.code == 0
    assert len(told.out.splitlines()) == 2
    assert (tmp_path / "out" / "b.png").read_bytes() == png()
    assert dcmread(tmp_path / "out" / f"{waiting.uid}.dcm").PatientID == "00042"
    assert len(listed(run, waiting)) == 3


def test_an_export_overwrites_nothing(
    run: Callable[..., Told], waiting: Waiting, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").write_bytes(b"something else")
    told = run("queue", "export", waiting.held, "-o", "out", "-c", waiting.config)
    assert told.code == 0
    assert (tmp_path / "out" / "b.png").read_bytes() == b"something else"
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_data_dir_without_a_queue_is_a_sentence(run: Callable[..., Told], tmp_path: Path) -> None:
    told = run("queue", "list", "-c", configured(tmp_path))
    assert told.code in (1, 2)
    assert told.err.strip()
