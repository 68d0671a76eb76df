"""The installed agent as a process of its own, as a journey drives it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PASSERELLE = (sys.executable, "-P", "-m", "passerelle")


def passerelle(*arguments: str | Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [*PASSERELLE, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


class Box:
    """A box with one acquisition folder, and its agent."""

    def __init__(
        self, folder: Path, destinations: str, *, source: str = "", more: str = ""
    ) -> None:
        self.folder = folder
        self.acquisitions = folder / "acquisitions"
        self.acquisitions.mkdir(parents=True, exist_ok=True)
        self.data_dir = folder / "data"
        self.config = folder / "agent.toml"
        self.log = folder / "agent.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.config.write_text(
            f"""
[agent]
name = "box"
data_dir = "data"
[equipment]
modality = "OT"
ae_title = "AGENT"
[[sources]]
name = "export"
type = "folder"
path = "acquisitions"
settle_s = 0.2
poll_s = 0.5
sidecar_wait_s = 1.0
incomplete_s = 1.0
{source}
{destinations}
[retention]
min_free = "0%"
{more}
""",
            "utf-8",
        )

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the agent in a process group of its own, its log in a file."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*PASSERELLE, "run", "-c", str(self.config)],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def stop(self) -> int:
        """Ask the agent to stop; its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(15)

    def kill(self) -> None:
        """Kill the agent and all its children at once."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(15)

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def status(self) -> dict[str, Any]:
        told = passerelle("status", "--json", "-c", self.config)
        return json.loads(told.stdout) if told.stdout else {}

    def queue(self, *options: str) -> list[dict[str, Any]]:
        told = passerelle("queue", "list", "--json", "-c", self.config, *options)
        return [json.loads(line) for line in told.stdout.splitlines()]

    def wait_for(self, state: str, count: int, timeout_s: float = 60) -> None:
        """Return when so many deliveries, or acquisitions, are in this state."""
        wait_until(lambda: len(self.queue("--state", state)) >= count, timeout_s, every_s=0.3)

    def drop(self, name: str, content: bytes, sidecar: dict[str, object] | None = None) -> Path:
        """Export a picture as a careful device does: written beside, then renamed in."""
        for target, data in self._files(name, content, sidecar):
            partial = target.with_name(f"{target.name}.tmp")
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(target)
        return self.acquisitions / name

    def _files(
        self, name: str, content: bytes, sidecar: dict[str, object] | None
    ) -> Iterable[tuple[Path, bytes]]:
        if sidecar is not None:
            yield self.acquisitions / f"{name}.json", json.dumps(sidecar).encode()
        yield self.acquisitions / name, content


def dicom_destination(port: int, *, ae_title: str, report_port: int | None = None) -> str:
    """A destination for the config of a box."""
    commitment = f'mode = "required", port = {report_port}' if report_port else 'mode = "preferred"'
    return f"""
[[destinations]]
name = "pacs"
type = "dicom"
host = "127.0.0.1"
port = {port}
ae_title = "{ae_title}"
connect_timeout_s = 3.0
answer_timeout_s = 10.0
commitment = {{ {commitment}, timeout_s = 15.0 }}
"""


def resident_bytes(group: int) -> int:
    """Resident memory of all processes of a session, in bytes."""
    total = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == group:
                    total += int((process / "statm").read_text().split()[1])
            except (OSError, IndexError):
                continue  # it ended while we looked
    return total * os.sysconf("SC_PAGE_SIZE")


def data_set_sha256(part10: Path) -> str:
    """Of what follows the file meta group, which C-STORE does not carry (PS3.10 7.1)."""
    with part10.open("rb") as file:
        file.seek(140)
        file.seek(144 + int.from_bytes(file.read(4), "little"))
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = [
    "Box",
    "data_set_sha256",
    "dicom_destination",
    "free_port",
    "passerelle",
    "resident_bytes",
]
