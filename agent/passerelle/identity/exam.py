"""Whose what is acquired is: of the patient whose exam was open at the time it was taken."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from passerelle.clock import Trust, boot_id, steady_s, trust
from passerelle.errors import ConfigError, IdentityError
from passerelle.model import Identity, Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from passerelle.model import Acquisition, Exam, Value
    from passerelle.spool import Spool

_log = logging.getLogger(__name__)

_HOUR_S: Final = 3600.0
_GRAIN_S: Final = 2.0  # FAT knows the time of a file to 2 s, the kernel's own coarse clock to 10 ms
_STEP_S: Final = 1.0  # a time server slews what is less
_LOOK_S: Final = 10.0
_PATIENCE_S: Final = 1.0  # a scan just before a picture is durable by then
_MAGIC_PLACE: Final = 128
_MAGIC: Final = b"DICM"  # PS3.10 7.1


class Exams:
    """Opens and closes the exam, and tells which one was open at a time. For any thread.

    Nothing is guessed: near the place where one exam follows another, in times that the clock
    told twice because it was set, after a restart of the machine whose clock nothing vouches
    for, and after an exam that could not be written down, there is no answer but a doubt.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        max_h: float,
        now: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_s,
        boot: str | None = None,
        is_trusted: Callable[[float], bool] = lambda not_before: trust(not_before) is Trust.TRUSTED,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """The exams of one spool.

        Args:
            spool: Where they are durable.
            max_h: An exam answers for nothing that is so many hours later than its opening.
            now: s since the epoch.
            steady: Seconds of a clock that nobody sets.
            boot: Names this run of the machine.
            is_trusted: Whether the clock is right now, given a time that is past.
            pause: Waits so many seconds.
        """
        self._spool = spool
        self._max_s = max_h * _HOUR_S
        self._now = now
        self._steady = steady
        self._boot = boot_id() if boot is None else boot
        self._is_trusted = is_trusted
        self._pause = pause
        self._turn = threading.RLock()
        self._unwritten_since: float | None = None
        self._was_trusted = False  # nothing is known of the clock before the first look
        self._seen = self._first_look()

    def open(
        self, attributes: Mapping[str, Value], *, by: str, actor: str, age_s: float = 0.0
    ) -> Exam:
        """Open an exam, which ends the one before it; durable when it returns.

        Args:
            attributes: DICOM keyword to value; PatientID is among them.
            by: The resolver that answers for it.
            actor: Who did it, for the audit record.
            age_s: How many seconds ago it was asked for.

        Raises:
            ConfigError: PatientID is missing.
        """
        if not str(attributes.get("PatientID", "")).strip():
            msg = "exam: say whose it is: PatientID is missing"
            raise ConfigError(msg)
        with self._turn:
            moment = self._look()
            asked = replace(moment, at=moment.at - age_s)
            others_end = self._unwritten_since = self._first_unwritten(asked.at)
            exam = self._spool.open_exam(
                attributes, asked, by=by, actor=actor, others_end=others_end
            )
            self._unwritten_since = None
        _log.info("exam: opened by %s", by)
        return exam

    def close(self, *, actor: str) -> bool:
        """End the exam that is open; whether there was one."""
        with self._turn:
            moment = self._look()
            ended = self._unwritten_since = self._first_unwritten(moment.at)
            was_open = self._spool.close_exam(replace(moment, at=ended), actor=actor)
            self._unwritten_since = None
        if was_open:
            _log.info("exam: closed")
        return was_open

    name = "exam"

    def run(self, stop: threading.Event) -> None:
        """Look at the clock until `stop` is set: one set there and back would not be noticed."""
        while not stop.wait(_LOOK_S):
            self.look()

    def wake(self) -> None:
        """Nothing to do: its wait ends with `stop`."""

    def look(self) -> None:
        """Notice whether the clock was set."""
        with self._turn:
            self._look()

    def latest(self) -> Exam | None:
        """The exam that was opened last."""
        return self._spool.latest_exam()

    def at(self, moment_s: float) -> Exam | None:
        """The exam that was open at a time; None: there was none.

        Raises:
            IdentityError: It may have been more than one, or that cannot be known.
        """
        self._let_scans_arrive(moment_s)
        with self._turn:
            now = self._look().at
            about = self._spool.exams_about(moment_s - self._max_s - _GRAIN_S, moment_s + _GRAIN_S)
            inside = [exam for exam in about if self._covers(exam, moment_s, now)]
            if not inside:
                return None
            if self._unwritten_since is not None and moment_s >= self._unwritten_since - _GRAIN_S:
                _doubt("another exam was opened since, and could not be written down")
            exam = inside[-1]
            near = [one for one in about if self._covers(one, moment_s, now, _GRAIN_S)]
            if any(one.attributes != exam.attributes for one in near):
                _doubt("another one was open at about the same time")
            if any(other != exam.id for other in self._spool.doubts_about(moment_s)):
                _doubt("the clock was set, and told the time of the picture twice")
            if exam.last.boot != self._boot and not self._is_trusted(exam.last.at):
                _doubt("the machine was restarted since, and its clock is not synchronised")
        return exam

    def problems(self) -> list[str]:
        """What an operator should know."""
        found = []
        exam = self.latest()
        if exam and exam.closed_at is None and self._now() - exam.opened_at > self._max_s:
            hours = self._max_s / _HOUR_S
            found.append(
                f"exam: open for more than {hours:g} h, so it answers for nothing any more"
            )
        if self._unwritten_since is not None:
            found.append("exam: one could not be opened; nothing is filed until one is, or closed")
        return found

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What the control door does with exams, by the names that cross it."""
        return {"exam open": self._opened, "exam close": self._closed, "exam show": self._shown}

    def _opened(self, body: dict[str, Any]) -> dict[str, Any]:
        return shown(self.open(body["attributes"], by="session", actor=body["actor"]))

    def _closed(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"closed": self.close(actor=body["actor"])}

    def _shown(self, _body: dict[str, Any]) -> dict[str, Any]:
        return shown(self.latest())

    def _covers(self, exam: Exam, moment_s: float, now: float, grain_s: float = 0.0) -> bool:
        end = min(now if exam.closed_at is None else exam.closed_at, exam.opened_at + self._max_s)
        begins = exam.opened_at - grain_s
        # What is closed ends before its last moment: that belongs to whatever follows.
        is_before_end = moment_s <= end if exam.closed_at is None else moment_s < end + grain_s
        return begins <= moment_s and is_before_end

    def _first_unwritten(self, at: float) -> float:
        """From when on the exam that is open may not be the right one any more."""
        return at if self._unwritten_since is None else min(self._unwritten_since, at)

    def _let_scans_arrive(self, moment_s: float) -> None:
        wait_s = moment_s + _PATIENCE_S - self._now()
        if 0 < wait_s <= _PATIENCE_S:
            self._pause(wait_s)

    def _first_look(self) -> Moment:
        """What was known when the agent was stopped; a clock set back since is noticed by it."""
        seen, exam = self._moment(), self._spool.latest_exam()
        if exam and exam.last.boot == seen.boot:
            return exam.last
        newest = max(self._spool.counts().newest_at or 0.0, exam.last.at if exam else 0.0)
        if seen.at < newest:
            self._doubt_times(seen.at, newest)
        return seen

    def _look(self) -> Moment:
        """The time; when the clock was set since the last look, what it told twice is kept."""
        moment, seen = self._moment(), self._seen
        step = moment.steady_offset - seen.steady_offset
        if step < -_STEP_S:
            self._doubt_times(seen.at + step, moment.at - step)
        elif step > _STEP_S and not self._was_trusted:
            # Since the machine started it told times of days that are past.
            self._doubt_times(seen.steady_offset, moment.at - step)
        self._seen = moment
        self._was_trusted = self._is_trusted(seen.at)
        return moment

    def _moment(self) -> Moment:
        now = self._now()
        return Moment(at=now, boot=self._boot, steady_offset=now - self._steady())

    def _doubt_times(self, begins: float, ends: float) -> None:
        exam = self._spool.latest_exam()
        is_open = exam is not None and exam.closed_at is None
        self._spool.doubt_times(exam.id if exam and is_open else None, begins, ends)
        _log.warning("exam: the clock was set; what it told twice is not filed")


class ExamIdentifier:
    """Answers for pictures, by the time of their file, while an exam of its kind is open."""

    def __init__(self, name: str, exams: Exams) -> None:
        """The resolver `name`, which answers for the exams that it opened."""
        self.name = name
        self._exams = exams

    def identify(self, acquisition: Acquisition) -> Identity | None:
        """See `Identifier.identify`. A DICOM file says itself whose it is."""
        if _is_part10(acquisition):
            return None
        exam = self._exams.at(acquisition.fingerprint.mtime_ns / 1e9)
        if exam is None or exam.opened_by != self.name:
            return None
        return Identity(attributes=exam.attributes, resolver=self.name)

    def said(self, acquisition: Acquisition) -> Mapping[str, Value]:
        """See `Identifier.said`."""
        identity = self.identify(acquisition)
        return identity.attributes if identity else {}


def shown(exam: Exam | None) -> dict[str, Any]:
    """An exam for the operator who asks: its attributes name a patient."""
    if exam is None:
        return {"open": False}
    return {
        "open": exam.closed_at is None,
        "opened_by": exam.opened_by,
        "opened_at": exam.opened_at,
        "closed_at": exam.closed_at,
        "attributes": dict(exam.attributes),
    }


def _is_part10(acquisition: Acquisition) -> bool:
    try:
        with acquisition.media.open("rb") as file:
            return file.read(_MAGIC_PLACE + len(_MAGIC))[_MAGIC_PLACE:] == _MAGIC
    except OSError as error:
        msg = f"exam: the picture cannot be read: {error.strerror}"
        raise IdentityError(msg) from None


def _doubt(why: str) -> NoReturn:
    msg = f"exam: whose it is is not certain: {why}"
    raise IdentityError(msg)
