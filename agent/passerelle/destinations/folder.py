"""A folder that takes the objects, for example an import share of an archive."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from passerelle.errors import Refused, Unavailable
from passerelle.model import CommitmentReport
from passerelle.spool.files import sha256_of, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from passerelle.interfaces import Outcome, Told
    from passerelle.model import Instance


class FolderDestination:
    """Writes `<study>/<series>/<instance>.dcm`; its proof is to read the bytes back."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path

    def probe(self) -> None:
        """The folder is there: a share that is not mounted must not be filled from below."""
        if not self._path.is_dir():
            msg = f"{self.name}: the folder {self._path} is not there"
            raise Unavailable(msg)

    def store(self, instances: Sequence[Instance], told: Told) -> None:
        """Copy, make durable, and only then give the final name."""
        self.probe()
        for instance in instances:
            if not told(instance, self._stored(instance)):
                return

    def held(self, instances: Sequence[Instance]) -> set[str]:
        """Those whose bytes there equal ours."""
        self.probe()
        return {instance.sop_instance_uid for instance in instances if self._is_equal(instance)}

    def request_commitment(
        self, transaction_uid: str, instances: Sequence[Instance]
    ) -> CommitmentReport:
        """The report is there at once: the bytes were read back."""
        held = self.held(instances)
        uids = [instance.sop_instance_uid for instance in instances]
        return CommitmentReport(
            transaction_uid=transaction_uid,
            committed=tuple(uid for uid in uids if uid in held),
            failed={uid: 0x0112 for uid in uids if uid not in held},
        )

    def _stored(self, instance: Instance) -> Outcome:
        target = self._target(instance)
        partial = target.with_suffix(".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(instance.path, partial)
            if sha256_of(partial) != instance.sha256:
                partial.unlink()
                return Refused("the object is damaged: its bytes are not those that were written")
            with partial.open("rb+") as copy:
                os.fsync(copy.fileno())
            partial.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            if not instance.path.exists():
                return Refused("the object is gone from the spool")
            return Unavailable(f"{self.name}: {error.strerror}")
        return ""

    def _is_equal(self, instance: Instance) -> bool:
        try:
            return sha256_of(self._target(instance)) == instance.sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            msg = f"{self.name}: {error.strerror}"
            raise Unavailable(msg) from error

    def _target(self, instance: Instance) -> Path:
        # UIDs are digits and dots: ours by construction, a device's own checked when wrapped.
        study = self._path / instance.study_instance_uid / instance.series_instance_uid
        return study / f"{instance.sop_instance_uid}.dcm"
