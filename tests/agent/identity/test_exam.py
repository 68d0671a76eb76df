"""Pictures are of the patient whose exam was open when they were taken, or of nobody."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerelle.errors import ConfigError, IdentityError, SpoolFull
from passerelle.identity.exam import ExamIdentifier, Exams, shown
from passerelle.model import Acquisition, Fingerprint
from passerelle.spool import Spool
from passerelle.spool.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOON = 1_800_000_000.0


class World:
    """The time as it is, as a clock on the wall tells it, and the run of a machine."""

    def __init__(self, spool: Spool, at: float = NOON, name: str = "") -> None:
        self.true = at
        self.error = 0.0  #: what the clock on the wall tells too much
        self.started_at = at - 1000.0
        self.is_trusted = True
        self.max_h = 12.0
        self._spool = spool
        self._boots = itertools.count()
        self._name = name
        self._boot = f"{name} {next(self._boots)}"
        self.exams = self.restarted()

    def wall(self) -> float:
        return self.true + self.error

    def restarted(self) -> Exams:
        """The agent, begun again."""
        self.exams = Exams(
            self._spool,
            max_h=self.max_h,
            now=self.wall,
            steady=lambda: self.true - self.started_at,
            boot=self._boot,
            is_trusted=lambda not_before: self.is_trusted and self.wall() >= not_before,
            pause=self.advance,
        )
        return self.exams

    def rebooted(self, *, error: float, is_trusted: bool) -> None:
        """The machine, begun again, maybe without a clock that went on."""
        self._boot = f"{self._name} {next(self._boots)}"
        self.started_at = self.true
        self.error, self.is_trusted = error, is_trusted
        self.restarted()

    def advance(self, seconds: float) -> None:
        self.true += seconds

    def open(self, patient_id: str, *, by: str = "barcode", age_s: float = 0.0) -> None:
        self.exams.open({"PatientID": patient_id}, by=by, actor=by, age_s=age_s)

    def whose(self, wall: float) -> str:
        """Whose a picture of this time is: "" nobody's, "?" in doubt."""
        try:
            exam = self.exams.at(wall)
        except IdentityError:
            return "?"
        return str(exam.attributes["PatientID"]) if exam else ""


@pytest.fixture(scope="module")
def shared_spool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spool]:
    """One for many examples, each of which lies in another time."""
    data_dir = tmp_path_factory.mktemp("exams")
    migrate(data_dir / "queue.db")
    with Spool.open(data_dir) as spool:
        yield spool


@pytest.fixture
def spool(tmp_path: Path, shared_spool: Spool) -> Iterator[Spool]:
    empty = tmp_path / "data"
    empty.mkdir()
    del shared_spool
    migrate(empty / "queue.db")
    with Spool.open(empty) as opened:
        yield opened


@pytest.fixture
def world(spool: Spool) -> World:
    return World(spool)


def test_a_picture_is_of_the_exam_that_was_open(world: World) -> None:
    world.open("A")
    world.advance(100)
    world.open("B")
    world.advance(100)
    world.exams.close(actor="doe")
    world.advance(100)
    times = (NOON - 50, NOON, NOON + 50, NOON + 150, NOON + 250)
    assert [world.whose(at) for at in times] == ["", "A", "A", "B", ""]


def test_near_the_place_where_one_exam_follows_another_there_is_no_answer(world: World) -> None:
    world.open("A")
    world.advance(100)
    world.open("B")
    world.advance(100)
    near = [NOON + 100 + offset for offset in (-2.1, -1.9, 0.0, 1.9, 2.1)]
    assert [world.whose(at) for at in near] == ["A", "?", "?", "?", "B"]


def test_a_patient_who_was_scanned_twice_is_in_no_doubt(world: World) -> None:
    world.open("A")
    world.advance(100)
    world.open("A")
    world.advance(100)
    assert world.whose(NOON + 100) == "A"


def test_a_picture_of_just_now_waits_for_a_scan_that_is_being_written(world: World) -> None:
    world.open("A")
    world.advance(100)
    now = world.true
    assert world.whose(now) == "A"
    assert world.true == now + 1.0


def test_what_is_taken_later_than_now_is_nobodys(world: World) -> None:
    world.open("A")
    assert world.whose(NOON + 3600) == ""


