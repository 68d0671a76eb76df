"""`passerelle worklist`: today's worklist, live or cached."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table

from passerelle.children.child import PEER, Child
from passerelle.cli.options import config_option, echo_json, json_option, loaded, show_table
from passerelle.errors import AgentError, ConfigError
from passerelle.spool.files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.settings import Config, WorklistSettings

_CACHE: Final = "worklist.json"
_DEADLINE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_COLUMNS: Final = (
    ("ScheduledProcedureStepStartDate", "date"),
    ("ScheduledProcedureStepStartTime", "time"),
    ("PatientName", "patient"),
    ("PatientID", "ID"),
    ("AccessionNumber", "accession"),
    ("ScheduledProcedureStepDescription", "procedure"),
)


@click.command("worklist")
@config_option
@json_option
def command(config_path: Path | None, *, as_json: bool) -> None:
    """Today's worklist as the agent sees it: live, else as it was last seen and how long ago.

    \b
    passerelle worklist --json

    Exit code 1: the worklist server does not answer and nothing is cached.
    """
    config, _ = loaded(config_path)
    settings = config.identity.worklist
    if settings is None:
        msg = "identity.worklist: not configured, so there is no worklist to ask"
        raise ConfigError(msg)
    cache = config.agent.data_dir / _CACHE
    age_s = 0.0
    try:
        steps = _live(config, settings)
    except AgentError as outage:
        click.echo(f"worklist: {outage}", err=True)
        kept = _cached(cache, settings.keep_h)
        if kept is None:
            sys.exit(1)
        steps, age_s = kept
    else:
        _keep(cache, steps)
    if as_json:
        echo_json({"live": age_s == 0, "age_s": round(age_s), "steps": steps})
    else:
        _show(steps, age_s)


def _live(config: Config, settings: WorklistSettings) -> list[dict[str, Any]]:
    peer = Child(PEER)
    node = {
        "host": settings.host,
        "port": settings.port,
        "ae_title": settings.ae_title,
        "calling_ae_title": config.equipment.ae_title,
    }
    today = dt.datetime.now().astimezone().strftime("%Y%m%d")
    keys = {
        "date": today,
        "station_ae_title": config.equipment.ae_title,
        "modality": config.equipment.modality,
    }
    body = {"node": node, "keys": keys, "fallback_charset": settings.fallback_charset}
    try:
        steps: list[dict[str, Any]] = peer.request("worklist", body, deadline_s=_DEADLINE_S)[
            "steps"
        ]
    finally:
        peer.close()
    return steps


def _keep(cache: Path, steps: list[dict[str, Any]]) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_durably(cache, json.dumps({"at": time.time(), "steps": steps}).encode("ascii"))
    except OSError as error:  # another user's data_dir, or a full disk: it is live all the same
        click.echo(f"worklist: not kept for an outage: {error.strerror}", err=True)


def _cached(cache: Path, keep_h: int) -> tuple[list[dict[str, Any]], float] | None:
    """What was last seen, and how many seconds ago; None when there is none, or it is too old."""
    try:
        kept = json.loads(cache.read_text("ascii"))
        steps, age_s = list(kept["steps"]), max(1.0, time.time() - kept["at"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return (steps, age_s) if age_s < keep_h * _HOUR_S else None


def _show(steps: list[dict[str, Any]], age_s: float) -> None:
    click.echo(f"cached, {age_s / 60:.0f} minutes old" if age_s else "live")
    table = Table(*(title for _, title in _COLUMNS), box=None)
    for step in steps:
        table.add_row(*(str(step.get(keyword, "")) for keyword, _ in _COLUMNS))
    show_table(table)
