"""Where everything lies below the data_dir."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passerelle.errors import EncodingError
from passerelle.model import AcquisitionState
from passerelle.spool.files import make_folder

if TYPE_CHECKING:
    from pathlib import Path

OBJECT: Final = ".dcm"
RECORD: Final = ".json"
PARTIAL: Final = "tmp."  #: what begins so was not finished, and goes at the next start
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_UID_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one data_dir."""

    data_dir: Path

    @property
    def lock(self) -> Path:
        """Held by the agent for its life."""
        return self.data_dir / "lock"

    @property
    def database(self) -> Path:
        """The ledger."""
        return self.data_dir / "queue.db"

    @property
    def spool(self) -> Path:
        """The objects, each with its record beside it."""
        return self.data_dir / "spool"

    @property
    def staging(self) -> Path:
        """What is being made; on the file system of the objects."""
        return self.spool / "tmp"

    @property
    def archive(self) -> Path:
        """Originals that were released."""
        return self.data_dir / "archive"

    def folder(self, state: str) -> Path:
        """Where originals are kept that wait for a person."""
        return self.data_dir / ("held" if state == AcquisitionState.HELD else "quarantine")

    def kept(self, state: str, acquisition_id: str) -> Path:
        """The folder of one kept original."""
        return self.folder(state) / acquisition_id

    def object(self, uid: str) -> Path:
        """The object with this SOP Instance UID.

        Raises:
            EncodingError: It is no UID (PS3.5 9.1), so it names no file.
        """
        if not is_uid(uid):
            msg = "spool: the SOP Instance UID is no UID"
            raise EncodingError(msg)
        return self.data_dir.joinpath("spool", shelf_of(uid), f"{uid}{OBJECT}")

    def record(self, uid: str) -> Path:
        """The record beside that object."""
        return self.object(uid).with_suffix(RECORD)

    def make(self) -> None:
        """Make the folders that are always there."""
        for folder in (
            self.staging,
            self.archive,
            self.folder(AcquisitionState.HELD),
            self.folder(AcquisitionState.QUARANTINED),
        ):
            make_folder(folder)


def is_uid(text: str) -> bool:
    """Whether a text is a UID as far as file names are concerned (PS3.5 9.1)."""
    return len(text) <= _UID_LENGTH and _UID.fullmatch(text) is not None


def shelf_of(uid: str) -> str:
    """The folder among 256 that an object lies in: no folder grows too large to list."""
    return hashlib.sha256(uid.encode("ascii")).hexdigest()[:2]
