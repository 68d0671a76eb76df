"""The agent as it runs in the box."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOX = Path("/tmp/box")  # noqa: S108 - the box is this test's own
_PASSERELLE = (sys.executable, "-P", "-m", "passerelle")
CONFIG = """
[agent]
name = "box"
data_dir = "{data_dir}"
[equipment]
modality = "ES"
ae_title = "BOX"
[[sources]]
name = "export"
type = "folder"
path = "export"
settle_s = 0.5
{more}
[[destinations]]
name = "pacs"
type = "dicom"
host = "10.0.2.100"
port = {port}
ae_title = "ARCHIVE"
commitment = {{ mode = "required", timeout_s = 30.0 }}
[retention]
min_free = "0%"
"""


def write_config(port: int, *, more: str = "", data_dir: str = "data") -> None:
    """The config of a box with a folder, an archive on the host, and more sources."""
    (BOX / "export").mkdir(parents=True, exist_ok=True)
    (BOX / "agent.toml").write_text(CONFIG.format(port=port, more=more, data_dir=data_dir))


@contextmanager
def running(figures: dict[str, Any]) -> Iterator[None]:
    """The agent; how it stopped is among the figures."""
    with (BOX / "log").open("ab") as log:
        agent = subprocess.Popen(
            [*_PASSERELLE, "run", "-c", str(BOX / "agent.toml")],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        began = time.monotonic()
        while ": running on " not in (BOX / "log").read_text():
            assert time.monotonic() - began < 60, "it does not start"
            time.sleep(0.2)
        yield
        agent.send_signal(signal.SIGTERM)
        figures["stopped"] = agent.wait(20)
    except BaseException:
        os.killpg(agent.pid, signal.SIGKILL)
        print((BOX / "log").read_text()[-3000:])
        raise


def passerelle(*arguments: str) -> str:
    """What a command prints."""
    told = subprocess.run(
        [*_PASSERELLE, *arguments, "-c", str(BOX / "agent.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode in (0, 1), told.stderr
    return told.stdout


def status() -> dict[str, Any]:
    """What the agent says of itself."""
    said: dict[str, Any] = json.loads(passerelle("status", "--json"))
    return said


def committed() -> int:
    """How many deliveries are proven."""
    return int(status()["deliveries"]["COMMITTED"])


def until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait for it; how long that took, in seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {status()['problems']}"
        time.sleep(0.2)
    return round(time.monotonic() - began, 1)
