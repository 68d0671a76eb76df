"""Exams are durable, one is open at a time, and a damaged one is as if it had never been."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from passerelle.model import Moment
from passerelle.spool import Ledger, Spool

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import Exam

NOON = 1_800_000_000.0


def moment(at: float) -> Moment:
    return Moment(at=at, boot="boot", steady_offset=at - 100.0)


def opened(spool: Spool, patient_id: str, at: float) -> Exam:
    attributes = {"PatientID": patient_id}
    return spool.open_exam(attributes, moment(at), by="barcode", actor="barcode", others_end=at)


def test_an_exam_survives_and_the_next_one_ends_it(spool: Spool, data_dir: Path) -> None:
    opened(spool, "A", NOON)
    spool.close()
    with Spool.open(data_dir) as again:
        first = again.latest_exam()
        assert first
        assert (first.attributes, first.closed_at, first.last) == (
            {"PatientID": "A"},
            None,
            moment(NOON),
        )
        second = opened(again, "B", NOON + 60)
        exams = again.exams_about(NOON - 1, NOON + 61)
        assert [(exam.attributes["PatientID"], exam.closed_at) for exam in exams] == [
            ("A", NOON + 60),
            ("B", None),
        ]
        assert again.latest_exam() == second
        assert again.close_exam(moment(NOON + 90), actor="doe")
        assert not again.close_exam(moment(NOON + 91), actor="doe")
        latest = again.latest_exam()
        assert latest
        assert (latest.closed_at, latest.last.at) == (NOON + 90, NOON + 90)


def test_each_opening_and_closing_is_audited_and_names_no_patient(
    spool: Spool, data_dir: Path
) -> None:
    opened(spool, "SECRET", NOON)
    opened(spool, "SECRET", NOON + 1)
    spool.close_exam(moment(NOON + 2), actor="doe")
    with closing(sqlite3.connect(data_dir / "queue.db")) as connection:
        events = connection.execute("SELECT kind, actor, subject, detail FROM event").fetchall()
    assert events == [
        ("exam opened", "barcode", "exam 1", ""),
        ("exam closed", "barcode", "exam 1", ""),
        ("exam opened", "barcode", "exam 2", ""),
        ("exam closed", "doe", "exam 2", ""),
    ]


def test_an_operator_may_look_beside_the_agent(spool: Spool, data_dir: Path) -> None:
    with Ledger.read_only(data_dir) as ledger:
        assert ledger.latest_exam() is None
        exam = opened(spool, "A", NOON)
        assert ledger.latest_exam() == exam


def test_what_a_clock_told_twice_is_remembered(spool: Spool) -> None:
    exam = opened(spool, "A", NOON)
    spool.doubt_times(exam.id, NOON, NOON + 10)
    spool.doubt_times(None, NOON + 5, NOON + 20)
    assert spool.doubts_about(NOON - 1) == []
    assert spool.doubts_about(NOON) == [exam.id]
    assert spool.doubts_about(NOON + 7) == [exam.id, None]
    assert spool.doubts_about(NOON + 20) == [None]


def damage(data_dir: Path, table: str, change: str) -> None:
    """Change the first row as a flipped bit would: past the triggers that seal it."""
    names = (f"{table}_guarded", f"{table}_changed")
    with closing(sqlite3.connect(data_dir / "queue.db")) as connection:
        kept = [
            connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]
            for name in names
        ]
        for name in names:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE {table} SET {change} WHERE rowid = 1")  # noqa: S608 - the damage
        for sql in kept:
            connection.execute(sql)
        connection.commit()


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("exam", "closed_at = NULL"),
        ("exam", "opened_at = opened_at + 64"),
        ("exam_patient", 'identity = \'{"PatientID": "C"}\''),
    ],
)
def test_a_damaged_exam_answers_for_nothing_and_no_other_takes_its_place(
    spool: Spool, data_dir: Path, table: str, change: str
) -> None:
    opened(spool, "A", NOON)
    opened(spool, "B", NOON + 60)
    spool.close()
    damage(data_dir, table, change)
    with Spool.open(data_dir) as again:
        assert "damaged" in again.findings[0]
        left = again.exams_about(NOON - 1, NOON + 200)
        assert [exam.attributes["PatientID"] for exam in left] == ["B"]
    with closing(sqlite3.connect(data_dir / "queue.db")) as connection:
        assert connection.execute("SELECT count(*) FROM exam_patient").fetchone() == (1,)
