"""`passerelle trigger`: press for a camera by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from passerelle.cli.options import config_option, loaded
from passerelle.control import ask
from passerelle.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("trigger")
@config_option
@click.option("--release", is_flag=True, help="Let go of it: the end of a clip without a length.")
@click.argument("source")
def command(config_path: Path | None, source: str, *, release: bool) -> None:
    """Press for the camera of a source, as its pedal does; the agent must be running.

    \b
    passerelle trigger scope
    """
    config, _ = loaded(config_path)
    body = {"source": source, "down": not release}
    if ask(config.agent.data_dir, "trigger", body) is None:
        msg = "trigger: no agent is running"
        raise ConfigError(msg)
    click.echo("let go" if release else "pressed")
