"""A worker that every file ends, run as `python -m crashing_worker LIMIT`."""

from __future__ import annotations

import os

from passerelle.children.program import Body, Parent, serve


def wrap(_body: Body, _parent: Parent) -> Body:
    os.abort()


if __name__ == "__main__":
    serve({"wrap": wrap})
