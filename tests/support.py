"""What several tests share: the peers on this machine, free ports, waiting without sleeping."""

from __future__ import annotations

import os
import shutil
import socket
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def need(*programs: str) -> None:
    """Skip the test on a machine without these peers; in CI, where they must be, fail it."""
    missing = [program for program in programs if shutil.which(program, path=PEER_PATH) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


#: Without the virtual environment, whose pynetdicom ships programs named like DCMTK's.
PEER_PATH = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"))


def peer(program: str) -> str:
    """The full path of a peer that is needed."""
    need(program)
    found = shutil.which(program, path=PEER_PATH)
    assert found
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(
    condition: Callable[[], object], timeout_s: float = 10.0, every_s: float = 0.02
) -> None:
    """Return once the condition holds; fail when it does not within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(every_s)
