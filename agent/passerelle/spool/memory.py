"""Remembers originals that stay at the device; their names, which may name patients, as digests."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passerelle.model import Fingerprint
    from passerelle.spool.database import Database


class Memory:
    """What was seen and is durable here although the device keeps it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remembers(self, source: str, name: str, fingerprint: Fingerprint) -> bool:
        """Whether exactly this file was remembered."""
        seen = {"name_digest": _digest(source, name), "fingerprint": _text(fingerprint)}
        return self._database.row("remembered", **seen) is not None

    def remember(self, source: str, name: str, fingerprint: Fingerprint) -> None:
        """Remember it, durably; a file of the same name before it is forgotten."""
        with self._database.transaction():
            self._database.run(
                "remember", name_digest=_digest(source, name), fingerprint=_text(fingerprint)
            )


def _digest(source: str, name: str) -> str:
    return hashlib.sha256(os.fsencode(source) + b"\0" + os.fsencode(name)).hexdigest()


def _text(seen: Fingerprint) -> str:
    # As text: an inode of NTFS does not fit into SQLite's integers.
    return f"{seen.size}:{seen.mtime_ns}:{seen.device}:{seen.inode}"
