"""Log lines: one a record, in a form of one's choice, without what an exception holds."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

import pytest

from passerelle.monitor.logs import JsonLines, TextLines, to_standard_error

if TYPE_CHECKING:
    from collections.abc import Iterator


def record(text: str, *arguments: object, failing: bool = False) -> logging.LogRecord:
    made = logging.LogRecord("passerelle.intake", logging.WARNING, "", 0, text, arguments, None)
    made.created = 1_800_000_000.5
    if failing:
        try:
            raise KeyError("Doe^Jane")  # noqa: EM101, TRY301 - what a library might raise
        except KeyError:
            made.exc_info = sys.exc_info()
    return made


def test_a_text_line_says_when_how_bad_and_what() -> None:
    line = TextLines().format(record("%s: %d wrapped", "export", 3))
    assert line == "2027-01-15T08:00:00.500Z warning export: 3 wrapped"


def test_a_json_line_is_one_object_with_the_part() -> None:
    line = JsonLines().format(record("a\nb"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.500Z",
        "level": "warning",
        "part": "intake",
        "text": "a\nb",
    }


@pytest.mark.parametrize("form", [JsonLines, TextLines])
def test_no_line_holds_the_text_of_an_exception(form: type[logging.Formatter]) -> None:
    assert "Doe" not in form().format(record("export: failed", failing=True))


@pytest.fixture
def _restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("passerelle")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], level, own_level = before
    root.setLevel(level)
    own.setLevel(own_level)


@pytest.mark.usefixtures("_restored")
def test_our_own_parts_are_heard_and_libraries_only_when_they_warn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    to_standard_error("text")
    logging.getLogger("passerelle.intake").info("one")
    logging.getLogger("pynetdicom").info("two")
    logging.getLogger("pynetdicom").warning("three")
    told = capsys.readouterr().err
    assert ("one" in told, "two" in told, "three" in told) == (True, False, True)
