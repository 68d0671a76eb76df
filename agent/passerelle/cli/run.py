"""`passerelle run`: the agent in the foreground."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

import click

from passerelle.cli.options import config_option, loaded
from passerelle.config import load
from passerelle.errors import AgentError, ConfigError
from passerelle.monitor.logs import to_standard_error
from passerelle.supervisor import Agent

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from passerelle.settings import Config

_log = logging.getLogger(__name__)

_RELOAD_POLL_S: Final = 5.0
_NOT_USED: Final = "the new config is not used, the last good one stays in force"


@click.command("run")
@config_option
def command(config_path: Path | None) -> None:
    """The agent, in the foreground, until SIGTERM or SIGINT; stops within 10 s.

    \b
    passerelle run -c /etc/passerelle/agent.toml

    Exit code 2: the config cannot be used; 3: an agent runs on this data_dir already.
    SIGHUP re-reads the config; a bad one is reported and the last good one stays in force.
    """
    config, path = loaded(config_path)
    to_standard_error(config.agent.log)
    signals = _Signals()
    good = config
    while not signals.stop:
        agent = Agent(config, path.parent)
        try:
            agent.start()
        except AgentError as error:
            if config is good:
                raise
            _log.error("%s:\n%s", _NOT_USED, error)
            config = good
            continue
        good = config
        _log.info("%s: running on %s", config.agent.name, config.agent.data_dir)
        try:
            config = _until_changed(config, path, signals)
        finally:
            agent.stop()
            _log.info("%s: stopped", config.agent.name)


class _Signals:
    """What the outside asked for."""

    def __init__(self) -> None:
        self.bell = threading.Event()
        self.stop = False
        self._reload = False
        signal.signal(signal.SIGTERM, self._stopped)
        signal.signal(signal.SIGINT, self._stopped)
        if sys.platform != "win32":
            signal.signal(signal.SIGHUP, self._reloaded)

    def take_reload(self) -> bool:
        """Whether a reload was asked for since the last call."""
        asked, self._reload = self._reload, False
        return asked

    def _stopped(self, _number: int, _frame: FrameType | None) -> None:
        self.stop = True
        self.bell.set()

    def _reloaded(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True
        self.bell.set()


def _until_changed(config: Config, path: Path, signals: _Signals) -> Config:
    """Wait until told to stop, or until a good new config is there: that one."""
    seen = _mtime(path)
    while not signals.stop:
        signals.bell.wait(_RELOAD_POLL_S if config.agent.reload else None)
        signals.bell.clear()
        changed = signals.take_reload() or (config.agent.reload and _mtime(path) != seen)
        if not changed:
            continue
        seen = _mtime(path)
        try:
            return load(path)
        except ConfigError as error:
            _log.error("%s:\n%s", _NOT_USED, error)
    return config


def _mtime(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # an editor is just replacing it
        return 0
