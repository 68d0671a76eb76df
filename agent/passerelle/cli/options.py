"""Options and output that several commands share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console

from passerelle.config import load, locate

if TYPE_CHECKING:
    from rich.table import Table

    from passerelle.settings import Config

_WHOLE_LINES: Final = 400

config_option = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The config file; else PASSERELLE_CONFIG, else the platform's default.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")


def loaded(config_path: Path | None) -> tuple[Config, Path]:
    """The config and the file it came from.

    Raises:
        ConfigError: It cannot be used.
    """
    path = locate(config_path)
    return load(path), path


def show_table(table: Table) -> None:
    """Print a table: fitted to a terminal, on whole lines for whatever else reads it.

    What a device or an archive wrote is shown as it is, whatever it looks like to rich.
    """
    width = None if sys.stdout.isatty() else _WHOLE_LINES
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def echo_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON takes
    """One line of JSON; names that are no text are escaped."""
    click.echo(json.dumps(value))
