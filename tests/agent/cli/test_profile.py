"""`passerelle profile`: what there is, and what one makes of files without making it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intake_support import png
from passerelle.profile import profile_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told


def test_every_profile_is_listed_with_what_it_is_for(run: Callable[..., Told]) -> None:
    told = run("profile", "list")
    assert told.code == 0
    for name in profile_names():
        assert name in told.out


def test_a_sites_own_profile_is_listed_too(run: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "ours.toml").write_text('summary = "Our own device"\n')
    assert "Our own device" in run("profile", "list").out


def test_trying_a_profile_shows_what_it_would_see_and_makes_nothing(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "ours.toml").write_text(
        "filename = '(?P<PatientID>\\d+)_(?P<StudyDate>\\d+)\\.png'\ndate_format = '%d%m%Y'\n"
    )
    (tmp_path / "42_31012026.png").write_bytes(png())
    told = run("profile", "try", "ours", "42_31012026.png")
    assert told.code == 0
    assert "12 x 16" in told.out
    assert "PatientID=42, StudyDate=20260131" in told.out
    assert {path.name for path in tmp_path.iterdir()} == {"profiles", "42_31012026.png"}


def test_a_file_that_would_be_refused_is_told_and_the_others_are_shown(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "b.png").write_bytes(b"no picture")
    told = run("profile", "try", "ultrasound-still", "b.png", "gone.png", "a.png")
    assert told.code == 1
    lines = {line.split()[0]: line for line in told.out.splitlines()}
    assert "12 x 16" in lines["a.png"]
    assert "b.png" in lines
    assert "gone.png" in lines


def test_a_profile_that_cannot_be_used_is_a_sentence(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "ours.toml").write_text('sop_klass = "DX"\n')
    told = run("profile", "try", "ours", "a.png")
    assert told.code == 2
    assert "ours.toml: sop_klass" in told.err
    assert run("profile", "list").code == 2
