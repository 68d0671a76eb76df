"""`passerelle simulate`: a device that does not exist, with the faults that real ones have."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from passerelle.errors import ConfigError, Unavailable
from passerelle_hw.serial.sender import NotDelivered
from passerelle_hw.serial.simulated import Faults, Pty, SimulatedSerialDevice

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHARE: Final = click.FloatRange(0, 0.5)


@click.group("simulate")
def command() -> None:
    """A device that does not exist, to try an agent with.

    \b
    passerelle simulate serial --port /tmp/scope --noise 0.02
    """


@command.command("scanner")
@click.option(
    "--port", type=click.Path(path_type=Path), required=True, help="The port's name, made here."
)
@click.option("--every", type=float, default=2.0, help="Seconds before each code, and at the end.")
@click.option("--aim", default="]C1", help="The AIM identifier before each code; may be empty.")
@click.argument("codes", nargs=-1, required=True, metavar="TEXT…")
def scanner(*, port: Path, every: float, aim: str, codes: Sequence[str]) -> None:
    """A barcode scanner on a serial line that reads these codes, one after the other.

    \b
    passerelle simulate scanner --port /tmp/scanner 00042 00043
    """
    if sys.platform == "win32":
        msg = "simulate scanner: Windows has no pseudo terminals"
        raise ConfigError(msg)
    line = Pty(port)
    line.plug()
    try:
        click.echo(f"plugged in: {port}")
        for number, code in enumerate(codes, 1):
            time.sleep(every)
            line.write(f"{aim}{code}\r\n".encode())
            click.echo(f"read code {number}")
        time.sleep(every)
    finally:
        line.unplug()


@command.command("serial")
@click.option(
    "--port", type=click.Path(path_type=Path), required=True, help="The port's name, made here."
)
@click.option("--count", type=int, default=0, help="Pictures; without end when 0.")
@click.option("--every", type=float, default=5.0, help="Seconds from one to the next.")
@click.option("--seed", type=int, default=0, help="Equal seeds give equal pictures and faults.")
@click.option("--noise", type=_SHARE, default=0.0, help="Share of frames with a flipped bit.")
@click.option("--garbage", type=_SHARE, default=0.0, help="Share of frames with garbage before.")
@click.option("--cut", type=_SHARE, default=0.0, help="Share of frames that lose their end.")
@click.option("--lose-answers", type=_SHARE, default=0.0, help="Share of answers that are lost.")
@click.option("--unplug", type=int, default=0, help="Pull the plug in each so many-th picture.")
def serial(
    *,
    port: Path,
    count: int,
    every: float,
    seed: int,
    noise: float,
    garbage: float,
    cut: float,
    lose_answers: float,
    unplug: int,
) -> None:
    """An endoscope on a serial line; a source with this `port` receives its stills.

    \b
    passerelle simulate serial --port /tmp/scope --count 3 --lose-answers 0.1
    """
    if sys.platform == "win32":
        msg = "simulate serial: Windows has no pseudo terminals"
        raise ConfigError(msg)
    faults = Faults(noise=noise, garbage=garbage, cut=cut, lost_answers=lose_answers)
    device = SimulatedSerialDevice(Pty(port), seed, faults=faults, unplug_every=unplug)
    with device.plugged():
        click.echo(f"plugged in: {port}")
        try:
            for number in itertools.count(1) if count == 0 else range(1, count + 1):
                for name, content in device.acquire():
                    click.echo(f"delivered  {name}  {len(content) / 1024:.0f} KiB")
                if number != count:
                    time.sleep(every)
        except NotDelivered as fault:
            msg = f"simulate serial: not delivered: {fault}"
            raise Unavailable(msg) from fault
    click.echo(f"faults on the line: {device.faults}")


@command.command("grabber")
@click.option("--into", type=click.Path(path_type=Path), required=True, help="A folder.")
@click.option("--faults", default="", help="As in the device's name: drop=5%&unplug=3s@20s")
@click.option("--every", type=float, default=2.0, help="Seconds from one press to the next.")
@click.option("--count", type=int, default=5, help="Presses.")
@click.option("--clip", type=float, default=0.0, help="Clips of so many seconds, and no stills.")
def grabber(*, into: Path, faults: str, every: float, count: int, clip: float) -> None:
    """The camera `test` with its faults: what each press gives lies in a folder.

    \b
    passerelle simulate grabber --into /tmp/stills --faults 'truncate=10%&nosignal=3s@10s'
    """
    from passerelle.cli.simulated_grabber import play  # noqa: PLC0415 - as the device child

    play(into, f"test:?{faults}" if faults else "test", every=every, count=count, clip_s=clip)
