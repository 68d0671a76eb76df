"""The agent as a whole: its parts start, fail apart from each other, and stop in time."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from intake_support import PATIENT, png
from passerelle.config import load
from passerelle.control import ask
from passerelle.errors import AlreadyRunning, ConfigError
from passerelle.model import CommitmentReport
from passerelle.supervisor import Agent, deciding
from passerelle_hw.serial.simulated import Pty, SimulatedSerialDevice
from support import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
[agent]
name = "box"
data_dir = "data"
[[sources]]
name = "export"
type = "folder"
path = "acquisitions"
settle_s = 0.1
poll_s = 0.3
sidecar_wait_s = 0.5
[[destinations]]
name = "share"
type = "folder"
path = "share"
[retention]
min_free = "0%"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("acquisitions", "share"):
        (tmp_path / name).mkdir()
    (tmp_path / "agent.toml").write_text(CONFIG)
    return tmp_path


@contextmanager
def running(folder: Path) -> Iterator[Agent]:
    agent = Agent(load(folder / "agent.toml"), folder)
    agent.start()
    try:
        yield agent
    finally:
        agent.stop()


def drop(folder: Path, name: str = "a.png") -> None:
    (folder / "acquisitions" / f"{name}.json").write_text(json.dumps(PATIENT), "utf-8")
    (folder / "acquisitions" / name).write_bytes(png())


def deliveries(agent: Agent) -> dict[str, int]:
    told: dict[str, int] = agent.status()["deliveries"]
    return told


def test_what_a_device_exports_is_delivered_proven_and_archived(folder: Path) -> None:
    drop(folder)
    with running(folder) as agent:
        wait_until(lambda: deliveries(agent)["COMMITTED"] == 1)
        wait_until(lambda: not list((folder / "acquisitions").iterdir()))
        status = agent.status()
        assert (status["healthy"], status["problems"]) == (True, [])
        assert status["sources"][0]["last_acquisition_at"]
        answered = ask(folder / "data", "status", {})
        assert answered
        assert answered["deliveries"] == status["deliveries"]
    assert len(list((folder / "share").rglob("*.dcm"))) == 1
    assert {path.name for path in (folder / "data/archive").rglob("a.png*")} == {
        "a.png",
        "a.png.json",
    }


def test_a_data_dir_belongs_to_one_agent_at_a_time(folder: Path) -> None:
    with running(folder):
        second = Agent(load(folder / "agent.toml"), folder)
        with pytest.raises(AlreadyRunning, match="another agent runs on"):
            second.start()
    with running(folder) as third:
        assert third.status()["agent"]["running"]


def test_a_config_that_cannot_be_built_leaves_the_data_dir_free(folder: Path) -> None:
    config = (folder / "agent.toml").read_text()
    (folder / "agent.toml").write_text(config.replace("settle_s", 'profile = "none"\nsettle_s'))
    with pytest.raises(ConfigError, match="profile none: unknown"):
        Agent(load(folder / "agent.toml"), folder).start()
    (folder / "agent.toml").write_text(config)
    with running(folder):
        pass


def test_a_source_that_is_gone_is_told_and_taken_up_again_when_it_is_back(folder: Path) -> None:
    (folder / "acquisitions").rmdir()
    with running(folder) as agent:
        wait_until(lambda: not agent.status()["healthy"])
        (problem,) = agent.status()["problems"]
        assert problem.startswith("export: ")
        assert agent.status()["sources"][0]["state"] == "down"
        (folder / "acquisitions").mkdir()
        drop(folder)
        wait_until(lambda: deliveries(agent)["COMMITTED"] == 1, timeout_s=40)
        wait_until(lambda: agent.status()["healthy"])


def test_a_destination_that_is_gone_keeps_the_instances_and_gets_them_when_it_is_back(
    folder: Path,
) -> None:
    (folder / "share").rmdir()
    drop(folder)
    with running(folder) as agent:
        wait_until(lambda: agent.status()["destinations"][0]["state"] == "down")
        (problem,) = agent.status()["problems"]
        assert problem.startswith("share: the folder ")
        assert deliveries(agent)["PENDING"] == 1
        (folder / "share").mkdir()
        wait_until(lambda: deliveries(agent)["COMMITTED"] == 1, timeout_s=40)


class Failing:
    """A part that fails once, as a defect does, and then works until it is stopped."""

    name = "failing"

    def __init__(self) -> None:
        self.began = 0
        self.works = threading.Event()

    def run(self, stop: threading.Event) -> None:
        self.began += 1
        if self.began == 1:
            raise KeyError("Doe^Jane")  # noqa: EM101 - a defect, not an error of ours
        self.works.set()
        stop.wait()

    def wake(self) -> None:
        return


def test_a_part_that_fails_is_told_without_its_text_and_starts_again(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    part = Failing()
    with running(folder) as agent:
        thread = threading.Thread(target=agent._keep, args=(part,), daemon=True)  # noqa: SLF001 - as start does
        thread.start()
        wait_until(lambda: agent.status()["problems"])
        (problem,) = agent.status()["problems"]
        assert problem.startswith("failing: failed and restarts: KeyError at test_supervisor.py:")
        assert "Doe" not in problem
        assert "Doe" not in caplog.text
        assert part.works.wait(15)
        wait_until(lambda: agent.status()["healthy"])
    thread.join(5)
    assert part.began == 2


def test_a_failure_is_told_of_the_part_that_failed_and_not_of_one_with_the_same_name(
    folder: Path,
) -> None:
    part = Failing()
    part.name = "export"
    with running(folder) as agent:
        thread = threading.Thread(target=agent._keep, args=(part,), daemon=True)  # noqa: SLF001 - as start does
        thread.start()
        wait_until(lambda: agent.status()["problems"])
        assert agent.status()["sources"][0]["state"] == "up"
    thread.join(5)


def test_it_stops_in_time_whatever_the_destination_does(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the connection, and nothing else
        (folder / "agent.toml").write_text(
            CONFIG
            + f"""
