"""An original goes only if it is still the one that was offered."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

import pytest

from folder_support import Desk, picture
from passerelle.errors import SpoolFull

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import Acquisition
    from passerelle.sources.releasing import After


def one(desk: Desk, name: str = "a.png") -> Acquisition:
    desk.drop(name, picture("PNG"))
    desk.drop_sidecar(f"{name}.json")
    (acquisition,) = desk.settled()
    assert acquisition.sidecar
    return acquisition


class Fate(NamedTuple):
    after: After
    kept: bool
    left: int
    archived: int


@pytest.mark.parametrize(
    "fate",
    [
        Fate("archive", kept=False, left=0, archived=2),
        Fate("archive", kept=True, left=0, archived=0),
        Fate("delete", kept=False, left=0, archived=0),
        Fate("delete", kept=True, left=0, archived=0),
        Fate("keep", kept=False, left=2, archived=0),
        Fate("keep", kept=True, left=2, archived=0),
    ],
)
def test_the_original_goes_as_the_config_says(tmp_path: Path, fate: Fate) -> None:
    desk = Desk(tmp_path, after=fate.after)
    desk.source.release(one(desk), kept=fate.kept)
    assert len(desk.names()) == fate.left
    assert len(list(desk.archive.iterdir())) == fate.archived
    assert desk.source.pending == 0
    assert desk.look(600) == []


def test_what_is_kept_in_its_place_is_remembered_across_restarts(tmp_path: Path) -> None:
    desk = Desk(tmp_path, after="keep")
    desk.source.release(one(desk), kept=False)
    desk.restarted()
    assert desk.settled(60) == []
    desk.drop("a.png", picture("PNG", compress_level=1))
    assert len(desk.settled()) == 1, "new content is a new acquisition"


@pytest.mark.parametrize("after", ["archive", "delete", "keep"])
def test_an_original_that_changed_stays_and_is_offered_again(tmp_path: Path, after: After) -> None:
    desk = Desk(tmp_path, after=after)
    first = one(desk)
    desk.drop("a.png", picture("PNG") + b"trailer")
    desk.source.release(first, kept=False)
    assert desk.names() == ["a.png", "a.png.json"]
    (second,) = desk.settled()
    assert second.fingerprint != first.fingerprint


def test_letting_go_twice_or_of_what_is_gone_does_no_harm(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    acquisition = one(desk)
    desk.source.release(acquisition, kept=False)
    desk.source.release(acquisition, kept=False)
    assert desk.source.problems() == []


class Stubborn(Desk):
    """Its archive cannot be written until it is mended."""

    fault: Exception | None = None

    def to_archive(self, path: Path) -> None:
        if self.fault:
            raise self.fault
        super().to_archive(path)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (OSError(errno.EROFS, "Read-only file system"), "Read-only file system"),
        (SpoolFull("archive: full"), "SpoolFull"),
    ],
)
def test_an_original_that_will_not_go_is_a_problem_and_tried_again(
    tmp_path: Path, fault: Exception, reason: str
) -> None:
    desk = Stubborn(tmp_path)
    acquisition = one(desk)
    desk.fault = fault
    desk.source.release(acquisition, kept=False)
    assert desk.look(4) == desk.look(2) == desk.look(30) == [], "it is not offered in a loop"
    assert desk.source.pending == 0
    (problem,) = desk.source.problems()
    assert problem.startswith("export: originals that are safe here but cannot be taken away: 1 ")
    assert f"({reason})" in problem
    desk.fault = None
    assert desk.look(60) == []
    assert desk.names() == []
    assert desk.source.problems() == []


def test_an_original_that_would_not_go_and_then_changes_is_offered_again(tmp_path: Path) -> None:
    desk = Stubborn(tmp_path)
    acquisition = one(desk)
    desk.fault = OSError(errno.EACCES, "Permission denied")
    desk.source.release(acquisition, kept=False)
    desk.drop("a.png", picture("PNG") + b"trailer")
    assert len(desk.settled(20)) == 1
    assert desk.source.problems() == []


class HalfStubborn(Stubborn):
    """Takes pictures, but not sidecars."""

    def to_archive(self, path: Path) -> None:
        fault, self.fault = self.fault, self.fault if path.suffix == ".json" else None
        try:
            super().to_archive(path)
        finally:
            self.fault = fault


def test_a_sidecar_that_will_not_go_is_never_given_to_the_next_picture(tmp_path: Path) -> None:
    desk = HalfStubborn(tmp_path)
    acquisition = one(desk)
    desk.fault = OSError(errno.EACCES, "Permission denied")
    desk.source.release(acquisition, kept=False)
    assert desk.names() == ["a.png.json"]
    assert desk.source.problems()
    desk.drop("a.png", picture("PNG"))
    (later,) = desk.settled()
    assert later.sidecar is None
    desk.source.retry(later)
    desk.fault = None
    desk.look(1)
    desk.look(60)
    assert desk.names() == ["a.png"]
