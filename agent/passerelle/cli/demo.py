"""`passerelle demo`: the whole path on this machine, with nothing to configure."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from passerelle.config import load
from passerelle.errors import ConfigError
from passerelle.supervisor import Agent
from passerelle_hw.serial.simulated import Pty, SimulatedSerialDevice
from passerelle_hw.simulated import SimulatedModality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PICTURES: Final = 6
_CAPTURES: Final = 3
_STILLS: Final = 0 if sys.platform == "win32" else 3  # there are no pseudo terminals
_PATIENCE_S: Final = 60.0
_EVERY_S: Final = 6.0
_PRESS_S: Final = 0.6
_LOOK_S: Final = 0.05
_AE_TITLE: Final = "DEMO"
_EXAMINED: Final = {"PatientID": "001093", "PatientName": "Müller^Jörg", "AccessionNumber": "DEMO1"}
_CONFIG: Final = """\
[agent]
name = "demo"
data_dir = "agent"

[equipment]
modality = "US"
manufacturer = "Passerelle"
model_name = "Simulated modality"
station_name = "DEMO1"
ae_title = "PASSERELLE"

[[sources]]
name = "export"
type = "folder"
path = "acquisitions"
settle_s = 0.3
poll_s = 1.0

[[sources]]
name = "camera"
type = "grabber"
device = "test"
rate = 25
profile = "endoscopy-still"

{serial}
[[destinations]]
name = "archive"
type = "dicom"
host = "127.0.0.1"
port = {archive_port}
ae_title = "DEMO"
commitment = {{ mode = "required", port = {report_port}, timeout_s = 30.0 }}

[retention]
min_free = "0%"
"""
_SERIAL: Final = """\
[[sources]]
name = "scope"
type = "serial"
port = '{port}'
profile = "endoscopy-still"
"""


@click.command("demo")
@click.option("--port", type=int, default=0, help="For the embedded archive; else a free one.")
@click.option("--once", is_flag=True, help="Stop when every picture is committed.")
def command(port: int, *, once: bool) -> None:
    """The whole path on this machine: simulated devices, the agent and an embedded archive.

    \b
    passerelle demo --once
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    with tempfile.TemporaryDirectory(prefix="passerelle-demo-") as folder:
        demo = Demo(Path(folder), port or _free_port())
        with demo.running():
            ended = demo.play(stop, once=once)
    sys.exit(0 if ended else 1)


