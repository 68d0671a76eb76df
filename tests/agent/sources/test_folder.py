"""Nothing is offered before it is whole, and nothing is missed."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from folder_support import Desk, picture, plain_user
from passerelle.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import Acquisition


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def offered(acquisitions: list[Acquisition]) -> list[str]:
    return [acquisition.name for acquisition in acquisitions]


def test_a_file_is_offered_once_it_has_stood_still(desk: Desk) -> None:
    path = desk.drop("a.png", picture("PNG"), mtime=1e9)
    assert desk.look() == desk.look(1.9) == []
    (acquisition,) = desk.look(0.2)
    assert (acquisition.media, acquisition.name, acquisition.complaint) == (path, "a.png", "")
    assert acquisition.sidecar is None
    assert desk.look(60) == [], "offered once"
    assert (desk.source.pending, desk.source.last_acquisition_at) == (1, 1.5e9)


def test_a_file_written_over_90_s_is_offered_once_and_whole(desk: Desk) -> None:
    data = picture("JPEG")
    for second in range(90):
        desk.drop("slow.jpg", data[: len(data) * second // 90])
        assert desk.look(1.0) == []
    desk.drop("slow.jpg", data)
    (acquisition,) = desk.settled()
    assert acquisition.fingerprint.size == len(data)
    assert acquisition.complaint == ""


def test_a_pause_in_writing_is_not_the_end(desk: Desk) -> None:
    data = picture("PNG")
    desk.drop("a.png", data[:-20])
    assert desk.settled(30) == []
    desk.drop("a.png", data)
    assert offered(desk.settled()) == ["a.png"]


def test_a_copy_under_a_temporary_name_shows_when_it_is_renamed(desk: Desk) -> None:
    path = desk.drop("a.png.tmp", picture("PNG"), mtime=1e9)
    assert desk.settled(60) == []
    assert desk.source.skipped == {"temporary name": 1}
    path.rename(desk.folder / "a.png")
    assert offered(desk.settled()) == ["a.png"]


def test_room_reserved_and_then_filled_without_a_new_mtime_is_noticed(desk: Desk) -> None:
    data = picture("JPEG")
    desk.drop("a.jpg", bytes(len(data)), mtime=1e9)
    path = desk.drop("a.jpg", data[:300].ljust(len(data), b"\0"), mtime=1e9)
    assert desk.settled(20) == []
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, (1e9, 1e9))
    assert offered(desk.look(5)) == ["a.jpg"]


def test_a_file_cut_off_for_ever_is_offered_with_its_complaint(desk: Desk) -> None:
    desk.drop("a.jpg", picture("JPEG")[:-100])
    desk.drop("empty.png", b"")
    assert desk.settled(59) == []
    complaints = {one.name: one.complaint for one in desk.look(1)}
    assert complaints == {
        "a.jpg": "JPEG: no end of image: the file is cut off or still being written",
        "empty.png": "empty: the file has no content",
    }


def test_a_file_that_was_cut_off_and_grows_after_all_is_offered_whole(desk: Desk) -> None:
    data = picture("JPEG")
    path = desk.drop("a.jpg", data[:-100])
    (broken,) = desk.settled(60)
    desk.source.release(broken, kept=True)
    assert path.exists()
    assert desk.look(600) == []
    assert desk.source.pending == 0
    with path.open("ab") as file:
        file.write(data[-100:])
    (whole,) = desk.settled()
    assert whole.complaint == ""
    desk.source.release(whole, kept=False)
    assert desk.names() == []


def test_raw_files_are_whole_as_they_are(tmp_path: Path) -> None:
    desk = Desk(tmp_path, raw_suffixes=(".raw",))
    desk.drop("a.raw", picture("PNG")[:99])
    assert offered(desk.settled()) == ["a.raw"]


def test_the_oldest_comes_first_and_ties_go_by_name(desk: Desk) -> None:
    for name, mtime in (("c", 3), ("b", 1), ("d", 2), ("a", 2)):
        desk.drop(name, mtime=1e9 + mtime)
    assert offered(desk.settled()) == ["b", "a", "d", "c"]


def test_new_content_under_an_old_name_is_a_new_acquisition(desk: Desk) -> None:
    desk.drop("IMG_0001", b"first")
    (first,) = desk.settled()
    desk.source.release(first, kept=False)
    desk.drop("IMG_0001", b"second")
    (second,) = desk.settled()
    assert first.fingerprint != second.fingerprint


def test_a_rewrite_while_the_consumer_is_busy_is_settled_anew(desk: Desk) -> None:
    desk.drop("a", b"first", mtime=1e9)
    desk.drop("b", b"first", mtime=2e9)
    desk.look()
    desk.clock.now += 2
    ready = desk.source.ready()
    assert next(ready).name == "a"
    desk.drop("b", b"second")
    assert list(ready) == []
    (b,) = desk.look(2.1)
    assert b.fingerprint.size == 6


def test_files_taken_away_in_the_meantime_are_passed_over(desk: Desk) -> None:
    first, second = desk.drop("a", mtime=1e9), desk.drop("b", mtime=2e9)
    desk.look()
    desk.clock.now += 2
    ready = desk.source.ready()
    assert next(ready).media == first
    second.unlink()
    assert list(ready) == []
    assert desk.source.pending == 1


def test_a_long_round_ends_when_it_is_time_to_look_again(desk: Desk) -> None:
    for number in range(10):
        desk.drop(f"{number}")
    desk.look()
    desk.clock.now += 2
    first_round = []
    for acquisition in desk.source.ready():
        first_round.append(acquisition.name)
        desk.clock.now += 2
    assert len(first_round) == 3
    assert len(desk.look()) == 7


def test_an_acquisition_given_back_is_offered_later_and_later(desk: Desk) -> None:
    desk.drop("a")
    (acquisition,) = desk.settled()
    waits = []
    for _ in range(4):
        desk.source.retry(acquisition)
        began = desk.clock.now
        while not desk.look():
            desk.clock.now += 1
        waits.append(round(desk.clock.now - began))
    assert waits == [2, 4, 8, 16]


def test_what_was_offered_but_not_let_go_of_is_offered_after_a_restart(desk: Desk) -> None:
    desk.drop("a")
    assert offered(desk.settled()) == ["a"]
    desk.restarted()
    assert offered(desk.settled()) == ["a"]


def test_the_same_source_offers_again_what_its_last_consumer_dropped(desk: Desk) -> None:
    desk.drop("a")
    desk.look()
    desk.clock.now += 2
    for _ in range(2):
        acquisitions = desk.source.acquisitions(threading.Event())
        assert (offer := next(acquisitions))
        assert offer.name == "a"


def test_a_share_that_goes_away_and_returns_has_lost_nothing(desk: Desk) -> None:
    away = desk.folder.with_name("away")
    desk.drop("before")
    desk.look()
    desk.folder.rename(away)
    for _ in range(3):
        with pytest.raises(SourceError, match=r"^export: cannot read the folder"):
            next(desk.source.acquisitions(threading.Event()))
        desk.clock.now += 100
    for number in range(500):
        (away / f"{number}.bin").write_bytes(b"x")
    away.rename(desk.folder)
    assert offered(desk.look()) == ["before"], "it had settled before"
    assert len(desk.look(2)) == 500


def test_the_empty_folder_under_an_unmounted_share_is_an_error(tmp_path: Path) -> None:
    mounted = True
    desk = Desk(tmp_path, is_mount=lambda _: mounted)
    desk.drop("a")
    desk.look()
    mounted = False
    with pytest.raises(SourceError, match=r"nothing is mounted on .* any more"):
        desk.look()
    mounted = True
    assert offered(desk.look(2)) == ["a"]


def test_odd_names_are_offered_as_they_are(desk: Desk) -> None:
    odd = {"two\nlines", "latin-\udce9.x", "-rf", "n" * 255, "A.x", "a.x", "é"}
    for name in odd:
        desk.drop(name)
    found = desk.settled()
    assert set(offered(found)) == odd
    for acquisition in found:
        desk.source.release(acquisition, kept=False)
    assert desk.names() == []


def test_what_replaces_a_file_between_two_looks_is_not_followed(desk: Desk) -> None:
    path = desk.drop("a", mtime=1e9)
    desk.drop("b", mtime=2e9)
    desk.look()
    desk.clock.now += 2
    ready = desk.source.ready()
    next(ready)
    (desk.folder / "b").unlink()
    (desk.folder / "b").symlink_to(path)
    assert list(ready) == []


@pytest.mark.skipif(os.name != "posix", reason="chmod takes no right away")
def test_a_file_that_cannot_be_read_is_a_problem_until_it_can() -> None:
    with plain_user() as folder:
        desk = Desk(folder)
        path = desk.drop("Doe^Jane.png", picture("PNG"))
        path.chmod(0)
        assert desk.settled() == []
        (problem,) = desk.source.problems()
        assert problem == "export: files that cannot be read: 1; check their permissions"
        path.chmod(0o600)
        assert offered(desk.settled(5)) == ["Doe^Jane.png"]
        assert desk.source.problems() == []


@pytest.mark.skipif(os.name != "posix", reason="chmod takes no right away")
def test_an_unreadable_sub_folder_is_a_problem_and_its_files_are_not_forgotten() -> None:
    with plain_user() as folder:
        desk = Desk(folder)
        desk.drop("below/a")
        desk.look()
        (desk.folder / "below").chmod(0)
        assert desk.look(5) == []
        assert desk.source.problems() == [
            "export: files that cannot be read: 1; check their permissions",
            "export: sub-folders that cannot be read: 1; check their permissions",
        ]
        (desk.folder / "below").chmod(0o700)
        assert offered(desk.look(5)) == ["below/a"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has permissions")
def test_the_structure_of_a_file_is_followed_while_it_settles() -> None:
    with plain_user() as folder:
        desk = Desk(folder)
        path = desk.drop("a.png", picture("PNG"))
        assert desk.look() == []
        desk.clock.now += 1
        desk.source._wait(desk.clock.now)  # noqa: SLF001 - what it does where it would only wait
        path.chmod(0)
        assert offered(desk.look(1)) == ["a.png"], "nobody had to read it any more"


def test_whoever_works_ahead_hears_of_whole_files_while_they_settle(tmp_path: Path) -> None:
    whole: list[str] = []
    desk = Desk(tmp_path, on_whole=lambda path: whole.append(path.name))
    desk.drop("a.png", picture("PNG"))
    desk.drop("b.png", picture("PNG")[:-20])
    assert desk.look() == []
    desk.clock.now += 1
    for _ in range(2):
        desk.source._wait(desk.clock.now)  # noqa: SLF001 - what it does where it would only wait
    assert whole == ["a.png"]