def test_an_exam_that_was_forgotten_answers_for_nothing_after_its_time(world: World) -> None:
    world.open("A")
    world.advance(12 * 3600 - 10)
    assert world.whose(world.true - 1) == "A"
    assert world.exams.problems() == []
    world.advance(20)
    assert world.whose(world.true) == ""
    (problem,) = world.exams.problems()
    assert problem.startswith("exam: open for more than 12 h")
    world.open("B")
    assert world.exams.problems() == []


def test_the_agent_may_be_started_again_in_between(world: World) -> None:
    world.open("A")
    world.advance(50)
    world.restarted()
    world.advance(50)
    assert world.whose(NOON + 20) == "A"
    assert world.whose(NOON + 90) == "A"


def test_after_a_restart_of_the_machine_only_a_synchronised_clock_is_believed(
    world: World,
) -> None:
    world.open("A")
    world.advance(100)
    world.rebooted(error=0.0, is_trusted=False)
    world.advance(10)
    assert world.whose(world.true - 5) == "?"
    world.is_trusted = True
    assert world.whose(world.true - 5) == "A"


def test_what_a_clock_that_was_set_back_told_twice_is_in_doubt(world: World) -> None:
    world.open("A")
    world.advance(600)
    assert world.whose(NOON + 590) == "A"
    world.error = -300
    world.advance(100)
    world.open("B")  # at NOON + 400 by the clock; had it not been set, at NOON + 700
    world.advance(400)
    assert world.whose(NOON + 550) == "?", "A's before it was set, or B's after"
    assert world.whose(NOON + 100) == "A"
    assert world.whose(NOON + 750) == "B"


def test_of_nobodys_times_that_come_again_none_is_given_to_a_patient(world: World) -> None:
    world.open("Z")
    world.advance(100)
    world.exams.close(actor="doe")
    world.advance(10)
    assert world.whose(NOON + 50) == "Z"
    world.error = -90
    world.advance(10)
    assert world.whose(NOON + 25) == "?", "while nobody's exam was open"


def test_an_exam_that_could_not_be_written_down_leaves_the_one_before_it_no_pictures(
    world: World, monkeypatch: pytest.MonkeyPatch, spool: Spool
) -> None:
    world.open("A")
    world.advance(100)
    with monkeypatch.context() as broken:

        def full(*_: object, **__: object) -> None:
            msg = "ledger: the disk of the data_dir takes no more"
            raise SpoolFull(msg)

        broken.setattr(spool, "open_exam", full)
        with pytest.raises(SpoolFull):
            world.open("B")
    world.advance(50)
    assert world.whose(NOON + 50) == "A"
    assert world.whose(NOON + 120) == "?"
    assert "could not be opened" in world.exams.problems()[0]
    world.open("C")
    world.advance(50)
    assert world.exams.problems() == []
    assert [world.whose(NOON + at) for at in (50, 120, 190)] == ["A", "", "C"]


def test_an_exam_without_a_patient_is_refused_and_changes_nothing(world: World) -> None:
    world.open("A")
    for attributes in ({}, {"PatientID": " "}, {"AccessionNumber": "1"}):
        with pytest.raises(ConfigError, match="PatientID is missing"):
            world.exams.open(attributes, by="session", actor="doe")
    world.advance(10)
    assert world.whose(NOON + 5) == "A"


def test_a_scan_counts_from_when_it_was_read(world: World) -> None:
    world.open("A", age_s=30.0)
    world.advance(10)
    assert world.whose(NOON - 20) == "A"
    assert shown(world.exams.latest())["opened_at"] == NOON - 30


def taken(path: Path, at: float, content: bytes = b"picture") -> Acquisition:
    path.write_bytes(content)
    os.utime(path, (at, at))
    fingerprint = Fingerprint.of(path.stat())
    return Acquisition(source="scope", media=path, name=path.name, fingerprint=fingerprint)


def test_each_resolver_answers_for_the_exams_it_opened(world: World, tmp_path: Path) -> None:
    barcode, session = (ExamIdentifier(name, world.exams) for name in ("barcode", "session"))
    world.open("A")
    world.advance(100)
    world.open("B", by="session")
    world.advance(100)
    first, second = (taken(tmp_path / f"{at}.jpg", NOON + at) for at in (50, 150))
    identity = barcode.identify(first)
    assert identity
    assert (identity.attributes, identity.resolver) == ({"PatientID": "A"}, "barcode")
    assert session.identify(first) is None
    assert barcode.identify(second) is None
    assert session.said(second) == {"PatientID": "B"}
    assert session.said(first) == {}


