"""The child that decodes, builds and encodes: what a device produced is only ever read here.

Run as `python -m passerelle.children.worker LIMIT`, LIMIT being the address space in bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle.children.program import Body, Handler, Parent, limit_memory, serve
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable

# Each request brings its libraries when it first comes: numpy and pydicom start slowly.


def _wrap(body: Body) -> Body:
    from passerelle.dicom.build import wrap  # noqa: PLC0415

    return wrap(body)


def _reidentify(body: Body) -> Body:
    from passerelle.dicom.reidentify import reidentify  # noqa: PLC0415

    return reidentify(body)


def _transcode(body: Body) -> Body:
    from passerelle.dicom.transcode import transcode  # noqa: PLC0415

    return transcode(body)


def _inspect(body: Body) -> Body:
    from passerelle.dicom.inspecting import inspect  # noqa: PLC0415

    return inspect(body)


def _describe(body: Body) -> Body:
    from passerelle.dicom.stored import describe  # noqa: PLC0415

    return describe(Path(body["file"]))


def _within_memory(work: Callable[[Body], Body]) -> Handler:
    def handle(body: Body, _: Parent) -> Body:
        try:
            return work(body)
        except MemoryError:
            pass  # outside of the handler, so that the frames that hold the memory are gone
        msg = "worker: needs more memory than the worker may use"
        raise EncodingError(msg)

    return handle


HANDLERS: Final = {
    "wrap": _within_memory(_wrap),
    "reidentify": _within_memory(_reidentify),
    "transcode": _within_memory(_transcode),
    "inspect": _within_memory(_inspect),
    "describe": _within_memory(_describe),
}


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    serve(HANDLERS)
