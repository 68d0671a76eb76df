"""CPU, memory and written bytes of processes, from the kernel's own counts."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Absent
from support import PEER_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOK_S = 0.01


def program(name: str) -> str:
    """The full path of a peer.

    Raises:
        Absent: It is not installed.
    """
    found = shutil.which(name, path=PEER_PATH)
    if found is None:
        msg = f"{name} is not installed"
        raise Absent(msg)
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, to the nanosecond: its clock, as clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def _cpu_with_ended_s(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended, in ticks of the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS


def peak_bytes(pid: int) -> int:
    """The most memory that was ever resident of a process; 0 when it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def resident_bytes(pid: int) -> int:
    """What is resident of a process now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def session(leader: int) -> Iterator[int]:
    """The processes of a session."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader:
                    yield int(process.name)


def session_cpu_s(leader: int) -> float:
    """CPU seconds of a session, its ended processes included."""
    total = 0.0
    for pid in session(leader):
        with suppress(OSError):
            total += _cpu_with_ended_s(pid)
    return total


def session_resident_bytes(leader: int) -> int:
    """What is resident of all processes of a session; pages that they share count for each."""
    total = 0
    for pid in session(leader):
        with suppress(OSError):
            total += resident_bytes(pid)
    return total


def session_written_bytes(leader: int) -> int:
    """What the processes of a session caused to be written to the disk, ended ones included."""
    total = 0
    for pid in session(leader):
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/io").read_text().splitlines():
                if line.startswith("write_bytes:"):
                    total += int(line.split()[1])
    return total


@dataclass(frozen=True)
class Ended:
    """What a program used from its start to its end."""

    output: str
    cpu_s: float
    peak_bytes: int


def run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a peer to its end.

    Raises:
        AssertionError: It failed.
    """
    peak = 0
    output = folder / f"{Path(command[0]).name}.out"
    with output.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": PEER_PATH, **(environment or {})},
        )
        while True:
            # ru_maxrss would be our own: it is handed on across an exec.
            peak = max(peak, peak_bytes(process.pid))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(_LOOK_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    told = output.read_text("utf-8", "replace")
    assert process.returncode == 0, f"{command[0]}: {told[-500:]}"
    return Ended(told, usage.ru_utime + usage.ru_stime, peak)
