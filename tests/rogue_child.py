"""A child that misbehaves on request, run as `python -m rogue_child LIMIT`."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from passerelle.children.program import Body, Parent, limit_memory, serve
from passerelle.errors import EncodingError


def echo(body: Body, _parent: Parent) -> Body:
    return {"pid": os.getpid(), **body}


def refuse(_body: Body, _parent: Parent) -> Body:
    msg = "TIFF: no pixels"
    raise EncodingError(msg)


def crash(_body: Body, _parent: Parent) -> Body:
    os.abort()


def trip(body: Body, _parent: Parent) -> Body:
    secret: Any = body["secret"]
    raise KeyError(secret)


def hang(_body: Body, _parent: Parent) -> Body:
    threading.Event().wait()
    return {}


def eat(_body: Body, _parent: Parent) -> Body:
    eaten = []
    while True:
        eaten.append(bytearray(16 << 20))


def count(body: Body, parent: Parent) -> Body:
    return {"replies": [parent.ask({"n": n})["twice"] for n in range(body["to"])]}


def wait(body: Body, _parent: Parent) -> Body:
    while not Path(body["file"]).exists():
        time.sleep(0.01)
    return {"pid": os.getpid()}


def warm(_body: Body, _parent: Parent) -> Body:
    return {}


def prepare(body: Body, parent: Parent) -> Body:
    """Say who is at it, then do what the body says."""
    with Path(body["told"]).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return crash(body, parent) if body.get("crash") else wait(body, parent)


def babble(_body: Body, _parent: Parent) -> Body:
    print("a library prints to standard output")
    return {}


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    serve(
        {
            handler.__name__: handler
            for handler in (
                echo,
                refuse,
                crash,
                trip,
                hang,
                eat,
                count,
                babble,
                wait,
                warm,
                prepare,
            )
        }
    )
