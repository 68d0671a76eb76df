"""`passerelle devices`: what is plugged in, by the names to write into a config."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from passerelle_hw.camera.v4l2 import cameras
from passerelle_hw.serial.ports import serial_ports

if TYPE_CHECKING:
    from passerelle_hw.camera.v4l2 import SeenFormat


@click.command("devices")
def command() -> None:
    """The cameras and serial ports of this machine, by names that do not change.

    A camera is asked what it can; no port is opened.

    \b
    passerelle devices
    """
    found = cameras()
    for camera in found:
        click.echo(f"camera  {camera.name}  {camera.card}")
        for given in camera.formats:
            click.echo(f"        {given.pixels}  {', '.join(_sizes(given))}".rstrip())
    if not found:
        click.echo("no cameras")
    ports = serial_ports()
    for port in ports:
        remark = "" if port.is_stable else "  (may be another device after the next start)"
        click.echo(f"serial  {port.name}  {port.description}{remark}".rstrip())
    if not ports:
        click.echo("no serial ports")


def _sizes(given: SeenFormat) -> list[str]:
    return [
        f"{columns}x{rows}" + (f" {rate:.0f}/s" if rate else "")
        for columns, rows, rate in given.sizes
    ]
