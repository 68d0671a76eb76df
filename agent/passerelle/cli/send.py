"""`passerelle send`: the agent's own sender on single files."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from passerelle.children.child import PEER, WORKER, Child
from passerelle.destinations.dicom import DicomDestination
from passerelle.errors import AgentError, ConfigError
from passerelle.model import Instance
from passerelle.settings import DicomDestinationSettings, EquipmentSettings
from passerelle.wrapping import read_once

if TYPE_CHECKING:
    from collections.abc import Sequence

_NODE: Final = re.compile(
    r"(?P<ae_title>[^@]{1,16})@(?P<host>\[[0-9a-fA-F:]+\]|[^:@]+):(?P<port>\d+)"
)


def _checked_title(_context: click.Context, _option: click.Parameter, title: str) -> str:
    try:
        return EquipmentSettings(ae_title=title).ae_title
    except ValidationError as error:
        msg = "an AE title has 1 to 16 printable ASCII characters, and no backslash"
        raise click.BadParameter(msg) from error


@click.command("send")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", "node", required=True, metavar="AET@HOST:PORT", help="The archive.")
@click.option(
    "--from",
    "calling",
    default="PASSERELLE",
    show_default=True,
    callback=_checked_title,
    help="Our AE title.",
)
def command(files: Sequence[Path], node: str, calling: str) -> None:
    """Send Part 10 files to an archive, transcoded losslessly where it needs that.

    \b
    passerelle send study/*.dcm --to PACS@pacs.local:104

    Exit code 1: some are not stored; why is on standard error.
    """
    settings = _settings(node)
    worker, peer = Child(WORKER), Child(PEER)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch, _progress() as progress:
        bar = progress.add_task("", total=sum(_size(file) for file in files))
        done = 0
        destination = DicomDestination(
            settings,
            calling_ae_title=calling,
            peer=peer,
            worker=worker,
            scratch=Path(scratch),
            on_report=lambda _report: None,
            on_progress=lambda sent, _of: progress.update(bar, completed=done + sent),
        )
        for file in files:
            try:
                remark = destination.store(_instance(worker, file))
                click.echo(f"{click.format_filename(file)}: stored{remark and f' ({remark})'}")
            except AgentError as error:
                failed += 1
                click.echo(f"{click.format_filename(file)}: {error}", err=True)
            done += _size(file)
            progress.update(bar, completed=done)
        peer.close()
        worker.close()
    sys.exit(1 if failed else 0)


def _settings(node: str) -> DicomDestinationSettings:
    match = _NODE.fullmatch(node)
    if match is None:
        msg = f"--to {node}: not AET@HOST:PORT, for example PACS@pacs.local:104"
        raise ConfigError(msg)
    host = match["host"].strip("[]")
    try:
        return DicomDestinationSettings(
            name=host.replace(":", "-"),
            type="dicom",
            host=host,
            port=int(match["port"]),
            ae_title=match["ae_title"],
        )
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        msg = f"--to {node}: {fault['loc'][0]}: {fault['msg']}"
        raise ConfigError(msg) from error


def _instance(worker: Child, file: Path) -> Instance:
    hashed = read_once(file)
    header = worker.request("describe", {"file": str(file)}, deadline_s=60)
    return Instance(
        sop_instance_uid=header["sop_instance_uid"],
        sop_class_uid=header["sop_class_uid"],
        study_instance_uid=header["study_instance_uid"],
        series_instance_uid=header["series_instance_uid"],
        transfer_syntax_uid=header["transfer_syntax_uid"],
        sha256=hashed.sha256,
        size=hashed.size,
        path=file,
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # told when its turn comes
        return 0


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("sending"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
