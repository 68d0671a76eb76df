"""`passerelle devices`: what is plugged in, by the names to write into a config."""

from __future__ import annotations

import click

from passerelle_hw.serial.ports import serial_ports


@click.command("devices")
def command() -> None:
    """The serial ports of this machine, by names that do not change; nothing is opened.

    \b
    passerelle devices
    """
    ports = serial_ports()
    for port in ports:
        remark = "" if port.is_stable else "  (may be another device after the next start)"
        click.echo(f"serial  {port.name}  {port.description}{remark}".rstrip())
    if not ports:
        click.echo("no serial ports")
