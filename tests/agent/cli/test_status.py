"""`passerelle status`: one line of a monitoring script, whether the agent runs or not."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from command_support import configured
from passerelle.config import load
from passerelle.spool import Spool
from passerelle.supervisor import Agent
from queue_support import admitted
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told

KEYS = {
    *("agent", "healthy", "problems", "acquisitions", "deliveries"),
    *("destinations", "sources", "disk", "clock"),
}


def test_where_no_agent_ever_ran_the_code_is_4(run: Callable[..., Told], tmp_path: Path) -> None:
    told = run("status", "-c", configured(tmp_path))
    assert (told.code, told.out) == (4, "")
    assert told.err == "no agent has ever run there: its data_dir holds no queue\n"
    assert run("status", "--data-dir", "nowhere").code == 4


def test_a_stopped_agent_is_degraded_and_its_queue_still_counted(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    config = configured(tmp_path)
    spool = Spool.open(tmp_path / "data")
    admitted(spool, destinations=["share"])
    spool.close()
    told = run("status", "-c", config, "--json")
    status = json.loads(told.out)
    assert told.code == 1
    assert set(status) == KEYS
    assert status["problems"] == ["agent: not running"]
    assert status["deliveries"]["PENDING"] == 1
    assert [one["name"] for one in status["destinations"]] == ["share"]
    assert json.loads(run("status", "--data-dir", "data", "--json").out)["agent"]["name"] == "data"


def test_a_healthy_agent_is_0_and_one_in_trouble_is_1(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    config = configured(tmp_path)
    agent = Agent(load(config), tmp_path)
    agent.start()
    try:
        told = run("status", "-c", config)
        assert (told.code, told.out.splitlines()[-1]) == (0, "healthy")
        assert "box " in told.out
        assert ": running for " in told.out
        assert set(json.loads(run("status", "-c", config, "--json").out)) == KEYS
        (tmp_path / "acquisitions").rmdir()
        wait_until(lambda: not agent.status()["healthy"])
        told = run("status", "-c", config)
        assert told.code == 1
        assert "degraded:\n  export: " in told.out
    finally:
        agent.stop()


def test_what_waits_long_is_told_of_a_stopped_agent_too(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    config = configured(tmp_path)
    spool = Spool.open(tmp_path / "data", now=lambda: time.time() - 3600)
    admitted(spool, destinations=["share"])
    spool.close()
    told = run("status", "-c", config)
    assert "share: the oldest instance waits since " in told.out
