"""What is in the folder of captures survives a kill at any step, and is found once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from passerelle_hw.camera import folder
from passerelle_hw.camera.captured import Captured

if TYPE_CHECKING:
    from pathlib import Path


def _clip(into: Path, suffix: str = ".mjpeg") -> Captured:
    return Captured(
        file=into / f"clip-abc{suffix}",
        kind="clip",
        taken_at=1000.25,
        pressed_at=1002.5,
        columns=64,
        rows=48,
        frames=3,
        frame_times_ms=(0.0, 40.0, 80.0),
        missing=1,
        pixel_aspect=(15, 16),
    )


def _published(captured: Captured, content: bytes = b"frames") -> Captured:
    part = captured.file.with_name(captured.file.name + folder.PART)
    part.write_bytes(content)
    folder.publish(part, captured)
    return captured


def test_a_name_is_never_given_twice_and_has_no_number_in_it() -> None:
    names = {folder.new_name("still") for _ in range(1000)}
    assert len(names) == 1000
    assert all(re.fullmatch(r"still-[a-p]{20}", name) for name in names)


def test_what_a_killed_process_finished_is_found_with_all_that_is_known_of_it(
    tmp_path: Path,
) -> None:
    whole = _published(_clip(tmp_path))
    (tmp_path / "still-xyz.jpg.part").write_bytes(b"half")
    (tmp_path / "still-xyz.jpg.facts.part").write_bytes(b"{")
    assert folder.left_behind(tmp_path) == [whole]
    assert folder.left_behind(tmp_path) == [whole]
    assert not list(tmp_path.glob("*.part"))


def test_what_is_known_of_a_file_that_was_taken_away_goes_too(tmp_path: Path) -> None:
    whole = _published(_clip(tmp_path))
    whole.file.rename(tmp_path.parent / "taken")
    assert folder.left_behind(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_was_encoded_is_not_found_as_it_was_taken_too(tmp_path: Path) -> None:
    taken = _published(_clip(tmp_path))
    encoded = _published(replace(taken, file=taken.file.with_suffix(".mp4"), lossy=True))
    assert folder.left_behind(tmp_path) == [encoded]
    assert not taken.file.exists()


def test_a_kill_before_the_name_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    whole = _published(_clip(tmp_path))
    whole.file.rename(whole.file.with_name(whole.file.name + folder.PART))
    assert folder.left_behind(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_facts_that_cannot_be_read_leave_the_file_for_a_person(tmp_path: Path) -> None:
    whole = _published(_clip(tmp_path))
    whole.file.with_name(whole.file.name + folder.FACTS).write_text('{"file": ')
    assert folder.left_behind(tmp_path) == []
    assert whole.file.exists()
