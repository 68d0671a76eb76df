"""A picture waits for its sidecar, and never takes another picture's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from folder_support import Desk, picture

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import Acquisition

PNG = picture("PNG")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, sidecar_wait_s=10.0)


def paired(acquisitions: list[Acquisition]) -> dict[str, str | None]:
    return {one.name: one.sidecar.name if one.sidecar else None for one in acquisitions}


def test_a_sidecar_that_comes_first_waits_for_its_picture(desk: Desk) -> None:
    desk.drop_sidecar("a.png.json")
    assert desk.settled() == []
    desk.drop("a.png", PNG)
    assert paired(desk.settled()) == {"a.png": "a.png.json"}


def test_a_picture_that_comes_first_waits_for_its_sidecar(desk: Desk) -> None:
    desk.drop("a.png", PNG)
    assert desk.settled(6) == []
    desk.drop_sidecar("a.json")
    assert paired(desk.settled()) == {"a.png": "a.json"}


def test_a_picture_whose_sidecar_never_comes_is_offered_without(desk: Desk) -> None:
    desk.drop("a.png", PNG)
    assert desk.settled(11.9) == []
    assert paired(desk.look(0.2)) == {"a.png": None}


def test_a_sidecar_half_written_is_waited_for(desk: Desk) -> None:
    desk.drop("a.png", PNG)
    desk.drop("a.json", b'{"PatientID": "00')
    assert desk.settled(8) == []
    desk.drop_sidecar("a.json")
    assert desk.look() == [], "it must stand still as well"
    assert paired(desk.look(2)) == {"a.png": "a.json"}


def test_a_sidecar_that_never_becomes_json_is_offered_and_not_passed_over(desk: Desk) -> None:
    desk.drop("a.png", PNG)
    desk.drop("a.json", b'{"PatientID": "00')
    assert desk.settled(11) == []
    assert paired(desk.look(2)) == {"a.png": "a.json"}


def test_a_sidecar_still_changing_when_the_wait_ends_is_waited_for(desk: Desk) -> None:
    desk.drop("a.png", PNG)
    desk.settled(11)
    desk.drop_sidecar("a.json")
    assert desk.look(1.5) == []
    assert paired(desk.look(2)) == {"a.png": "a.json"}


def test_a_sidecar_alone_is_no_acquisition_but_a_problem(desk: Desk) -> None:
    desk.drop_sidecar("a.JSON")
    assert desk.settled(60) == []
    assert desk.source.pending == 0
    assert desk.source.problems() == ["export: sidecars without a picture: 1"]


def test_one_sidecar_serves_two_pictures_and_goes_with_the_last(desk: Desk) -> None:
    for name in ("a.jpg", "a.png"):
        desk.drop(name, PNG, mtime=1e9)
    desk.drop_sidecar("a.json")
    first, second = desk.settled()
    assert paired([first, second]) == {"a.jpg": "a.json", "a.png": "a.json"}
    desk.source.release(first, kept=False)
    assert desk.names() == ["a.json", "a.png"]
    desk.source.release(second, kept=False)
    assert desk.names() == []
    assert len(list(desk.archive.iterdir())) == 3


def test_an_old_sidecar_is_not_given_to_a_later_picture_of_the_same_name(desk: Desk) -> None:
    desk.drop("IMG_0001.png", PNG)
    (first,) = desk.settled(12)
    desk.source.release(first, kept=False)
    desk.drop_sidecar("IMG_0001.json", "the first patient")
    desk.look()
    desk.look(60)
    desk.drop("IMG_0001.png", PNG)
    assert desk.settled(11.9) == []
    assert paired(desk.look(0.2)) == {"IMG_0001.png": None}


def test_a_name_used_again_while_the_first_picture_waits_takes_no_old_sidecar(desk: Desk) -> None:
    desk.drop("IMG_0001.png", PNG + b"more")
    desk.drop_sidecar("IMG_0001.json", "the first patient")
    (first,) = desk.settled()
    desk.source.retry(first)
    desk.look(60)
    desk.drop("IMG_0001.png", PNG)
    assert desk.settled(11.9) == []
    assert paired(desk.look(0.2)) == {"IMG_0001.png": None}


def test_a_sidecar_that_came_before_a_slow_picture_belongs_to_it(desk: Desk) -> None:
    desk.drop_sidecar("a.json")
    for size in range(100, len(PNG), len(PNG) // 60):
        desk.drop("a.png", PNG[:size])
        assert desk.look(1) == []
    desk.drop("a.png", PNG)
    assert paired(desk.settled()) == {"a.png": "a.json"}


def test_a_sidecar_rewritten_after_it_was_offered_stays(desk: Desk) -> None:
    desk.drop("a.png", PNG)
    desk.drop_sidecar("a.json", "1")
    (acquisition,) = desk.settled()
    desk.drop_sidecar("a.json", "another")
    desk.source.release(acquisition, kept=False)
    assert desk.names() == ["a.json"]


def test_sidecars_in_other_folders_are_not_this_pictures(desk: Desk) -> None:
    desk.drop("one/a.png", PNG)
    desk.drop_sidecar("two/a.json")
    desk.drop_sidecar("a.json")
    assert paired(desk.settled(12)) == {"one/a.png": None}
