"""`passerelle check`: the config, then every part of it, a line each with what to do."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Final, Literal

import click

from passerelle.children.child import PEER, Child
from passerelle.cli.options import config_option, loaded
from passerelle.clock import Trust, trust
from passerelle.control import ask
from passerelle.destinations.dicom import SYNTAXES
from passerelle.destinations.outgoing import node_of
from passerelle.errors import AgentError
from passerelle.identity.scanning import scanner_settings
from passerelle.profile import load_profile
from passerelle.settings import DicomDestinationSettings
from passerelle.source_settings import GrabberSourceSettings, SerialSourceSettings
from passerelle.sources.station import station_of
from passerelle.spool.files import free_bytes_wanted
from passerelle_hw.camera.trial import look_at
from passerelle_hw.scanner import ScannerGone, open_scanner
from passerelle_hw.serial.line import Line, LineGone, LineSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.barcode import BarcodeSettings
    from passerelle.profile import Profile
    from passerelle.settings import Config
    from passerelle.source_settings import SourceSettings

_DEADLINE_S: Final = 60.0
#: The Storage SOP Classes an object may come in, single and multi-frame (PS3.4 B.5).
_SOP_CLASSES: Final = {
    "SecondaryCapture": ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"),
    "Ultrasound": ("1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"),
    "VLEndoscopic": ("1.2.840.10008.5.1.4.1.1.77.1.1",),
    "VLMicroscopic": ("1.2.840.10008.5.1.4.1.1.77.1.2",),
    "VLPhotographic": ("1.2.840.10008.5.1.4.1.1.77.1.4",),
    "Ophthalmic8": ("1.2.840.10008.5.1.4.1.1.77.1.5.1",),
    "Ophthalmic16": ("1.2.840.10008.5.1.4.1.1.77.1.5.2",),
    "DX": ("1.2.840.10008.5.1.4.1.1.1.1",),
    "CR": ("1.2.840.10008.5.1.4.1.1.1",),
    "EncapsulatedPDF": ("1.2.840.10008.5.1.4.1.1.104.1",),
}
_COMMITMENT: Final = "1.2.840.10008.1.20.1"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    verdict: Literal["ok", "warning", "FAILED"]
    part: str
    text: str


@click.command("check")
@config_option
@click.option("--offline", is_flag=True, help="Nothing that needs the network.")
def command(config_path: Path | None, *, offline: bool) -> None:
    """Validate the config, then try every part of it; nothing is changed or sent.

    \b
    passerelle check -c agent.toml

    Exit code 1: a check failed; 2: the config cannot be used.
    """
    config, path = loaded(config_path)
    failed = 0
    for finding in checks(config, path.parent, offline=offline):
        failed += finding.verdict == "FAILED"
        click.echo(f"{finding.verdict:8}{finding.part}: {finding.text}")
    sys.exit(1 if failed else 0)


def checks(config: Config, folder: Path, *, offline: bool) -> Iterator[Finding]:
    """Every finding, in the order of the config."""
    running = ask(config.agent.data_dir, "status", {}) is not None
    yield from _data_dir(config, running=running)
    yield _clock()
    profiles: dict[str, Profile] = {}
    for source in config.sources:
        try:
            profiles[source.name] = load_profile(source.profile, folder)
        except AgentError as error:
            yield Finding("FAILED", source.name, str(error))
        yield _source(source, running=running)
    if not config.sources:
        yield Finding("warning", "sources", "none: nothing will be acquired")
    if not config.destinations:
        yield Finding("warning", "destinations", "none: nothing will be delivered")
    if config.identity.barcode:
        yield _scanner(config.identity.barcode, running=running)
    for destination in config.destinations:
        if not isinstance(destination, DicomDestinationSettings):
            yield _folder(destination.name, destination.path, os.W_OK)
            continue
        if destination.commitment.port and not running:
            yield _port(destination.commitment.port)
        if not offline:
            yield from _archive(config, destination, profiles)


def _data_dir(config: Config, *, running: bool) -> Iterator[Finding]:
    data_dir = config.agent.data_dir
    existing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    if not existing.is_dir():
        yield Finding("FAILED", "data_dir", f"{existing} is no folder")
    elif not os.access(existing, os.W_OK | os.X_OK):
        yield Finding("FAILED", "data_dir", f"{existing} is not writable for this user")
    else:
        yield Finding("ok", "data_dir", f"{data_dir}{', an agent is running' if running else ''}")
    usage = shutil.disk_usage(existing)
    wanted = free_bytes_wanted(config.retention.min_free, usage.total)
    text = f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.1f} GB"
    if usage.free < wanted:
        yield Finding("FAILED", "disk", f"{text}, less than min_free: sources would stop")
    else:
        yield Finding("ok", "disk", text)


def _clock() -> Finding:
    match trust(not_before=0):
        case Trust.TRUSTED:
            return Finding("ok", "clock", "synchronised")
        case _:
            now = time.strftime("%Y-%m-%d %H:%M:%S %z")
            return Finding("warning", "clock", f"{now}, not synchronised: set up a time server")


def _source(source: SourceSettings, *, running: bool) -> Finding:
    if isinstance(source, SerialSourceSettings):
        return _line(source, running=running)
    if isinstance(source, GrabberSourceSettings):
        return _camera(source, running=running)
    wanted = os.R_OK if source.after == "keep" else os.R_OK | os.W_OK
    return _folder(source.name, source.path, wanted)


def _folder(part: str, path: Path, wanted: int) -> Finding:
    if not path.is_dir():
        return Finding("FAILED", part, f"{path} is not there; mount it or make it")
    if not os.access(path, wanted | os.X_OK):
        what = "readable" if wanted == os.R_OK else "readable and writable"
        return Finding("FAILED", part, f"{path} is not {what} for this user")
    return Finding("ok", part, str(path))


def _line(source: SerialSourceSettings, *, running: bool) -> Finding:
    """Whether a serial port is there and can be opened; nothing is sent over it."""
    if running:
        return Finding("ok", source.name, f"{source.port}, in the agent's hands; see status")
    try:
        Line(LineSettings(url=source.port, baudrate=source.baudrate)).close()
    except LineGone as gone:
        text = f"{source.port} cannot be opened: {gone}; `passerelle devices` lists the ports"
        return Finding("FAILED", source.name, text)
    if source.port.startswith("/dev/tty"):
        text = f"{source.port} may be another device tomorrow: `passerelle devices` has its name"
        return Finding("warning", source.name, text)
    return Finding("ok", source.name, source.port)


def _camera(source: GrabberSourceSettings, *, running: bool) -> Finding:
    """Whether a camera shows a picture that would be stored; nothing is."""
    if running:
        return Finding("ok", source.name, f"{source.device}, in the agent's hands; see status")
    told = look_at(station_of(source)["station"])
    if told.is_good:
        return Finding("ok", source.name, f"{source.device}: {told.text}")
    text = f"{source.device}: {told.text}; `passerelle devices` lists the cameras"
    return Finding("FAILED", source.name, text)


def _scanner(settings: BarcodeSettings, *, running: bool) -> Finding:
    """Whether the barcode scanner is there and can be opened; nothing is sent to it."""
    place = settings.port or settings.input
    if running:
        return Finding("ok", "barcode", f"{place}, in the agent's hands; see status")
    stopped = Event()
    stopped.set()  # opening is all that is tried
    try:
        open_scanner(scanner_settings(settings)).watch(print, stopped, lambda: None)
    except ScannerGone as gone:
        return Finding("FAILED", "barcode", f"cannot be opened: {gone}")
    return Finding("ok", "barcode", place)


def _port(port: int) -> Finding:
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        return Finding("FAILED", f"port {port}", f"cannot be listened on: {error.strerror}")
    return Finding("ok", f"port {port}", "free for commitment reports")


def _archive(
    config: Config, settings: DicomDestinationSettings, profiles: dict[str, Profile]
) -> Iterator[Finding]:
    peer = Child(PEER)
    node = node_of(settings, config.equipment.ae_title)
    try:
        peer.request("echo", {"node": node}, deadline_s=_DEADLINE_S)
        yield Finding("ok", settings.name, "answers C-ECHO")
        pairs = _pairs(settings, profiles)
        body = {"node": node, "pairs": sorted(pairs)}
        answer = peer.request("contexts", body, deadline_s=_DEADLINE_S)
        yield from _contexts(settings, pairs, {tuple(pair) for pair in answer["accepted"]})
    except AgentError as error:
        yield Finding("FAILED", settings.name, str(error))
    finally:
        peer.close()


def _pairs(
    settings: DicomDestinationSettings, profiles: dict[str, Profile]
) -> set[tuple[str, str]]:
    wanted = [SYNTAXES[name] for name in settings.transfer_syntaxes]
    classes = {uid for profile in profiles.values() for uid in _SOP_CLASSES[profile.sop_class]}
    pairs = {(sop_class, syntax) for sop_class in classes for syntax in wanted}
    if settings.commitment.mode != "off":
        pairs.add((_COMMITMENT, SYNTAXES["ImplicitVRLittleEndian"]))
    return pairs


def _contexts(
    settings: DicomDestinationSettings,
    wanted: set[tuple[str, str]],
    accepted: set[tuple[str, ...]],
) -> Iterator[Finding]:
    for sop_class in sorted({sop_class for sop_class, _ in wanted}):
        taken = sorted(syntax for uid, syntax in accepted if uid == sop_class)
        if taken:
            yield Finding("ok", settings.name, f"takes {sop_class} in {', '.join(taken)}")
        elif sop_class == _COMMITMENT:
            text = "offers no storage commitment: proof will be asked by query"
            yield Finding("warning", settings.name, text)
        else:
            yield Finding("FAILED", settings.name, f"takes no {sop_class}: enable it there")
