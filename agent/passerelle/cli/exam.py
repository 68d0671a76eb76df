"""`passerelle exam`: whose what is acquired from now on is."""

from __future__ import annotations

import datetime as dt
import getpass
import sys
from typing import TYPE_CHECKING, Any

import click

from passerelle.cli.options import config_option, echo_json, json_option, loaded
from passerelle.control import ask
from passerelle.errors import ConfigError
from passerelle.identity.exam import shown
from passerelle.spool import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@click.group("exam")
def command() -> None:
    """The open exam: what is acquired while it is open is of its patient.

    \b
    passerelle exam open --patient-id 00042 --accession A1
    passerelle exam close
    """


@command.command("open")
@config_option
@click.option("--patient-id", "PatientID", required=True, help="Patient ID (0010,0020).")
@click.option("--patient-name", "PatientName", help="Patient's Name (0010,0010): Doe^Jane.")
@click.option("--birth-date", "PatientBirthDate", help="YYYYMMDD (0010,0030).")
@click.option("--accession", "AccessionNumber", help="Accession Number (0008,0050).")
@click.option("--set", "more", multiple=True, metavar="KEYWORD=VALUE", help="Another attribute.")
def open_(config_path: Path | None, more: Sequence[str], **said: str | None) -> None:
    """Open an exam; the one that was open before ends with it.

    \b
    passerelle exam open --patient-id 00042 --patient-name Doe^Jane --set StudyDescription=Knee
    """
    attributes = {keyword: value for keyword, value in said.items() if value is not None}
    for keyword, value in _parsed(more):
        if keyword in attributes:
            msg = f"exam open: {keyword} is said twice"
            raise ConfigError(msg)
        attributes[keyword] = value
    _decide(config_path, "exam open", {"attributes": attributes})
    click.echo("open")


@command.command("close")
@config_option
def close(config_path: Path | None) -> None:
    """End the exam that is open; what is acquired from now on is nobody's, and is held.

    \b
    passerelle exam close

    Exit code 1: none was open.
    """
    if not _decide(config_path, "exam close", {})["closed"]:
        click.echo("none was open", err=True)
        sys.exit(1)
    click.echo("closed")


@command.command("show")
@config_option
@json_option
def show(config_path: Path | None, *, as_json: bool) -> None:
    """The exam that is open, or the last one; for this terminal only, since it names a patient.

    \b
    passerelle exam show --json

    Exit code 1: none is open.
    """
    config, _ = loaded(config_path)
    exam = ask(config.agent.data_dir, "exam show", {})
    if exam is None:
        with Ledger.read_only(config.agent.data_dir) as ledger:
            exam = shown(ledger.latest_exam())
    exam |= {key: _moment(exam[key]) for key in ("opened_at", "closed_at") if exam.get(key)}
    if as_json:
        echo_json(exam)
    else:
        for line in _lines(exam):
            click.echo(line)
    sys.exit(0 if exam["open"] else 1)


def _decide(config_path: Path | None, decision: str, body: dict[str, Any]) -> dict[str, Any]:
    """Let the running agent carry it out; with none running, do it under its lock."""
    config, path = loaded(config_path)
    body = {**body, "actor": getpass.getuser()}
    answer = ask(config.agent.data_dir, decision, body)
    if answer is None:
        from passerelle.supervisor import deciding  # noqa: PLC0415 - only without an agent

        with deciding(config, path.parent) as handlers:
            answer = handlers[decision](body)
    return answer


def _parsed(more: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not more:
        return
    from pydicom.datadict import tag_for_keyword  # noqa: PLC0415 - large, and seldom needed

    for setting in more:
        keyword, equals, value = setting.partition("=")
        if not equals or tag_for_keyword(keyword) is None:
            shown_keyword = keyword if equals else setting
            msg = f"exam open: --set {shown_keyword}: takes KEYWORD=VALUE, a keyword of DICOM"
            raise ConfigError(msg)
        yield keyword, value


def _moment(epoch_s: float) -> str:
    instant = dt.datetime.fromtimestamp(epoch_s, tz=dt.UTC)
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def _lines(exam: dict[str, Any]) -> Iterator[str]:
    if "attributes" not in exam:
        yield "no exam was ever opened"
        return
    until = "open" if exam["open"] else f"closed at {exam['closed_at']}"
    yield f"opened by {exam['opened_by']} at {exam['opened_at']}, {until}"
    for keyword, value in exam["attributes"].items():
        yield f"  {keyword}: {value}"
