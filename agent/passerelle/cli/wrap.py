"""`passerelle wrap`: the agent's own builder on single files."""

from __future__ import annotations

import datetime as dt
import filecmp
import hashlib
import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from passerelle.children.child import WORKER, Child
from passerelle.errors import AgentError, ConfigError, IdentityError
from passerelle.identity.sidecar import SidecarIdentifier
from passerelle.model import Acquisition, Fingerprint
from passerelle.profile import Profile, load_profile
from passerelle.settings import EquipmentSettings
from passerelle.wrapping import read_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@click.command("wrap")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--profile", "profile_name", help="A device profile; see `passerelle profile list`.")
@click.option("--set", "settings", multiple=True, metavar="KEYWORD=VALUE", help="An attribute.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for the objects; made when it is not there.",
)
def command(
    files: Sequence[Path], profile_name: str | None, settings: Sequence[str], output: Path
) -> None:
    """Make DICOM objects of files: the agent's builder, without a queue or a config.

    Whose a file is comes from `--set` and from a sidecar `<file>.json` or `<stem>.json`.

    \b
    passerelle wrap scan.png --set PatientID=42 --set PatientName=Doe^Jane -o out

    Exit code 1: a file was refused; why is on standard error, the others are done.
    """
    profile = load_profile(profile_name, Path.cwd())
    attributes = dict(_parsed(settings))
    output.mkdir(parents=True, exist_ok=True)
    worker = Child(WORKER)
    refused = 0
    try:
        for file in files:
            try:
                for made in wrapped(worker, file, profile, attributes, output):
                    click.echo(made)
            except AgentError as error:
                refused += 1
                click.echo(f"{click.format_filename(file)}: {error}", err=True)
    finally:
        worker.close()
    sys.exit(1 if refused else 0)


def wrapped(
    worker: Child, file: Path, profile: Profile, attributes: dict[str, Any], output: Path
) -> Iterator[Path]:
    """The objects made of one file, each as its path in `output`.

    Raises:
        AcquisitionError: It cannot become DICOM, or whose it is is not said.
    """
    media = read_once(file)
    said = _sidecar(file)
    theirs, ours = said.get("PatientID"), attributes.get("PatientID")
    if theirs and ours and theirs != ours:
        msg = "--set names another PatientID than the sidecar: whose it is must be said once"
        raise IdentityError(msg)
    identity = {**said, **attributes}
    if "PatientID" not in identity and not media.is_part10:
        msg = "whose it is is not said: --set PatientID=…, or a sidecar"
        raise IdentityError(msg)
    name = file.name
    answer = worker.request(
        "wrap",
        {
            "media": str(file),
            "sha256": media.sha256,
            "origin": {
                "agent": "wrap",
                "source": "wrap",
                "name": name,
                "sha256": media.sha256,
                # Another patient, or another profile, is another object.
                "sidecar_sha256": _digest(identity, profile),
            },
            "attributes": identity,
            "equipment": EquipmentSettings().model_dump(exclude={"ae_title"}),
            "profile": profile.model_dump(mode="json"),
            "into": str(output),
            "number": 1,
            "acquired_at": dt.datetime.fromtimestamp(media.mtime).astimezone().isoformat(),
        },
        deadline_s=None,
    )
    for note in answer["notes"]:
        click.echo(f"{click.format_filename(file)}: {note}", err=True)
    several = len(answer["instances"]) > 1
    for instance in answer["instances"]:
        suffix = f"-{instance['number'] + 1}" if several else ""
        yield _placed(Path(instance["file"]), output, f"{file.stem}{suffix}")


def _placed(made: Path, output: Path, stem: str) -> Path:
    """Give the object its name; one of another file's that has the name already is not lost."""
    numbered = (f"{stem} ({number}).dcm" for number in itertools.count(2))
    for name in itertools.chain([f"{stem}.dcm"], numbered):
        target = output / name
        if not target.exists() or filecmp.cmp(made, target, shallow=False):
            return made.replace(target)
    raise AssertionError  # numbers do not end


def _digest(identity: dict[str, Any], profile: Profile) -> str:
    said = json.dumps([identity, profile.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(said.encode("ascii")).hexdigest()


def _sidecar(file: Path) -> dict[str, Any]:
    for sidecar in (Path(f"{file}.json"), file.with_suffix(".json")):
        if sidecar.is_file():
            acquisition = Acquisition(
                source="wrap",
                media=file,
                name=file.name,
                fingerprint=Fingerprint.of(file.stat()),
                sidecar=sidecar,
            )
            identity = SidecarIdentifier().identify(acquisition)
            return dict(identity.attributes) if identity else {}
    return {}


def _parsed(settings: Sequence[str]) -> Iterator[tuple[str, str]]:
    for setting in settings:
        keyword, equals, value = setting.partition("=")
        if not equals or not keyword:
            msg = "--set takes KEYWORD=VALUE, for example --set PatientID=42"
            raise ConfigError(msg)
        yield keyword, value
