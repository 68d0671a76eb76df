"""`passerelle status`: the state of a running or stopped agent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from passerelle.cli.options import config_option, echo_json, json_option, loaded
from passerelle.control import ask
from passerelle.monitor.health import DestinationView, SourceView, status_of
from passerelle.spool import Ledger

_DEGRADED: Final = 1
_NO_DATA_DIR: Final = 4


@click.command("status")
@config_option
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Instead of a config."
)
@json_option
def command(config_path: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """The state of a running or stopped agent, read from its data_dir.

    \b
    passerelle status --json
    passerelle status || echo "look at it"      # 0 healthy, 1 degraded, 4 no data_dir
    """
    status = read_status(config_path, data_dir)
    if status is None:
        click.echo("no agent has ever run there: its data_dir holds no queue", err=True)
        sys.exit(_NO_DATA_DIR)
    if as_json:
        echo_json(status)
    else:
        _show(status)
    sys.exit(0 if status["healthy"] else _DEGRADED)


def read_status(config_path: Path | None, data_dir: Path | None) -> dict[str, Any] | None:
    """The `status` of the contract; None when there is no queue to read."""
    if data_dir is not None:
        name, destinations, sources = data_dir.name, [], []
    else:
        config, _ = loaded(config_path)
        data_dir, name = config.agent.data_dir, config.agent.name
        destinations = [DestinationView(name=one.name) for one in config.destinations]
        sources = [SourceView(name=one.name) for one in config.sources]
    if not (data_dir / "queue.db").exists():
        return None
    running = ask(data_dir, "status", {})
    if running is not None:
        return running
    with Ledger.read_only(data_dir) as ledger:
        return status_of(
            name=name,
            started_at=None,
            counts=ledger.counts(),
            data_dir=data_dir,
            destinations=destinations,
            sources=sources,
            faults=[],
        )


def _show(status: dict[str, Any]) -> None:
    agent = status["agent"]
    state = f"running for {agent['uptime_s']} s" if agent["running"] else "not running"
    click.echo(f"{agent['name']} {agent['version']}: {state}")
    for kind in ("acquisitions", "deliveries"):
        counted = ", ".join(f"{n} {state}" for state, n in status[kind].items() if n)
        click.echo(f"{kind}: {counted or 'none'}")
    for kind in ("sources", "destinations"):
        for part in status[kind]:
            reason = f": {part['reason']}" if part["reason"] else ""
            click.echo(f"{kind[:-1]} {part['name']}: {part['state']}{reason}")
    click.echo("healthy" if status["healthy"] else "degraded:")
    for problem in status["problems"]:
        click.echo(f"  {problem}")
