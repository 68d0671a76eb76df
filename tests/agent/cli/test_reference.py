"""The reference: every key there is, its meaning above it, and defaults that are the defaults."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from passerelle.cli.reference import reference
from passerelle.settings import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = reference()
LINES = TEXT.splitlines()


def settings(section: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str]]:
    """Every key of every section that is reached from this one."""
    for name, field in section.model_fields.items():
        yield section, name
        for inner in sections(field.annotation):
            yield from settings(inner)


def sections(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from sections(part)


KEYS = [
    (section, name)
    for section, name in settings(Config)
    if not list(sections(section.model_fields[name].annotation))
]


@pytest.mark.parametrize(
    ("section", "name"), KEYS, ids=[f"{section.__name__}.{name}" for section, name in KEYS]
)
def test_every_key_is_there_with_its_meaning(section: type[BaseModel], name: str) -> None:
    description = section.model_fields[name].description
    assert description
    assert description in " ".join(line.removeprefix("# ") for line in LINES)
    # A key of one of several kinds stands in their comments alone.
    assert any(f"{name} =" in line or f".{name} (" in line for line in LINES)


def test_what_is_no_example_is_the_default() -> None:
    told, defaults = tomllib.loads(TEXT), Config().model_dump(mode="json")
    for section in ("agent", "equipment", "retention"):
        without = {key: value for key, value in defaults[section].items() if value is not None}
        assert told[section] == without


def test_a_key_without_a_default_is_commented_out() -> None:
    assert "# profile =" in LINES
    assert any(line.startswith("# worklist = {") for line in LINES)


def test_no_line_is_longer_than_an_editor_shows_except_that_of_a_table() -> None:
    assert [line for line in LINES if len(line) > 100 and "{" not in line] == []
