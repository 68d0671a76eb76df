"""The inside of a child: reads requests from its parent and answers them, one at a time.

A frame is a 4-byte big-endian length and that many bytes of JSON. Standard input brings
requests `{"request": kind, "body": {…}}`, replies to questions, `{"note": {…}}` for the request
under way and `{"halt": true}`; standard
output takes `{"answer": {…}}`, `{"error": {"kind", "text"}}`, `{"told": {…}}`, `{"asked": {…}}`
or, last of all, `{"crash": where}`.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

from passerelle.errors import CROSSING, AgentError

if TYPE_CHECKING:
    from types import TracebackType

Body = dict[str, Any]

FRAME_LIMIT: Final = 64 * 1024 * 1024
_LENGTH: Final = struct.Struct(">I")


def write_frame(stream: IO[bytes], body: Body) -> None:
    """Send one frame."""
    encoded = json.dumps(body).encode("ascii")
    stream.write(_LENGTH.pack(len(encoded)) + encoded)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Body | None:
    """The next frame; None when the other side is gone or talks nonsense."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    if length > FRAME_LIMIT:
        return None
    encoded = stream.read(length)
    if len(encoded) < length:
        return None
    body = json.loads(encoded)
    return body if isinstance(body, dict) else None


def limit_memory(limit_bytes: int) -> None:
    """Cap this process's address space; Windows has no such call, and no cap."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold patients


class Parent:
    """The parent, as a request's handler sees it; any of the child's threads may speak to it."""

    def __init__(self) -> None:
        self._output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        # A library's print must not break a frame.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._requests: queue.SimpleQueue[Body] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[Body] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._asking = threading.Lock()
        self._halted = False
        #: Given what the parent says to the request under way, in a thread of its own.
        self.on_note: Callable[[Body], None] = lambda _: None
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def has_halted(self) -> bool:
        """Whether the parent wants nothing more to be begun for the present request."""
        return self._halted

    def tell(self, body: Body) -> None:
        """Say something that needs no reply."""
        self._write({"told": body})

    def ask(self, body: Body) -> Body:
        """Say something, and return what the parent replies."""
        with self._asking:
            self._write({"asked": body})
            reply: Body = self._replies.get()["reply"]
            return reply

    def _next_request(self) -> Body:
        request = self._requests.get()
        self._halted = False
        return request

    def _write(self, body: Body) -> None:
        with self._writing:
            write_frame(self._output, body)

    def _read(self) -> None:
        while (body := read_frame(sys.stdin.buffer)) is not None:
            if "halt" in body:
                self._halted = True
            elif "note" in body:
                self.on_note(body["note"])
            else:
                (self._requests if "request" in body else self._replies).put(body)
        os._exit(0)  # the parent is gone: whatever is under way concerns nobody any more

    def serve(self, handlers: Mapping[str, Handler]) -> NoReturn:
        """Answer requests for ever."""
        sys.excepthook = self._crash
        while True:
            request = self._next_request()
            try:
                answer: Body = {"answer": handlers[request["request"]](request["body"], self)}
            except AgentError as error:
                answer = {"error": told(error)}
            self._write(answer)

    def _crash(
        self, kind: type[BaseException], _error: BaseException, trace: TracebackType | None
    ) -> None:
        self._write({"crash": f"{kind.__name__} at {_place(trace)}"})


Handler = Callable[[Body, Parent], Body]


def serve(handlers: Mapping[str, Handler]) -> NoReturn:
    """Answer the parent's requests until it goes away.

    A handler gets the request's body and its parent. Errors that the parent can act on cross by
    name; any other ends the child, and only its kind and place cross: its text may hold patient
    data.
    """
    Parent().serve(handlers)


def told(error: AgentError) -> Body:
    """An error as it crosses; raised again where the parent cannot act on its kind."""
    kinds = (kind.__name__ for kind in type(error).__mro__)
    kind = next((kind for kind in kinds if kind in CROSSING), "")
    if not kind:
        raise error
    return {"kind": kind, "text": str(error)}


def crossed(error: Body) -> AgentError:
    """The error that crossed."""
    return CROSSING[error["kind"]](error["text"])


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "start"
