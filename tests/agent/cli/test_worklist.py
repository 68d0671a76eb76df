"""`passerelle worklist`: live while the server answers, then as it was last seen."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from command_support import configured
from passerelle.dimse.archive import Archive
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from command_support import Told

    Run = Callable[..., Told]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(folder=tmp_path / "archive")
    archive.start()
    yield archive
    archive.stop()


def asking(folder: Path, port: int, more: str = "") -> Path:
    """A config of the ultrasound in room 3."""
    worklist = f'worklist = {{ host = "127.0.0.1", port = {port}, ae_title = "ARCHIVE"{more} }}'
    path = configured(folder, f"[identity]\n{worklist}")
    text = path.read_text("utf-8").replace('"AGENT"', '"ECHO3"\nmodality = "US"')
    path.write_text(text, "utf-8")
    return path


def aged(folder: Path, hours: float) -> None:
    """Make what was last seen so much older."""
    cache = folder / "data" / "worklist.json"
    kept = json.loads(cache.read_text("ascii"))
    cache.write_text(json.dumps(kept | {"at": kept["at"] - hours * 3600}), "ascii")


def told_as_json(told: Told) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(told.out)
    return answer


def test_the_steps_of_this_station_are_told_live(run: Run, tmp_path: Path, server: Archive) -> None:
    told = run("worklist", "--json", "-c", asking(tmp_path, server.port))
    answer = told_as_json(told)
    assert (told.code, answer["live"], answer["age_s"]) == (0, True, 0)
    assert [step["PatientName"] for step in answer["steps"]] == ["Müller^Jörg", "山田^太郎"]


def test_a_person_gets_a_table(run: Run, tmp_path: Path, server: Archive) -> None:
    told = run("worklist", "-c", asking(tmp_path, server.port))
    first, _, *rows = told.out.splitlines()
    assert (told.code, first) == (0, "live")
    assert [row.split()[1:] for row in rows] == [
        ["083000", "Müller^Jörg", "DEMO-0001", "ACC-1001", "Abdomen"],
        ["094500", "山田^太郎", "DEMO-0004", "ACC-1004", "Thyroid"],
    ]


def test_an_outage_shows_what_was_last_seen_and_how_old_that_is(
    run: Run, tmp_path: Path, server: Archive
) -> None:
    path = asking(tmp_path, server.port)
    live = told_as_json(run("worklist", "--json", "-c", path))
    server.stop()
    aged(tmp_path, hours=2)
    told = run("worklist", "--json", "-c", path)
    answer = told_as_json(told)
    assert (told.code, answer["live"]) == (0, False)
    assert answer["age_s"] == pytest.approx(7200, abs=60)
    assert answer["steps"] == live["steps"]
    assert told.err.startswith("worklist: ")
    assert run("worklist", "-c", path).out.startswith("cached, 120 minutes old\n")


def test_what_is_older_than_may_be_shown_is_not(run: Run, tmp_path: Path, server: Archive) -> None:
    path = asking(tmp_path, server.port, ", keep_h = 1")
    run("worklist", "-c", path)
    server.stop()
    aged(tmp_path, hours=2)
    told = run("worklist", "-c", path)
    assert (told.code, told.out) == (1, "")


@pytest.mark.parametrize("cache", [None, "{", '{"steps": []}', "[]", '{"at": "noon", "steps": []}'])
def test_no_server_and_nothing_that_was_seen_is_exit_code_1(
    run: Run, tmp_path: Path, cache: str | None
) -> None:
    path = asking(tmp_path, free_port())
    if cache is not None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "worklist.json").write_text(cache)
    told = run("worklist", "-c", path)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("worklist: ")


@pytest.mark.skipif(os.name == "nt", reason="Windows protects the folder, not the file")
def test_what_was_seen_is_kept_for_the_agents_user_alone(
    run: Run, tmp_path: Path, server: Archive
) -> None:
    run("worklist", "-c", asking(tmp_path, server.port))
    assert (tmp_path / "data" / "worklist.json").stat().st_mode & 0o077 == 0
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_what_cannot_be_kept_is_told_live_all_the_same(
    run: Run, tmp_path: Path, server: Archive
) -> None:
    path = asking(tmp_path, server.port)
    (tmp_path / "data").write_text("no folder")
    told = run("worklist", "-c", path)
    assert (told.code, told.out.splitlines()[0]) == (0, "live")
    assert told.err.startswith("worklist: not kept for an outage: ")


def test_a_config_without_a_worklist_is_a_sentence(run: Run, tmp_path: Path) -> None:
    told = run("worklist", "-c", configured(tmp_path))
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("identity.worklist: ")
