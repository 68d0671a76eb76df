"""`passerelle config`: the schema and the reference, made from the settings themselves."""

from __future__ import annotations

import json

import click

from passerelle.cli.reference import reference
from passerelle.settings import Config


@click.group("config")
def command() -> None:
    """The config's JSON Schema and its reference file.

    \b
    passerelle config reference > agent.toml
    passerelle config schema > agent.schema.json
    """  # noqa: D301 - click's mark for lines kept as they are


@command.command("schema")
def schema() -> None:
    """The JSON Schema of the config, for editors and for IT's own checks."""
    click.echo(schema_text(), nl=False)


@command.command("reference")
def reference_() -> None:
    """A config with every key, its default and what it means."""
    click.echo(reference(), nl=False)


def schema_text() -> str:
    """The schema as it stands in `config/agent.schema.json`."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
