"""What several commands print: tables that change nothing of what they show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.table import Table

from passerelle.cli.options import echo_json, show_table

if TYPE_CHECKING:
    import pytest


def printed(capsys: pytest.CaptureFixture[str], *cells: str) -> str:
    table = Table(*("" for _ in cells), box=None)
    table.add_row(*cells)
    show_table(table)
    return capsys.readouterr().out


def test_what_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[red]knee[/red] :heart: [/]" in printed(capsys, "[red]knee[/red] :heart: [/]")


def test_a_program_gets_every_row_on_one_line_without_colours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = printed(capsys, "9" * 64, "why " * 60)
    assert "9" * 64 in told
    assert len([line for line in told.splitlines() if line.strip()]) == 1
    assert "\x1b" not in told


def test_json_holds_even_a_name_that_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"original": "M\udcfcller.png"})
    told = capsys.readouterr().out
    assert told.isascii()
    assert json.loads(told) == {"original": "M\udcfcller.png"}
