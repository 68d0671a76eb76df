"""Ports are named by what does not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle_hw.serial.ports import SerialPort, links, serial_ports

if TYPE_CHECKING:
    from pathlib import Path


def test_a_port_with_a_link_has_the_name_of_the_link(tmp_path: Path) -> None:
    plain = serial_ports(tmp_path / "nothing")
    for number, port in enumerate(plain):
        (tmp_path / f"usb-Acme_{number}").symlink_to(port.device)
    named = serial_ports(tmp_path)
    assert [port.device for port in named] == [port.device for port in plain]
    assert all(port.name.startswith(str(tmp_path)) and port.is_stable for port in named)
    assert not any(port.is_stable for port in plain if not port.name.startswith("/dev/serial"))


def test_a_name_is_stable_where_it_is_not_the_devices() -> None:
    assert SerialPort("/dev/serial/by-id/usb-Acme", "/dev/ttyUSB0", "").is_stable
    assert not SerialPort("/dev/ttyUSB0", "/dev/ttyUSB0", "").is_stable


def test_a_machine_without_links_has_none(tmp_path: Path) -> None:
    assert links(tmp_path / "by-id") == []
