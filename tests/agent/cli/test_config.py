"""`passerelle config`: the schema and the reference as they stand in `config/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from command_support import Told

FOLDER = Path(__file__).parents[3] / "config"


def test_the_reference_is_printed_as_it_stands_in_the_repository(run: Callable[..., Told]) -> None:
    told = run("config", "reference")
    assert (told.code, told.out) == (0, (FOLDER / "agent.toml").read_text("utf-8"))


def test_the_schema_is_json_and_refuses_what_the_agent_refuses(run: Callable[..., Told]) -> None:
    told = run("config", "schema")
    schema = json.loads(told.out)
    assert told.code == 0
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {
        *("agent", "equipment", "sources", "identity", "destinations", "retention"),
    }
