"""Listens for commitment reports that archives send on an association of their own."""

from __future__ import annotations

import base64
import logging
import selectors
import socket
import sys
from typing import TYPE_CHECKING, Final

from passerelle.children.child import LISTENER, Child
from passerelle.errors import ChildError, SourceError
from passerelle.model import CommitmentReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from passerelle.children.program import Body

_log = logging.getLogger(__name__)

_KEEP_S: Final = 5.0  # how long the child waits for the next association
_PAUSE_S: Final = 1.0


class ReportListener:
    """Holds a listening port and starts the listener child only when somebody calls.

    An idle agent so costs no process, and what a caller sends is read by the child alone.
    """

    def __init__(
        self, port: int, ae_title: str, on_report: Callable[[CommitmentReport], None]
    ) -> None:
        self.name = f"listener {port}"
        self._port = port
        self._ae_title = ae_title
        self._on_report = on_report
        self._child: Child | None = None
        self._wake, self._woken = socket.socketpair()

    def wake(self) -> None:
        """Look whether to stop."""
        self._wake.send(b"\0")
        if self._child is not None:
            self._child.close()

    def run(self, stop: Event) -> None:
        """Listen until `stop` is set; `wake` after setting it.

        Raises:
            SourceError: The port is taken.
        """
        with self._listening() as listening, selectors.DefaultSelector() as selector:
            selector.register(listening, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            self._child = Child(LISTENER, inherit=_inherited(listening), idle_s=_KEEP_S)
            while not stop.is_set():
                selector.select()
                if stop.is_set():
                    return
                try:
                    self._serve(listening)
                except ChildError as failure:
                    if not stop.wait(_PAUSE_S):
                        _log.warning("%s: %s", self.name, failure)

    def _listening(self) -> socket.socket:
        try:
            return socket.create_server(("", self._port), backlog=16)
        except OSError as error:
            msg = f"{self.name}: cannot listen on port {self._port}: {error.strerror}"
            raise SourceError(msg) from error

    def _serve(self, listening: socket.socket) -> None:
        assert self._child is not None  # noqa: S101 - set by run
        body: Body = {"ae_title": self._ae_title, "allow": [], "idle_s": _KEEP_S}
        if sys.platform == "win32":
            # The child must run to be named; an empty request starts it.
            self._child.request("ready", {}, deadline_s=30)
            body["share"] = base64.b64encode(listening.share(self._child.pid)).decode()
        else:
            body["fd"] = listening.fileno()
        self._child.request("serve", body, deadline_s=None, on_asked=self._asked)

    def _asked(self, question: Body) -> Body:
        self._on_report(CommitmentReport.from_json(question["commitment"]))
        return {}


def _inherited(listening: socket.socket) -> tuple[int, ...]:
    return () if sys.platform == "win32" else (listening.fileno(),)
