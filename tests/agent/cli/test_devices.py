"""`passerelle devices` names what is plugged in, and opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle_hw.serial.ports import serial_ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from command_support import Told


def test_every_serial_port_is_listed_by_the_name_for_a_config(run: Callable[..., Told]) -> None:
    told = run("devices")
    assert told.code == 0
    lines = told.out.splitlines()
    ports = serial_ports()
    assert [line.split()[:2] for line in lines if ports] == [
        ["serial", port.name] for port in ports
    ]
    assert lines, "a machine without ports is told so"
