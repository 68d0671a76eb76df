"""The first thing that anybody types: the whole path on one machine, with nothing configured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journey_support import passerelle

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PICTURES = 12  # six by folder, three over the serial line, three of the camera


def test_the_demo_shows_every_picture_until_it_is_proven_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    told = passerelle("demo", "--once", timeout_s=60)
    assert (told.returncode, told.stderr) == (0, "")
    *lines, last = told.stdout.splitlines()
    assert last == f"{PICTURES} of {PICTURES} committed; nothing is owed"
    handed_over = names(lines, "exported") | names(lines, "taken")
    assert (len(names(lines, "exported")), len(names(lines, "taken"))) == (6, 3)
    stills = {name for name in names(lines, "COMMITTED") if name.startswith("still-")}
    assert len(stills) == 3
    assert names(lines, "COMMITTED") == handed_over | stills
    assert list(tmp_path.iterdir()) == []


def names(lines: list[str], state: str) -> set[str]:
    """The pictures that came to this state."""
    told = (re.match(rf" *[\d.]+ s  {state} +(\S+)", line) for line in lines)
    return {match[1] for match in told if match}
