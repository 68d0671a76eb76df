"""The inside of a child: reads requests from its parent and answers them, one at a time.

A frame is a 4-byte big-endian length and that many bytes of JSON. Standard input brings
requests `{"request": kind, "body": {…}}` and replies to notices; standard output takes
`{"answer": {…}}`, `{"error": {"kind", "text"}}`, `{"notice": {…}}` or, last of all,
`{"crash": where}`.
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
from typing import IO, TYPE_CHECKING, Any, Final

from passerelle.errors import CROSSING, AgentError

if TYPE_CHECKING:
    from types import TracebackType

Body = dict[str, Any]
Notify = Callable[[Body], Body]
Handler = Callable[[Body, Notify], Body]

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


def serve(handlers: Mapping[str, Handler]) -> None:
    """Answer the parent's requests until it goes away.

    A handler gets the request's body and a function that sends a notice and returns the
    parent's reply to it. Errors that the parent can act on cross by name; any other ends
    the child, and only its kind and place cross: its text may hold patient data.
    """
    requests: queue.SimpleQueue[Body] = queue.SimpleQueue()
    replies: queue.SimpleQueue[Body] = queue.SimpleQueue()
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library's print must not break a frame
    writing = threading.Lock()

    def read() -> None:
        while (body := read_frame(sys.stdin.buffer)) is not None:
            (requests if "request" in body else replies).put(body)
        os._exit(0)  # the parent is gone: whatever is under way concerns nobody any more

    def notify(notice: Body) -> Body:
        with writing:
            write_frame(output, {"notice": notice})
            reply: Body = replies.get()["reply"]
            return reply

    def crash(
        kind: type[BaseException], _error: BaseException, trace: TracebackType | None
    ) -> None:
        write_frame(output, {"crash": f"{kind.__name__} at {_place(trace)}"})

    sys.excepthook = crash
    threading.Thread(target=read, daemon=True).start()
    while True:
        request = requests.get()
        try:
            answer: Body = {"answer": handlers[request["request"]](request["body"], notify)}
        except AgentError as error:
            kind = type(error).__name__
            if kind not in CROSSING:
                raise
            answer = {"error": {"kind": kind, "text": str(error)}}
        with writing:
            write_frame(output, answer)


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "start"
