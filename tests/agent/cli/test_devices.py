"""`passerelle devices` names what is plugged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle_hw.camera.v4l2 import cameras
from passerelle_hw.serial.ports import serial_ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from command_support import Told


def test_every_port_and_camera_is_listed_by_the_name_for_a_config(run: Callable[..., Told]) -> None:
    told = run("devices")
    assert told.code == 0
    lines = told.out.splitlines()
    for kind, names in (
        ("serial", [port.name for port in serial_ports()]),
        ("camera", [camera.name for camera in cameras()]),
    ):
        assert [line.split()[1] for line in lines if line.startswith(f"{kind} ")] == names
        assert names or any(line.startswith(f"no {kind}") for line in lines), "that is told too"
