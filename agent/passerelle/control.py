"""The local door of a running agent: commands ask it here, so that one process writes.

The address and its key lie in `control.json` of the data_dir, readable by the agent's user only;
frames are JSON, never pickled.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from typing import TYPE_CHECKING, Any, Final

from passerelle.errors import AgentError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Body = dict[str, Any]
Handler = Callable[[Body], Body]
_Call = tuple[Connection, Handler, Body]

_log = logging.getLogger(__name__)

_FILE: Final = "control.json"
_FRAME_LIMIT: Final = 16 << 20


class Door:
    """Answers requests of this machine's commands, one at a time.

    Each caller proves in a thread of its own that it has the key: a silent one holds up nobody.
    """

    name = "control"

    def __init__(self, data_dir: Path, handlers: Mapping[str, Handler]) -> None:
        self._file = data_dir / _FILE
        self._handlers = handlers
        self._key = secrets.token_bytes(32)
        self._listener: Listener | None = None
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._closing = threading.Event()

    def open(self) -> None:
        """Listen, and leave word where."""
        # The key is in a file that only the agent's user reads: the port alone opens nothing.
        self._listener = Listener(("127.0.0.1", 0), backlog=8)
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
        self._calls.put(None)

    def run(self, stop: threading.Event) -> None:
        """Answer until `stop` is set; `wake` after setting it."""
        if self._listener is None:
            self.open()
        assert self._listener is not None  # noqa: S101 - open has just made it
        listener, self._listener = self._listener, None
        self._closing.clear()
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        try:
            while not stop.is_set():
                call = self._calls.get()
                if call is not None and not stop.is_set():
                    self._answer(*call)
        finally:
            self._closing.set()
            _end_accept(listener)
            self._turn_away()

    def _turn_away(self) -> None:
        """Hang up on whoever waits still: an agent that reloads would leave them waiting."""
        with suppress(queue.Empty):
            while True:
                call = self._calls.get_nowait()
                if call is not None:
                    call[0].close()

    def _accept(self, listener: Listener) -> None:
        with listener:
            while not self._closing.is_set():
                with suppress(OSError):  # the caller went away again
                    connection = listener.accept()
                    threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: Connection) -> None:
        try:
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            request = json.loads(connection.recv_bytes(_FRAME_LIMIT))
            handler, body = self._handlers[request["request"]], dict(request["body"])
        except (OSError, EOFError, AuthenticationError, ValueError, TypeError, LookupError):
            connection.close()
            if not self._closing.is_set():  # the last caller is our own
                _log.info("control: a caller without the key, without a request, or gone")
        else:
            self._calls.put((connection, handler, body))
            if self._closing.is_set():
                self._turn_away()

    def _answer(self, connection: Connection, handler: Handler, body: Body) -> None:
        answer: Body
        with connection, suppress(OSError):  # whoever asked may be gone
            try:
                answer = {"answer": handler(body)}
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
    answered: Body = answer["answer"]
    return answered


def _end_accept(listener: Listener) -> None:
    """Closing does not end a blocked accept: one last caller does."""
    with suppress(OSError):
        Client(listener.address).close()
