"""The preloaded library that lets a chosen call of the agent fail, and what it has counted."""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
from pathlib import Path
from typing import Final, Literal

Mode = Literal["count", "kill", "tear", "eio", "enospc"]

_SOURCE: Final = Path(__file__).with_name("shim.c")
_STATE: Final = struct.Struct("=3Q")


def built(folder: Path) -> Path:
    """The library, made by the machine's own compiler."""
    library = folder / "shim.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(library)]
    subprocess.run([*command, str(_SOURCE), "-ldl"], check=True)
    return library


class Shim:
    """One fault of one run of the agent, wherever among its processes it comes."""

    def __init__(self, library: Path, state: Path, *roots: Path) -> None:
        state.write_bytes(bytes(_STATE.size))
        self._library = library
        self._path = state
        self._roots = roots
        with state.open("r+b") as file:
            self._state = mmap.mmap(file.fileno(), _STATE.size)

    def environment(self, mode: Mode, at: int = 0) -> dict[str, str]:
        """The environment of a process whose call number `at` is the chosen one; 0: none."""
        return {
            **os.environ,
            "LD_PRELOAD": str(self._library),
            "SHIM_STATE": str(self._path),
            "SHIM_ROOTS": ":".join(str(root) for root in self._roots),
            "SHIM_MODE": mode,
            "SHIM_AT": str(at),
        }

    @property
    def calls(self) -> int:
        """How many calls there were that make something last."""
        return int(_STATE.unpack_from(self._state)[0])

    @property
    def failed(self) -> int:
        """How many of them were made to fail."""
        return int(_STATE.unpack_from(self._state)[1])

    def end(self) -> None:
        """From now on nothing fails any more."""
        self._state[16:24] = (1).to_bytes(8, "little")
