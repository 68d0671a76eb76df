"""`passerelle queue`: what is owed to whom, and an operator's decisions on it."""

from __future__ import annotations

import getpass
import itertools
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Column, Table

from passerelle.cli.options import config_option, echo_json, json_option, loaded, show_table
from passerelle.control import ask
from passerelle.errors import ConfigError
from passerelle.model import AcquisitionState, DeliveryState
from passerelle.spool import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STATES = sorted({*AcquisitionState, *DeliveryState} - {AcquisitionState.RECEIVED})


@click.group("queue")
def command() -> None:
    """What is owed to whom, and decisions on it; every change is audited.

    \b
    passerelle queue list --state HELD
    passerelle queue reassign 5f0c… --patient-id 00042
    """


@command.command("list")
@config_option
@click.option("--state", type=click.Choice(_STATES), help="Only what is in this state.")
@json_option
def list_(config_path: Path | None, state: str | None, *, as_json: bool) -> None:
    """Every delivery, and every acquisition that waits for a person.

    \b
    passerelle queue list --state REFUSED --json

    Exit code 1: nothing matched.
    """
    whole = Column("instance or acquisition", no_wrap=True)  # it is copied into the next command
    table = Table(whole, "destination", "state", "tries", "reason", box=None)
    matched = 0
    with _ledger(config_path) as ledger:
        for row in ledger.rows(state):
            matched += 1
            if as_json:
                echo_json(row)
            else:
                table.add_row(*_cells(row))
    if matched and not as_json:
        show_table(table)
    _end(matched)


@command.command("show")
@config_option
@click.argument("uid")
@json_option
def show(config_path: Path | None, uid: str, *, as_json: bool) -> None:
    """One instance or acquisition, with everything that happened to it.

    \b
    passerelle queue show 2.25.1234

    Exit code 1: there is none of this UID or id.
    """
    with _ledger(config_path) as ledger:
        shown = ledger.show(uid)
    if shown is None:
        _end(0)
    elif as_json:
        echo_json(shown)
    else:
        for line in _lines(shown):
            click.echo(line)


@command.command("retry")
@config_option
@click.argument("uids", nargs=-1)
@click.option("--all-held", is_flag=True, help="Everything that waits for a person.")
def retry(config_path: Path | None, uids: Sequence[str], *, all_held: bool) -> None:
    """Try again what is refused, held or quarantined.

    \b
    passerelle queue retry 2.25.1234
    passerelle queue retry --all-held

    Exit code 1: nothing matched.
    """
    if not uids and not all_held:
        msg = "retry: name an instance or acquisition, or say --all-held"
        raise ConfigError(msg)
    _decide(config_path, "retry", {"uids": list(uids), "all_held": all_held})


@command.command("discard")
@config_option
@click.argument("uid")
@click.option("--reason", required=True, help="Why; it is kept in the audit record.")
def discard(config_path: Path | None, uid: str, reason: str) -> None:
    """Give up an instance or a held acquisition; the audit record stays.

    \b
    passerelle queue discard 2.25.1234 --reason "test picture"

    Exit code 1: nothing matched.
    """
    _decide(config_path, "discard", {"uids": [uid], "reason": reason})


@command.command("reassign")
@config_option
@click.argument("uids", nargs=-1, required=True)
@click.option("--patient-id", "PatientID", help="Patient ID (0010,0020).")
@click.option("--patient-name", "PatientName", help="Patient's Name (0010,0010): Doe^Jane.")
@click.option("--birth-date", "PatientBirthDate", help="YYYYMMDD (0010,0030).")
@click.option("--accession", "AccessionNumber", help="Accession Number (0008,0050).")
def reassign(config_path: Path | None, uids: Sequence[str], **said: str | None) -> None:
    """Say whose held acquisitions are; they then go on.

    \b
    passerelle queue reassign 5f0c3a… --patient-id 00042 --patient-name Doe^Jane

    Exit code 1: nothing matched.
    """
    attributes = {keyword: value for keyword, value in said.items() if value is not None}
    if not attributes:
        msg = "reassign: say whose it is: --patient-id or --accession"
        raise ConfigError(msg)
    _decide(config_path, "reassign", {"uids": list(uids), "attributes": attributes})


@command.command("export")
@config_option
@click.argument("uids", nargs=-1, required=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, file_okay=False))
def export(config_path: Path | None, uids: Sequence[str], output: Path) -> None:
    """Copy instances, or held originals, out of the queue; nothing in it changes.

    \b
    passerelle queue export 2.25.1234 -o /media/usb

    Exit code 1: nothing matched.
    """
    output.mkdir(parents=True, exist_ok=True)
    copied = 0
    with _ledger(config_path) as ledger:
        for path in (path for uid in uids for path in ledger.files(uid)):
            target = _free(output / path.name)
            shutil.copyfile(path, target)
            click.echo(target)
            copied += 1
    _end(copied)


def _free(target: Path) -> Path:
    """The target, numbered where the name is taken: nothing of another's is overwritten."""
    numbered = (target.with_stem(f"{target.stem} ({number})") for number in itertools.count(2))
    return next(path for path in itertools.chain([target], numbered) if not path.exists())


def _ledger(config_path: Path | None) -> Ledger:
    config, _ = loaded(config_path)
    return Ledger.read_only(config.agent.data_dir)


def _decide(config_path: Path | None, decision: str, body: dict[str, Any]) -> None:
    """Let the running agent carry it out; with none running, do it under its lock."""
    config, path = loaded(config_path)
    body = {**body, "actor": getpass.getuser()}
    answer = ask(config.agent.data_dir, decision, body)
    if answer is None:
        from passerelle.supervisor import deciding  # noqa: PLC0415 - only without an agent

        with deciding(config, path.parent) as handlers:
            answer = handlers[decision](body)
    for line in answer["lines"]:
        click.echo(line)
    _end(len(answer["lines"]))


def _end(matched: int) -> None:
    if not matched:
        click.echo("nothing matched", err=True)
        sys.exit(1)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["sop_instance_uid"] or row["acquisition"],
        row["destination"],
        row["state"],
        str(row["attempts"] or ""),
        row["reason"],
    )


def _lines(shown: dict[str, Any]) -> Iterator[str]:
    for key, value in shown.items():
        if isinstance(value, list):
            yield f"{key}:"
            for entry in value:
                yield "  " + "  ".join(str(part) for part in entry.values() if part is not None)
        else:
            yield f"{key}: {value}"
