"""`passerelle demo`: what it tells of each picture, and what stands in its way."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from passerelle.cli.demo import Demo
from passerelle.errors import ConfigError
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    demo, stop = Demo(tmp_path, free_port()), threading.Event()
    with demo.running():
        stop.set()
        assert demo.play(stop, once=False)


def test_a_port_that_is_taken_is_a_sentence_that_names_it(run: Callable[..., Told]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = run("demo", "--once", "--port", str(port))
    assert told.code == 2
    assert f"is port {port} taken?" in told.err


def test_an_archive_that_does_not_start_leaves_no_agent_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        demo = Demo(tmp_path, other.getsockname()[1])
        with pytest.raises(ConfigError), demo.running():
            pytest.fail("it runs")
    assert not (tmp_path / "agent").exists()
