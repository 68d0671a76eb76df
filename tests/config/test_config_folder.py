"""What lies in `config/` is what the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from passerelle.cli.config import schema_text
from passerelle.cli.reference import reference
from passerelle.config import load
from passerelle.profile import profile_names, read_profile

CONFIG = Path(__file__).parents[2] / "config"


def test_the_reference_is_generated_from_the_settings() -> None:
    assert (CONFIG / "agent.toml").read_text("utf-8") == reference()


def test_the_schema_is_generated_from_the_settings() -> None:
    assert (CONFIG / "agent.schema.json").read_text("utf-8") == schema_text()


def test_the_reference_is_itself_a_good_config() -> None:
    loaded = load(CONFIG / "agent.toml")
    assert [one.name for one in loaded.destinations] == ["pacs", "import-share"]


@pytest.mark.parametrize("path", sorted((CONFIG / "examples").glob("*.toml")), ids=lambda p: p.stem)
def test_every_example_is_a_good_config(path: Path) -> None:
    load(path)


@pytest.mark.parametrize("name", sorted(profile_names()))
def test_every_profile_is_good_and_says_what_it_is_for(name: str) -> None:
    profile = read_profile(profile_names()[name])
    assert profile.name == name
    assert profile.summary
