"""`passerelle send`: the agent's own sender on single files."""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import suppress
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
from passerelle.settings import DicomDestinationSettings, EquipmentSettings, TlsSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle.interfaces import Outcome

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
@click.option(
    "--associations",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="At most so many at once.",
)
@click.option("--tls", "with_tls", is_flag=True, help="TLS; implied by the options below.")
@click.option("--tls-ca", default="", metavar="PEM", help="Whom to trust.  [the system's]")
@click.option("--tls-cert", default="", metavar="PEM", help="Our certificate.")
@click.option("--tls-key", default="", metavar="PEM", help="Its key.")
@click.option("--tls-no-verify", is_flag=True, help="Whoever answers is the archive.")
def command(
    *,
    files: Sequence[Path],
    node: str,
    calling: str,
    associations: int,
    with_tls: bool,
    tls_ca: str,
    tls_cert: str,
    tls_key: str,
    tls_no_verify: bool,
) -> None:
    """Send Part 10 files to an archive, transcoded losslessly where it needs that.

    \b
    passerelle send study/*.dcm --to PACS@pacs.local:104
    passerelle send study/*.dcm --to PACS@pacs.local:2762 --tls-ca hospital-ca.pem

    Exit code 1: some are not stored; why is on standard error.
    """
    tls = None
    if with_tls or tls_ca or tls_cert or tls_no_verify:
        tls = TlsSettings(ca=tls_ca, cert=tls_cert, key=tls_key, verify=not tls_no_verify)
    settings = _settings(node).model_copy(update={"associations": associations, "tls": tls})
    with tempfile.TemporaryDirectory() as scratch, _progress() as progress:
        failed = _Sending(settings, calling, Path(scratch), progress).send(files)
    sys.exit(1 if failed else 0)


class _Sending:
    """One run of the command."""

    def __init__(
        self, settings: DicomDestinationSettings, calling: str, scratch: Path, progress: Progress
    ) -> None:
        self._worker, self._peer = Child(WORKER), Child(PEER)
        self._progress = progress
        self._failed = self._done = 0
        self._destination = DicomDestination(
            settings,
            calling_ae_title=calling,
            peer=self._peer,
            worker=self._worker,
            scratch=scratch,
            on_report=lambda _report: None,
            on_progress=lambda sent, _of: self._show(self._done + sent),
        )

    def send(self, files: Sequence[Path]) -> int:
        """Send them all; how many are not stored."""
        instances = [instance for file in files if (instance := self._described(file))]
        self._bar = self._progress.add_task("", total=sum(one.size for one in instances))
        waiting = {one.path: one for one in instances}

        def told(instance: Instance, outcome: Outcome) -> bool:
            waiting.pop(instance.path, None)
            if isinstance(outcome, AgentError):
                self._complain(instance.path, outcome)
            else:
                name = click.format_filename(instance.path)
                click.echo(f"{name}: stored{outcome and f' ({outcome})'}")
            self._done += instance.size
            self._show(self._done)
            return True

        try:
            while waiting:  # what ends an association ends a round of it
                before = len(waiting)
                self._destination.store(list(waiting.values()), told)
                if len(waiting) == before:
                    break
        except AgentError as error:
            for path in waiting:
                self._complain(path, error)
        finally:
            with suppress(AgentError):
                self._destination.release()
            self._peer.close()
            self._worker.close()
        return self._failed

    def _described(self, file: Path) -> Instance | None:
        try:
            return _instance(self._worker, file)
        except AgentError as error:
            self._complain(file, error)
            return None

    def _complain(self, file: Path, error: AgentError) -> None:
        self._failed += 1
        click.echo(f"{click.format_filename(file)}: {error}", err=True)

    def _show(self, completed: int) -> None:
        self._progress.update(self._bar, completed=completed)


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
    header = worker.request("describe", {"file": str(file)}, deadline_s=60)
    return Instance(
        sop_instance_uid=header["sop_instance_uid"],
        sop_class_uid=header["sop_class_uid"],
        study_instance_uid=header["study_instance_uid"],
        series_instance_uid=header["series_instance_uid"],
        transfer_syntax_uid=header["transfer_syntax_uid"],
        sha256="",
        size=file.stat().st_size,
        path=file,
    )


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("sending"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
