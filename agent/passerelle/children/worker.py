"""The child that decodes, builds and encodes: what a device produced is only ever read here.

Run as `python -m passerelle.children.worker LIMIT`, LIMIT being the address space in bytes.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle.children.program import Body, Handler, Parent, limit_memory, serve
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT_BYTES: Final = 64 << 20
_M_TRIM_THRESHOLD: Final = -1  # malloc.h
_M_MMAP_THRESHOLD: Final = -3

# Each request brings its libraries when it first comes: numpy and pydicom start slowly.


def _wrap(body: Body) -> Body:
    from passerelle.dicom.build import wrap  # noqa: PLC0415

    return wrap(body)


def _prepare(body: Body) -> Body:
    from passerelle.dicom.ahead import prepare  # noqa: PLC0415

    return prepare(body)


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


def _warm(_body: Body) -> Body:
    from passerelle.dicom import build, jpeg_picture, stills  # noqa: F401, PLC0415

    return {}


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
    "warm": _within_memory(_warm),
    "wrap": _within_memory(_wrap),
    "prepare": _within_memory(_prepare),
    "reidentify": _within_memory(_reidentify),
    "transcode": _within_memory(_transcode),
    "inspect": _within_memory(_inspect),
    "describe": _within_memory(_describe),
}


def keep_memory() -> None:
    """Take the next frame's memory from the last one's, where the C library can be told so.

    glibc returns each frame to the kernel, which hands it out again page by page, zeroed: a tenth
    of the time that a picture takes. What is kept goes with the worker, when it idles.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - numpy brings it anyway

        with suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES // 2)
            mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    keep_memory()
    serve(HANDLERS)
