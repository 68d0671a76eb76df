"""A line with a long round trip: two network namespaces, two TUN devices and a relay."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Absent
from bench.process import program

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEVICE = "/dev/net/tun"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
NEAR, FAR = "10.213.77.1", "10.213.77.2"


@dataclass(frozen=True)
class Line:
    """Prefixes of commands that run at either end."""

    near: tuple[str, ...]
    far: tuple[str, ...]


@contextmanager
def line(*, round_trip_s: float, bytes_per_s: float = 0.0) -> Iterator[Line]:
    """Two ends that see nothing but each other.

    Raises:
        Absent: This machine does not let us.
    """
    ip = program("ip")
    if os.geteuid() != 0 or not Path(_DEVICE).exists():
        msg = f"network namespaces need root and {_DEVICE}"
        raise Absent(msg)
    ends = [(f"bench{os.getpid()}{end}", address) for end, address in (("n", NEAR), ("f", FAR))]
    with ExitStack() as undone:
        descriptors = []
        for name, address in ends:
            _called(ip, "netns", "add", name)
            undone.callback(_called, ip, "netns", "del", name)
            descriptors.append(_tun(name))
            undone.callback(os.close, descriptors[-1])
            _called(ip, "link", "set", name, "netns", name)
            _called(ip, "-n", name, "addr", "add", f"{address}/24", "dev", name)
            _called(ip, "-n", name, "link", "set", name, "up")
            _called(ip, "-n", name, "link", "set", "lo", "up")
        script = Path(__file__).with_name("relay.py")
        numbers = (*descriptors, round_trip_s / 2, bytes_per_s)
        relay = subprocess.Popen(
            [sys.executable, "-I", str(script), *map(str, numbers)], pass_fds=descriptors
        )
        undone.callback(relay.wait)
        undone.callback(relay.kill)
        near, far = ((ip, "netns", "exec", name) for name, _ in ends)
        yield Line(near, far)


def _tun(name: str) -> int:
    descriptor = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def _called(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        msg = f"{' '.join(command[1:3])}: {done.stderr.strip()}"
        raise Absent(msg)
