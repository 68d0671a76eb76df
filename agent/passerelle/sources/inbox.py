"""Where files lie that came otherwise than by a folder: durable, each with its sidecar."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import IO, TYPE_CHECKING

from passerelle.sources.pairing import SUFFIX, is_sidecar
from passerelle.spool.files import full_told, make_folder, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Inbox:
    """Takes files, each into a folder of its own, as a whole or not at all.

    That folder is named after name, content and sidecar: what is handed over again, because
    nobody heard that we have it, is the same acquisition, today and after any restart.
    """

    def __init__(self, folder: Path, staging: Path, *, room: Callable[[], None]) -> None:
        """An inbox that is empty or as it was left.

        Args:
            folder: What is complete lies here.
            staging: What is on its way; on the same disk.
            room: Raises `SpoolFull` when nothing is to be taken.
        """
        self.folder = folder
        self.staging = staging
        self.room = room
        self.on_arrival: Callable[[], None] = lambda: None  #: called when a file has come

    def make(self) -> None:
        """Make the folders.

        Raises:
            SpoolFull: There is no room for them.
        """
        with full_told():
            make_folder(self.staging)
            make_folder(self.folder)

    def tidy(self, let_go: Callable[[Path], object]) -> None:
        """Let go of sidecars whose picture was let go of before a crash, and of empty folders.

        Raises:
            SpoolFull: There is no room for them elsewhere.
        """
        with full_told():
            make_folder(self.folder)
        for folder in self.folder.iterdir():
            left = list(folder.iterdir())
            if all(is_sidecar(path.name) for path in left):
                for path in left:
                    let_go(path)
                folder.rmdir()

    def place(self, media: Path, name: str, digest: str, sidecar: bytes) -> None:
        """Make a file durable here; it and its sidecar appear with one rename.

        Args:
            media: The file, in the staging folder and synchronised.
            name: As the device named it.
            digest: Of name, content and sidecar; see `digest_of`.
            sidecar: JSON; empty: there is none.

        Raises:
            SpoolFull: There is no room.
            OSError: The disk is gone.
        """
        target = self.folder / digest
        if target.is_dir() and any(target.iterdir()):
            return  # it came before
        with full_told():
            made = self.staging / digest
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(mode=0o700)
            if sidecar:
                with (made / f"{name}{SUFFIX}").open("wb") as file:
                    file.write(sidecar)
                    synchronise(file)
            media.rename(made / name)
            sync_folder(made)
            made.replace(target)
            sync_folder(self.folder)


def digest_of(name: str, sidecar: bytes, content: bytes) -> str:
    """What names the folder of a file.

    Args:
        name: The file's.
        sidecar: Its bytes.
        content: The digest of the file's.
    """
    parts = (name.encode(), sidecar, content)
    whole = b"".join(b"%d:" % len(part) + part for part in parts)
    return hashlib.sha256(whole).hexdigest()[:32]


def synchronise(file: IO[bytes]) -> None:
    """Have the disk keep what was written."""
    file.flush()
    os.fsync(file.fileno())
