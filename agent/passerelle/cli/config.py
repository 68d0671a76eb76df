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
    """


@command.command("schema")
def schema() -> None:
    """The JSON Schema of the config, for editors and for IT's own checks.

    \b
    passerelle config schema > agent.schema.json
    """
    click.echo(schema_text(), nl=False)


@command.command("reference")
def reference_() -> None:
    """A config with every key, its default and what it means.

    \b
    passerelle config reference > agent.toml
    """
    click.echo(reference(), nl=False)


def schema_text() -> str:
    """The schema as it stands in `config/agent.schema.json`."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
