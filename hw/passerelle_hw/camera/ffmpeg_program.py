"""The `ffmpeg` program as a child: found, started without a shell, and surely ended."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from contextlib import suppress
from threading import Thread
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Debian 12 has 5.1; `-fps_mode` came with it.
NOT_INSTALLED: Final = "the program ffmpeg (5.1 or later) is not installed"
_PIPE_BYTES: Final = 1 << 20
_LINES: Final = 200
_LINE_CHARACTERS: Final = 500
_END_S: Final = 5.0
_LEVEL: Final = re.compile(r"(?:^|\s)\[(?:error|fatal|panic)\]\s*")
_CONTEXT: Final = re.compile(r"\[[^\]]* @ 0x[0-9a-f]+\]\s*")
_URL: Final = re.compile(
    r"(\b[a-z][a-z0-9+.-]*://)(?:[^\s/@]*@)?([^\s?]*)(?:\?[^\s]*)?", re.IGNORECASE
)


class NotInstalled(Exception):
    """There is no `ffmpeg` program."""


class Program:
    """A running `ffmpeg`. What it complains of is kept; no credentials of a URL are."""

    def __init__(
        self, arguments: Iterable[str], *, is_fed: bool = False, nice: bool = False
    ) -> None:
        """Start it.

        Raises:
            NotInstalled: It is not there, or cannot be started.
        """
        command = [*_nice(nice), _path(), "-hide_banner", "-nostats", *arguments]
        if not is_fed:
            command.insert(command.index("-hide_banner"), "-nostdin")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no shell; the arguments are ours
                command,
                stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if name != "FFREPORT"},
                pipesize=_PIPE_BYTES if sys.platform == "linux" else -1,
            )
        except OSError as error:
            msg = f"ffmpeg cannot be started: {error.strerror}"
            raise NotInstalled(msg) from error
        self.lines: deque[str] = deque(maxlen=_LINES)
        self._listener = Thread(target=self._listen, name="ffmpeg's words", daemon=True)
        self._listener.start()

    @property
    def stdin(self) -> IO[bytes]:
        """Where it is fed."""
        return _there(self._process.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        """What it gives."""
        return _there(self._process.stdout)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code once it ends; None when it did not within the time."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._listener.join(_END_S)
        return code

    def complaint(self) -> str:
        """The last error that it wrote, else its last line, without addresses and credentials."""
        lines = list(self.lines)
        errors = [line for line in lines if _LEVEL.search(line)]
        last = (errors or lines or ["it ended without a word"])[-1]
        return _CONTEXT.sub("", _LEVEL.sub("", last)).strip()

    def kill(self) -> None:
        """End it; what it wrote can still be read."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Kill it if it still runs, and let go of its pipes; may be called twice."""
        self.kill()
        self._listener.join(_END_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError, ValueError):  # what was not written can not be any more
                    pipe.close()

    def _listen(self) -> None:
        with suppress(OSError, ValueError):
            for line in _there(self._process.stderr):
                told = line.decode("utf-8", "replace").strip()[:_LINE_CHARACTERS]
                if told:
                    self.lines.append(without_credentials(told))


def without_credentials(text: str) -> str:
    """The text with nothing left of a URL but where it leads."""
    return _URL.sub(r"\1\2", text)


def is_installed() -> bool:
    """Whether there is an `ffmpeg` program."""
    return shutil.which("ffmpeg") is not None


def _path() -> str:
    found = shutil.which("ffmpeg")
    if found is None:
        raise NotInstalled(NOT_INSTALLED)
    return found


def _nice(nice: bool) -> list[str]:  # noqa: FBT001 - says what it does
    found = shutil.which("nice") if nice else None
    return [found, "-n", "10"] if found else []


def _there(pipe: IO[Any] | None) -> IO[bytes]:
    if pipe is None:
        msg = "this pipe was not asked for"
        raise ValueError(msg)
    return pipe
