"""Plugs a device of the host into the box, over USB/IP, and pulls it out again."""

from __future__ import annotations

import socket
import struct
import subprocess
import time
from pathlib import Path

_HOST = "10.0.2.100"
_VHCI = Path("/sys/devices/platform/vhci_hcd.0")
_IMPORT, _VERSION = 0x8003, 0x0111
_HIGH = 3


def plug(port: int, busid: str = "1-1") -> int:
    """Import a device (OP_REQ_IMPORT) and hand its socket to the kernel; the port of the hub."""
    subprocess.run(["modprobe", "vhci_hcd"], check=True)
    connection = socket.create_connection((_HOST, port), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(struct.pack(">HHI32s", _VERSION, _IMPORT, 0, busid.encode()))
    answer = b""
    while len(answer) < 8 + 312:
        answer += connection.recv(8 + 312 - len(answer))
    _, _, status = struct.unpack(">HHI", answer[:8])
    assert status == 0, "the host has no such device"
    # path[256], busid[32], then busnum, devnum and speed
    busnum, devnum, speed = struct.unpack(">III", answer[8 + 288 : 8 + 300])
    hub = _free(speed)
    (_VHCI / "attach").write_text(f"{hub} {connection.fileno()} {busnum << 16 | devnum} {speed}")
    connection.detach()  # it is the kernel's now
    return hub


def unplug(hub: int) -> None:
    """Pull it out."""
    (_VHCI / "detach").write_text(str(hub))


def wait_for(pattern: str, seconds: float = 20.0) -> Path:
    """The first path like this below /dev, as soon as there is one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = sorted(Path("/dev").glob(pattern))
        if found:
            return found[0]
        time.sleep(0.05)
    message = f"no /dev/{pattern} within {seconds} s"
    raise TimeoutError(message)


def _free(speed: int) -> int:
    """A port of the hub that is free: those of high speed come first."""
    wanted = "hs" if speed <= _HIGH else "ss"
    for line in (_VHCI / "status").read_text().splitlines()[1:]:
        kind, number, status = line.split()[:3]
        if kind == wanted and int(status) == 4:
            return int(number)
    message = "no free port"
    raise RuntimeError(message)
