"""The exams that somebody opened: whose, from when to when; and times that a clock told twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from passerelle.spool import entry
from passerelle.spool.ledger import checked, exam_of
from passerelle.spool.writable import Writable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from passerelle.model import Exam, Moment, Value

OPENED: Final = "exam opened"
CLOSED: Final = "exam closed"


class Exams(Writable):
    """Opens and closes exams, each with its line in the audit record."""

    def open_exam(
        self,
        attributes: Mapping[str, Value],
        moment: Moment,
        *,
        by: str,
        actor: str,
        others_end: float,
    ) -> Exam:
        """Open an exam, and close the one before it at `others_end`; durable when it returns."""

        def decide() -> None:
            self._close(moment, others_end, actor)
            row = self._database.row(
                "open_exam",
                opened_by=by,
                opened_at=moment.at,
                boot=moment.boot,
                steady_offset=moment.steady_offset,
            )
            assert row is not None  # noqa: S101 - an INSERT that did not fail returns its row
            self._database.run("exam_patient", exam_id=row["id"], identity=json.dumps(attributes))
            self._noted(row["id"], OPENED, actor)

        self._mended(decide)
        exam = self.latest_exam()
        assert exam is not None  # noqa: S101 - it was just opened
        return exam

    def close_exam(self, moment: Moment, *, actor: str) -> bool:
        """Close the exam that is open; whether there was one."""
        return bool(self._mended(lambda: self._close(moment, moment.at, actor)))

    def doubt_times(self, exam_id: int | None, begins: float, ends: float) -> None:
        """Remember that the clock told these times for this exam (None: for none) as well."""
        self._mended(
            lambda: self._database.run("doubt_times", exam_id=exam_id, begins=begins, ends=ends)
        )

    def latest_exam(self) -> Exam | None:
        """See `Ledger.latest_exam`; a damaged one is as if it had never been."""
        return self._seen(super().latest_exam)

    def exams_about(self, since: float, until: float) -> list[Exam]:
        """The exams that were opened between, in the order in which they were opened."""
        return self._seen(
            lambda: [
                exam_of(row) for row in self._database.rows("exams_about", since=since, until=until)
            ]
        )

    def doubts_about(self, at: float) -> list[int | None]:
        """For which exams the clock told this time as well; None: while none was open."""
        return self._seen(
            lambda: [checked(row)["exam_id"] for row in self._database.rows("doubts_about", at=at)]
        )

    def _close(self, moment: Moment, at: float, actor: str) -> Sequence[sqlite3.Row]:
        closed = self._database.rows(
            "close_exams", at=at, boot=moment.boot, steady_offset=moment.steady_offset
        )
        for row in closed:
            self._noted(row["id"], CLOSED, actor)
        return closed

    def _noted(self, exam_id: int, kind: str, actor: str) -> None:
        entry.note(self._database, f"exam {exam_id}", kind, now=self._now(), actor=actor)