[[destinations]]
name = "pacs"
type = "dicom"
host = "127.0.0.1"
port = {mute.getsockname()[1]}
ae_title = "PACS"
commitment = {{ mode = "required", port = {free_port()} }}
"""
        )
        drop(folder)
        with running(folder) as agent:
            wait_until(lambda: deliveries(agent)["SENDING"] == 1)
            began = time.monotonic()
        assert time.monotonic() - began < 10
        with running(folder) as agent:
            wait_until(lambda: agent.status()["acquisitions"]["WRAPPED"] == 1)


def test_a_report_that_nobody_waits_for_changes_nothing(folder: Path) -> None:
    with running(folder) as agent:
        agent._reported(CommitmentReport(transaction_uid="2.25.9", committed=("2.25.1",)))  # noqa: SLF001 - as the listener does
        assert agent.status()["healthy"]


def test_two_destinations_with_the_same_port_for_reports_share_one_listener(folder: Path) -> None:
    port = free_port()
    pacs = """
[[destinations]]
name = "{name}"
type = "dicom"
host = "127.0.0.1"
port = {archive}
ae_title = "PACS"
commitment = {{ mode = "required", port = {port} }}
"""
    archive = free_port()
    (folder / "agent.toml").write_text(
        CONFIG + "".join(pacs.format(name=name, archive=archive, port=port) for name in "ab")
    )
    with running(folder) as agent:
        names = [thread.name for thread in agent._threads]  # noqa: SLF001 - what runs
        assert names.count(f"listener {port}") == 1


def test_an_operators_decision_is_carried_out_where_no_agent_runs(folder: Path) -> None:
    (folder / "acquisitions" / "a.png").write_bytes(png())
    with running(folder) as agent:
        wait_until(lambda: agent.status()["acquisitions"]["HELD"] == 1)
        (row,) = agent.spool.rows("HELD")
    body: dict[str, Any] = {
        "uids": [row["acquisition"]],
        "attributes": {"PatientID": "00042"},
        "actor": "ann",
    }
    with deciding(load(folder / "agent.toml"), folder) as handlers:
        assert handlers["reassign"](body) == {"lines": [f"{row['acquisition']}: wrapped"]}
    with running(folder) as agent:
        wait_until(lambda: deliveries(agent)["COMMITTED"] == 1)


def test_an_operators_decision_reaches_the_running_agent(folder: Path) -> None:
    (folder / "acquisitions" / "a.png").write_bytes(png())
    with running(folder) as agent:
        wait_until(lambda: agent.status()["acquisitions"]["HELD"] == 1)
        (row,) = agent.spool.rows("HELD")
        body = {
            "uids": [row["acquisition"]],
            "attributes": {"PatientID": "00042"},
            "actor": "ann",
        }
        assert ask(folder / "data", "reassign", body) == {
            "lines": [f"{row['acquisition']}: wrapped"]
        }
        wait_until(lambda: deliveries(agent)["COMMITTED"] == 1)
        with pytest.raises(AlreadyRunning), deciding(load(folder / "agent.toml"), folder):
            pass


SERIAL = """
[[sources]]
name = "scope"
type = "serial"
port = "{port}"
"""


def test_what_comes_over_a_serial_line_is_delivered_too_and_an_absent_port_is_told(
    folder: Path,
) -> None:
    pty = Pty(folder / "port")
    with (folder / "agent.toml").open("a") as config:
        config.write(SERIAL.format(port=pty.link))
    with running(folder) as agent:
        wait_until(lambda: agent.status()["problems"])
        assert agent.status()["problems"][0].startswith("scope: the port cannot be opened")
        device = SimulatedSerialDevice(pty, 1)
        with device.plugged():
            assert len(list(device.acquire(2))) == 2
            wait_until(lambda: deliveries(agent)["COMMITTED"] == 2)
            assert agent.status()["healthy"]
    assert len(list((folder / "share").rglob("*.dcm"))) == 2


def test_an_agent_without_a_serial_source_does_not_import_its_driver(folder: Path) -> None:
    program = (
        "import sys; from passerelle.config import load; from passerelle.supervisor import Agent;"
        "from pathlib import Path; folder = Path(sys.argv[1]);"
        "agent = Agent(load(folder / 'agent.toml'), folder); agent.start(); agent.stop();"
        "print([name for name in sys.modules if name.split('.')[0] in ('serial', 'passerelle_hw')])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"
