"""Originals that wait here for a person: a folder each, made and let go of as a whole."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Final

from passerelle.errors import Changed
from passerelle.spool.files import copy_durably, durable_move, full_told, make_folder, sync_folder
from passerelle.spool.layout import PARTIAL
from passerelle.spool.records import KeptRecord, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import AcquisitionState, Origin
    from passerelle.spool.layout import Layout

RECORD_NAME: Final = "record.json"


def keep(
    layout: Layout,
    state: AcquisitionState,
    origin: Origin,
    media: Path,
    sidecar: Path | None,
    *,
    reason: str,
    now: float,
) -> KeptRecord:
    """Copy an original and its sidecar into a folder of their own, durably.

    Raises:
        Changed: They are no longer what was hashed.
        SpoolFull: There is no room; nothing of them is left here.
    """
    making = layout.staging / f"{PARTIAL}{origin.id}"
    shutil.rmtree(making, ignore_errors=True)
    try:
        with full_told():
            size = _copy(media, making / "media", origin.sha256)
            if sidecar is not None:
                size += _copy(sidecar, making / "sidecar", origin.sidecar_sha256)
            record = KeptRecord(
                origin=origin,
                reason=reason,
                media=media.name,
                sidecar=sidecar.name if sidecar else "",
                size=size,
                received_at=now,
            )
            write_record(making / RECORD_NAME, record)
            folder = layout.kept(state, origin.id)
            shutil.rmtree(folder, ignore_errors=True)  # of a row that was lost
            making.replace(folder)
            sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return record


def release(folder: Path, archive: Path | None, now: float) -> None:
    """Move what is kept in `folder` below `archive`, by day, or remove it; then the folder."""
    if not folder.is_dir():
        return
    if archive is not None:
        day = archive / time.strftime("%Y-%m-%d", time.localtime(now))
        for part in ("media", "sidecar"):
            if (folder / part).is_dir():
                for path in sorted((folder / part).iterdir()):
                    durable_move(path, day)
    shutil.rmtree(folder)
    sync_folder(folder.parent)


def _copy(source: Path, folder: Path, sha256: str) -> int:
    make_folder(folder)
    target = folder / source.name
    copied = copy_durably(source, target)
    if sha256 and copied != sha256:
        msg = "changed after it was read"
        raise Changed(msg)
    sync_folder(folder)
    return target.stat().st_size
