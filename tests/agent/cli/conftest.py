"""Commands run in this process through the same entry as an operator's."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from command_support import Told
from passerelle.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Callable[..., Told]]:
    """`passerelle ARGUMENTS` in an empty folder; its exit code and what it said."""
    monkeypatch.delenv("PASSERELLE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    umask = os.umask(0o077)
    root, own = logging.getLogger(), logging.getLogger("passerelle")
    logged = (root.handlers[:], root.level, own.level)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def passerelle(*arguments: str | Path) -> Told:
        monkeypatch.setattr(sys, "argv", ["passerelle", *(str(one) for one in arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Told(int(ended.value.code or 0), told.out, told.err)

    yield passerelle
    os.umask(umask)
    root.handlers[:] = logged[0]
    root.setLevel(logged[1])
    own.setLevel(logged[2])
    for number, handler in handlers.items():
        signal.signal(number, handler)
