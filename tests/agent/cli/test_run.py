"""`passerelle run` as a process: what signals and configs do to it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from command_support import SHARE, configured
from journey_support import PASSERELLE, passerelle
from passerelle.control import ask
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

NOT_USED = "the new config is not used, the last good one stays in force"


class Agent:
    """The process, and what it logs."""

    def __init__(self, config: Path) -> None:
        self.config, self.folder = config, config.parent
        self.log = self.folder / "agent.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*PASSERELLE, "run", "-c", str(config)], stdout=log, stderr=log
            )

    def says(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.log.read_text().count(text) >= times, timeout_s=20)

    def destinations(self) -> list[str]:
        status = ask(self.folder / "data", "status", {})
        return [one["name"] for one in status["destinations"]] if status else []

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def ended(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(12)


@contextmanager
def running(config: Path) -> Iterator[Agent]:
    agent = Agent(config)
    try:
        agent.says("box: running on ")
        yield agent
    finally:
        agent.process.kill()
        agent.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_stops_cleanly_in_time_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    with running(configured(tmp_path)) as agent:
        began = time.monotonic()
        assert agent.ended(number) == 0
        assert time.monotonic() - began < 10
        agent.says("box: stopped")
    assert not (tmp_path / "data" / "control.json").exists()


def test_a_second_agent_on_the_data_dir_is_3(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with running(config):
        told = passerelle("run", "-c", config)
    assert told.returncode == 3
    assert told.stderr.startswith("spool: another agent runs on ")
    assert len(told.stderr.splitlines()) == 1


def test_a_bad_config_is_2(tmp_path: Path) -> None:
    told = passerelle("run", "-c", configured(tmp_path, "[agnet]"))
    assert (told.returncode, told.stderr) == (2, "agnet: unknown key, did you mean agent?\n")


def test_a_good_new_config_is_taken_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    config = configured(tmp_path)
    good = config.read_text()
    other = tmp_path / "other"
    other.mkdir()
    with running(config) as agent:
        config.write_text(good.replace("settle_s", "settle_sec"))
        agent.reload()
        agent.says(NOT_USED)
        agent.says("sources[0].settle_sec: unknown key, did you mean settle_s?")
        assert agent.destinations() == ["share"]
        # Good as far as the file goes, but one of its parts cannot be built.
        config.write_text(good.replace("settle_s", 'profile = "none"\nsettle_s'))
        agent.reload()
        agent.says("profile none: unknown")
        agent.says("box: running on ", times=2)
        wait_until(lambda: agent.destinations() == ["share"])
        config.write_text(good + SHARE.replace('"share"', '"other"'))
        agent.reload()
        agent.says("box: running on ", times=3)
        wait_until(lambda: agent.destinations() == ["share", "other"])
        assert agent.ended(signal.SIGTERM) == 0


def test_the_file_changing_is_enough_where_the_config_says_so(tmp_path: Path) -> None:
    config = configured(tmp_path)
    config.write_text(config.read_text().replace('name = "box"', 'name = "box"\nreload = true', 1))
    with running(config) as agent:
        with config.open("a") as file:
            file.write(SHARE.replace('"share"', '"other"'))
        wait_until(lambda: agent.destinations() == ["share", "other"], timeout_s=20)


def test_a_folder_that_is_gone_at_the_start_does_not_keep_the_agent_from_running(
    tmp_path: Path,
) -> None:
    config = configured(tmp_path)
    (tmp_path / "acquisitions").rmdir()
    with running(config) as agent:
        agent.says("export: ")
        told = passerelle("status", "-c", config)
        assert told.returncode == 1
        assert "source export: down: export: " in told.stdout