class Demo:
    """Three devices, an agent's data and an archive, and what happens there."""

    def __init__(self, folder: Path, archive_port: int) -> None:
        self._folder = folder
        self._archive_port = archive_port
        self._report_port = _free_port()
        self._shown: dict[str, str] = {}
        self._began: dict[str, float] = {}
        self._pressed: deque[float] = deque()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Archive and agent, up; both gone afterwards."""
        acquisitions = self._folder / "acquisitions"
        acquisitions.mkdir()
        config = self._folder / "agent.toml"
        port = self._folder / "scope"
        config.write_text(
            _CONFIG.format(
                archive_port=self._archive_port,
                report_port=self._report_port,
                serial=_SERIAL.format(port=port) if _STILLS else "",
            )
        )
        self.scope = SimulatedSerialDevice(Pty(port), seed=2)
        with self._archive(), self.scope.plugged() if _STILLS else nullcontext():
            self.agent = Agent(load(config), self._folder)
            self.agent.start()
            self.agent.ask("exam open", {"attributes": _EXAMINED, "actor": "demo"})
            self.device = SimulatedModality(acquisitions, seed=2, pause_s=0.05)
            click.echo(f"archive   {_AE_TITLE}@127.0.0.1:{self._archive_port}")
            click.echo(f"agent     {config}")
            click.echo(f"device    exports into {acquisitions}")
            click.echo("camera    test, pressed by hand, in the exam of its patient")
            if _STILLS:
                click.echo(f"scope     on the serial line {port}")
            click.echo()
            try:
                yield
            finally:
                self.agent.stop()

    def play(self, stop: threading.Event, *, once: bool) -> bool:
        """Let the device export, and tell what becomes of each picture.

        With `once`, end when all are committed: False if that takes more than a minute.
        """
        devices = [
            threading.Thread(target=self._export, args=(stop, once, *device), daemon=True)
            for device in (
                (self._exported, _PICTURES),
                (self._sent, _STILLS),
                (self._captured, _CAPTURES),
            )
        ]
        for device in devices:
            device.start()
        try:
            return self._watch(stop, once=once)
        finally:
            for device in devices:
                device.join(_PATIENCE_S)  # or it exports into a folder that is being removed

    def _watch(self, stop: threading.Event, *, once: bool) -> bool:
        patience = time.monotonic() + _PATIENCE_S
        while not stop.wait(_LOOK_S):
            committed = self._tell()
            if once and committed == _PICTURES + _STILLS + _CAPTURES:
                click.echo()
                click.echo(f"{committed} of {committed} committed; nothing is owed")
                return True
            if once and time.monotonic() > patience:
                for problem in self.agent.status()["problems"]:
                    click.echo(problem, err=True)
                return False
        return True

    def _export(
        self,
        stop: threading.Event,
        once: bool,  # noqa: FBT001 - a thread's argument
        acquire: Callable[[int, threading.Event], None],
        count: int,
    ) -> None:
        acquire(count, stop)
        while count and not once and not stop.wait(_EVERY_S):
            acquire(1, stop)

    def _exported(self, count: int, stop: threading.Event) -> None:
        for path in self.device.acquire(count):
            if stop.is_set():
                return
            self._began[path.name] = time.monotonic()
            size = path.stat().st_size if path.exists() else 0  # it may be taken already
            click.echo(_line(0.0, "exported", path.name, size))

    def _sent(self, count: int, stop: threading.Event) -> None:
        began = time.monotonic()
        for name, content in self.scope.acquire(count):
            self._began.setdefault(name, began)
            click.echo(_line(time.monotonic() - began, "taken", name, len(content)))
            if stop.is_set():
                return
            began = time.monotonic()

    def _captured(self, count: int, stop: threading.Event) -> None:
        for _ in range(count):
            while self._camera_problems() and not stop.wait(_LOOK_S):
                continue
            if stop.wait(_PRESS_S):
                return
            self.agent.ask("trigger", {"source": "camera", "down": True})
            self._pressed.append(time.monotonic())
            click.echo(_line(0.0, "pressed", "camera", 0))

    def _camera_problems(self) -> bool:
        sources = self.agent.status()["sources"]
        return any(one["name"] == "camera" and one["reason"] for one in sources)

    def _tell(self) -> int:
        """Print what has changed; how many pictures are committed."""
        rows = list(self.agent.spool.rows(None))
        for row in rows:
            name, state = Path(row["original"]).name, row["state"]
            if self._shown.get(row["sop_instance_uid"]) == state:
                continue
            self._shown[row["sop_instance_uid"]] = state
            if name.startswith("still-") and name not in self._began and self._pressed:
                self._began[name] = self._pressed.popleft()
            seconds = time.monotonic() - self._began.get(name, time.monotonic())
            click.echo(_line(seconds, state, name, row["bytes"]))
        return len({row["original"] for row in rows if row["state"] == "COMMITTED"})

    @contextmanager
    def _archive(self) -> Iterator[None]:
        store = self._folder / "archive"
        store.mkdir()
        command = [sys.executable, "-P", "-m", "passerelle.dimse.archive"]
        options = [
            f"--port={self._archive_port}",
            f"--folder={store}",
            f"--aet={_AE_TITLE}",
            f"--report-to=127.0.0.1:{self._report_port}",
        ]
        with subprocess.Popen(  # noqa: S603 - our own program
            [*command, *options],
            stdin=subprocess.PIPE,  # it ends when this end closes, however we end
            stdout=subprocess.PIPE,
        ) as process:
            try:
                if process.stdout is None or not process.stdout.readline():
                    port = self._archive_port
                    msg = f"the embedded archive does not start; is port {port} taken?"
                    raise ConfigError(msg)
                yield
            finally:
                process.kill()


def _line(seconds: float, state: str, name: str, size: int) -> str:
    width = min(shutil.get_terminal_size().columns, 100) - 40
    return f"{seconds:6.1f} s  {state:10} {name:{width}.{width}} {size / 1024:7.0f} KiB"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
