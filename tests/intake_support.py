"""A desk with a real spool and a real worker, and a source that offers what it is told to."""

from __future__ import annotations

import io
import json
from threading import Event
from typing import TYPE_CHECKING, Any

from PIL import Image

from passerelle.children.pool import Pool
from passerelle.identity.sidecar import SidecarIdentifier
from passerelle.intake import Intake
from passerelle.model import Acquisition, Fingerprint
from passerelle.profile import PLAIN
from passerelle.settings import EquipmentSettings
from passerelle.spool import Spool
from passerelle.wrapping import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from passerelle.children.child import Child
    from passerelle.interfaces import Identifier

PATIENT = {"PatientID": "00042", "PatientName": "Müller^Jörg", "StudyDescription": "Knee"}


def png(level: int = 90) -> bytes:
    file = io.BytesIO()
    Image.new("L", (16, 12), level).save(file, "PNG")
    return file.getvalue()


class ScriptedSource:
    """Offers a list of acquisitions once, and remembers what it was answered."""

    name = "export"

    def __init__(self, *offers: Acquisition) -> None:
        self.offers = list(offers)
        self.released: list[tuple[str, bool]] = []
        self.retried: list[str] = []
        self.on_release: Callable[[], None] = lambda: None
        self.on_retry: Callable[[], None] = lambda: None

    def acquisitions(self, stop: Event) -> Iterator[Acquisition]:
        for offer in self.offers:
            if stop.is_set():
                return
            yield offer

    def release(self, acquisition: Acquisition, *, kept: bool) -> None:
        self.released.append((acquisition.name, kept))
        self.on_release()

    def retry(self, acquisition: Acquisition) -> None:
        self.retried.append(acquisition.name)
        self.on_retry()

    def wake(self) -> None:
        """It never waits."""


class Desk:
    """A folder of a device, an open spool, and what brings files from one to the other."""

    def __init__(self, tmp_path: Path, worker: Child) -> None:
        self.folder = tmp_path / "export"
        self.folder.mkdir()
        self.data_dir = tmp_path / "data"
        self.spool = Spool.open(self.data_dir)
        self.source = ScriptedSource()
        self.admitted = 0
        self.worker = worker

    def wrapper(self, worker: Child | None = None) -> Wrapper:
        return Wrapper(
            self.spool,
            Pool([worker or self.worker]),
            profile=PLAIN,
            equipment=EquipmentSettings(),
            destinations=lambda _modality: ["pacs"],
        )

    def intake(
        self,
        worker: Child | None = None,
        identifier: Identifier | None = None,
        *,
        min_free: str = "0%",
        lanes: int = 1,
    ) -> Intake:
        return Intake(
            self.source,
            self.spool,
            self.wrapper(worker),
            [identifier or SidecarIdentifier()],
            agent="box",
            min_free=min_free,
            lanes=lanes,
            on_admitted=self._count,
        )

    def take(self, acquisition: Acquisition, intake: Intake | None = None) -> None:
        """Offer it, and return when it was answered for."""
        self.source.offers = [acquisition]
        (intake or self.intake()).run(Event())

    def drop(
        self, name: str, content: bytes | None = None, sidecar: dict[str, Any] | None = None
    ) -> Acquisition:
        """What a source would offer of this file."""
        media = self.folder / name
        media.write_bytes(png() if content is None else content)
        beside = None
        if sidecar is not None:
            beside = self.folder / f"{name}.json"
            beside.write_text(json.dumps(sidecar), "utf-8")
        return Acquisition(
            source="export",
            media=media,
            name=name,
            fingerprint=Fingerprint.of(media.stat()),
            sidecar=beside,
        )

    def rows(self) -> list[dict[str, Any]]:
        return list(self.spool.rows(None))

    def _count(self) -> None:
        self.admitted += 1
