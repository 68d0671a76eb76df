"""The local door of a running agent: commands ask it here, so that one process writes.

The address and its key lie in `control.json` of the data_dir, readable by the agent's user only;
frames are JSON, never pickled.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TYPE_CHECKING, Any, Final

from passerelle.errors import AgentError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Body = dict[str, Any]
Handler = Callable[[Body], Body]

_log = logging.getLogger(__name__)

_FILE: Final = "control.json"
_FRAME_LIMIT: Final = 16 << 20


class Door:
    """Answers requests of this machine's commands, one connection at a time."""

    name = "control"

    def __init__(self, data_dir: Path, handlers: Mapping[str, Handler]) -> None:
        self._file = data_dir / _FILE
        self._handlers = handlers
        self._key = secrets.token_bytes(32)
        self._listener: Listener | None = None

    def open(self) -> None:
        """Listen, and leave word where."""
        # The key is in a file that only the agent's user reads: the port alone opens nothing.
        self._listener = Listener(("127.0.0.1", 0), backlog=8, authkey=self._key)
        word = json.dumps({"port": self._listener.address[1], "key": self._key.hex()})
        partial = self._file.with_suffix(".part")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(word)
        partial.replace(self._file)

    def wake(self) -> None:
        """Stop listening, after `stop` was set."""
        self._file.unlink(missing_ok=True)
        if self._listener is not None:
            # Closing does not end a blocked accept: one last caller does.
            knock = (self._listener.address, self._key)
            threading.Thread(target=_knock, args=knock, daemon=True).start()

    def run(self, stop: threading.Event) -> None:
        """Answer until `stop` is set; `wake` after setting it."""
        assert self._listener is not None  # noqa: S101 - open comes first
        with self._listener as listener:
            while not stop.is_set():
                try:
                    with listener.accept() as connection:
                        if not stop.is_set():
                            self._answer(connection)
                except (OSError, EOFError, AuthenticationError, ValueError):
                    _log.info("control: a caller without the key, or gone")

    def _answer(self, connection: Connection) -> None:
        request = json.loads(connection.recv_bytes(_FRAME_LIMIT))
        answer: Body
        try:
            answer = {"answer": self._handlers[request["request"]](request["body"])}
        except AgentError as error:
            answer = {"error": str(error)}
        connection.send_bytes(json.dumps(answer).encode("ascii"))


def ask(data_dir: Path, request: str, body: Body) -> Body | None:
    """What the agent running on `data_dir` answers; None when none runs.

    Raises:
        ConfigError: The agent says why it cannot do that.
    """
    try:
        word = json.loads((data_dir / _FILE).read_text("ascii"))
        address = ("127.0.0.1", int(word["port"]))
        with Client(address, authkey=bytes.fromhex(word["key"])) as connection:
            connection.send_bytes(json.dumps({"request": request, "body": body}).encode("ascii"))
            answer: Body = json.loads(connection.recv_bytes(_FRAME_LIMIT))
    except (OSError, EOFError, ValueError, AuthenticationError):
        return None  # no agent, or the word of one that was killed
    if "error" in answer:
        raise ConfigError(answer["error"])
    return answer["answer"]


def _knock(address: tuple[str, int], key: bytes) -> None:
    try:
        Client(address, authkey=key).close()
    except (OSError, EOFError, AuthenticationError):
        return
