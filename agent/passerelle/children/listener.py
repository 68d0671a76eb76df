"""The child that answers associations which peers request of us.

The parent holds the listening socket, and starts this child only when somebody connects.
"""

from __future__ import annotations

import base64
import logging
import os
import select
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from passerelle.children.program import Body, Parent, limit_memory, serve
from passerelle.errors import Unavailable

if TYPE_CHECKING:
    from passerelle.dimse.acceptor import Acceptor
    from passerelle.dimse.commitment import Report

#: More wait in the backlog of the listening socket until one ends.
MAX_ASSOCIATIONS: Final = 10
_LOOK_S: Final = 0.25


def listen(body: Body, parent: Parent) -> Body:
    """Serve until nobody was connected for `idle_s`; tell each report as `commitment`.

    An archive is answered with success only after the parent has replied to the report.
    """
    from passerelle.dimse.acceptor import Acceptor  # noqa: PLC0415 - after numpy is kept out

    def on_report(report: Report) -> None:
        parent.ask({"commitment": report})

    acceptor = Acceptor(body["ae_title"], body["allow"], on_report)
    with _adopted(body) as listening:
        listening.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        _serve(listening, acceptor, float(body["idle_s"]))
    return {}


def _serve(listening: socket.socket, acceptor: Acceptor, idle_s: float) -> None:
    threads: list[threading.Thread] = []
    last_used = time.monotonic()
    while threads or time.monotonic() - last_used < idle_s:
        connection = _accepted(listening, free=len(threads) < MAX_ASSOCIATIONS)
        if connection is not None:
            thread = threading.Thread(target=_answer, args=(acceptor, connection), daemon=True)
            thread.start()
            threads.append(thread)
        if threads:
            last_used = time.monotonic()
        threads = [thread for thread in threads if thread.is_alive()]


def _accepted(listening: socket.socket, *, free: bool) -> socket.socket | None:
    """The next connection, if one comes soon."""
    if not free:
        time.sleep(_LOOK_S)
        return None
    if not select.select([listening], [], [], _LOOK_S)[0]:
        return None
    try:
        return listening.accept()[0]
    except OSError:  # it went away again
        return None


def _answer(acceptor: Acceptor, connection: socket.socket) -> None:
    # What a stranger does wrong is the stranger's; the connection is closed.
    with suppress(Unavailable):
        acceptor.serve(connection)


def _adopted(body: Body) -> socket.socket:
    if sys.platform == "win32":
        return socket.fromshare(base64.b64decode(body["share"]))
    return socket.socket(fileno=os.dup(int(body["fd"])))  # the next request finds it again


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    # pydicom 3.0 takes numpy when it can: 45 MB and 0.2 s that nothing here needs.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    logging.disable()  # pynetdicom logs what peers send
    serve({"serve": listen})