def test_a_dicom_file_says_itself_whose_it_is(world: World, tmp_path: Path) -> None:
    world.open("A")
    world.advance(100)
    dicom = taken(tmp_path / "a.dcm", NOON + 50, bytes(128) + b"DICM")
    assert ExamIdentifier("barcode", world.exams).identify(dicom) is None
    gone = replace(dicom, media=tmp_path / "gone")
    with pytest.raises(IdentityError, match="cannot be read"):
        ExamIdentifier("barcode", world.exams).identify(gone)


@dataclass(frozen=True)
class Step:
    """What happens next in a world."""

    what: str
    amount: float = 0.0


steps = st.lists(
    st.one_of(
        st.builds(Step, st.just("advance"), st.floats(0.1, 900)),
        st.builds(Step, st.just("advance"), st.floats(0.1, 5)),
        st.builds(Step, st.just("set back"), st.floats(1.5, 1500)),
        st.builds(Step, st.just("set forward"), st.floats(1.5, 1500)),
        st.builds(Step, st.sampled_from(["open", "open", "close", "picture", "picture", "seen"])),
        st.builds(Step, st.sampled_from(["restart", "file", "file", "file"])),
        st.builds(Step, st.just("reboot"), st.floats(-3000, 0)),
        st.builds(Step, st.just("synchronise")),
    ),
    max_size=40,
)
base = itertools.count(1)


def changed(world: World, whose: str) -> None:
    if whose:
        world.open(whose)
    else:
        world.exams.close(actor="doe")


def set_by(world: World, seconds: float) -> None:
    world.exams.look()
    world.error += seconds


def synchronised(world: World, _: float) -> None:
    world.exams.look()
    world.error, world.is_trusted = 0.0, True


DOINGS: dict[str, Callable[[World, float], object]] = {
    "advance": lambda world, seconds: world.advance(seconds),
    "set back": lambda world, seconds: set_by(world, -seconds),
    "set forward": set_by,
    "seen": lambda world, _: world.whose(world.wall()),
    "restart": lambda world, _: world.restarted(),
    "reboot": lambda world, error: world.rebooted(error=world.error + error, is_trusted=False),
    "synchronise": synchronised,
    "file": lambda _world, _: None,
}


@settings(
    deadline=None,
    max_examples=int(os.environ.get("PASSERELLE_EXAMPLES", "400")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps)
def test_however_the_clock_is_set_no_picture_is_given_to_another_patient(
    shared_spool: Spool, happened: list[Step]
) -> None:
    """A world in which the truth is known; pictures come late and in any order.

    A clock is not set twice between two looks of the agent, ten seconds apart. What lies there
    when the machine starts is looked at before anything else happens, as a folder is: nothing
    tells such a picture from one that is taken later by a clock that is wrong.
    """
    number = next(base)
    world = World(shared_spool, NOON + 1e6 * number, f"world {number}")
    world.exams.close(actor="the world before")
    whose, waiting = "", list[tuple[float, str]]()
    for patient, step in enumerate(happened):
        world.advance(0.01)  # no two things happen in the same moment
        if step.what == "picture":
            waiting.append((world.wall(), whose))
        elif step.what == "file" and waiting:
            taken_at, truth = waiting.pop()
            assert world.whose(taken_at) in (truth, "", "?")
        elif step.what in ("open", "close"):
            whose = f"P{patient}" if step.what == "open" else ""
            changed(world, whose)
        else:
            DOINGS[step.what](world, step.amount)
        if step.what == "reboot":
            for taken_at, truth in waiting:
                assert world.whose(taken_at) in (truth, "", "?")
            waiting.clear()
    for taken_at, truth in waiting:
        assert world.whose(taken_at) in (truth, "", "?")


def test_an_exam_is_shown_with_its_patient_to_whoever_asks(world: World) -> None:
    handlers = world.exams.handlers()
    assert handlers["exam show"]({}) == {"open": False}
    body = {"attributes": {"PatientID": "A"}, "actor": "doe"}
    assert handlers["exam open"](body)["attributes"] == {"PatientID": "A"}
    assert handlers["exam show"]({})["opened_by"] == "session"
    assert handlers["exam close"]({"actor": "doe"}) == {"closed": True}
    assert handlers["exam close"]({"actor": "doe"}) == {"closed": False}
    assert handlers["exam show"]({})["open"] is False
