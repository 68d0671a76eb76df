"""`passerelle profile`: the device profiles, and what one makes of files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from passerelle.children.child import WORKER, Child
from passerelle.cli.options import show_table
from passerelle.errors import AgentError
from passerelle.identity.filename import FilenameIdentifier
from passerelle.model import Acquisition, Fingerprint
from passerelle.profile import load_profile, profile_names, read_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle.profile import Profile


@click.group("profile")
def command() -> None:
    """The device profiles, and what one would make of files.

    \b
    passerelle profile list
    passerelle profile try ultrasound-still export/*.png
    """


@command.command("list")
def list_() -> None:
    """Every profile: its name, the object it makes, what it is for.

    \b
    passerelle profile list
    """
    table = Table("profile", "object", "summary", box=None)
    for name, path in sorted(profile_names(Path.cwd()).items()):
        profile = read_profile(path)
        table.add_row(name, profile.sop_class, profile.summary)
    show_table(table)


@command.command("try")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def try_(name: str, files: Sequence[Path]) -> None:
    """What the profile would make of these files, as a table; nothing is written or sent.

    \b
    passerelle profile try fundus-8bit OD_42.jpg

    Exit code 1: a file would be refused or held.
    """
    profile = load_profile(name, Path.cwd())
    worker = Child(WORKER)
    table = Table("file", "format", "frames", "rows x columns", "says of itself", box=None)
    failed = 0
    try:
        for file in files:
            try:
                table.add_row(click.format_filename(file), *_row(worker, profile, file))
            except AgentError as error:
                failed += 1
                table.add_row(click.format_filename(file), Text(str(error), style="red"))
    finally:
        worker.close()
    show_table(table)
    sys.exit(1 if failed else 0)


def _row(worker: Child, profile: Profile, file: Path) -> tuple[str, ...]:
    body = {"media": str(file), "profile": profile.model_dump(mode="json")}
    seen = worker.request("inspect", body, deadline_s=120)
    said = [f"{keyword}={value}" for keyword, value in _said(profile, file).items()]
    size = f"{seen['rows']} x {seen['columns']}" if seen.get("rows") else ""
    return seen["format"], str(seen.get("frames", "")), size, ", ".join(said)


def _said(profile: Profile, file: Path) -> dict[str, object]:
    if not profile.filename:
        return {}
    acquisition = Acquisition(
        source="try", media=file, name=file.name, fingerprint=Fingerprint.of(file.stat())
    )
    identity = FilenameIdentifier(profile.filename, profile.date_format).identify(acquisition)
    return dict(identity.attributes) if identity else {}
