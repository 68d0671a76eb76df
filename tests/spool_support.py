"""A data_dir whose ledger is ready, objects as a worker leaves them, and a clock that is told."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from passerelle.model import Identity, Origin
from passerelle.spool import Produced, Spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from passerelle.model import Delivery, DeliveryState, Instance

WHO = Identity(attributes={"PatientID": "00042"}, resolver="sidecar")
NOON = 1_790_000_000.0


@dataclass
class Clock:
    at: float = NOON

    def __call__(self) -> float:
        return self.at


def origin(name: str = "a.png", **more: str) -> Origin:
    sha256 = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return Origin(**{"agent": "box", "source": "export", "name": name, "sha256": sha256, **more})


def made(
    spool: Spool, of: Origin, number: int = 0, *, uid: str = "", content: str = ""
) -> Produced:
    """An object in staging, as the worker leaves it."""
    written = (content or f"object {number} of {of.id}").encode()
    uid = uid or of.uid(number)
    file = spool.staging / f"tmp.{uid}.dcm"
    file.write_bytes(written)
    return Produced(
        number=number,
        sop_instance_uid=uid,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7",
        study_instance_uid="2.25.1",
        series_instance_uid="2.25.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        sha256=hashlib.sha256(written).hexdigest(),
        size=len(written),
        file=file,
    )


def admit(
    spool: Spool, name: str = "a.png", count: int = 1, to: Sequence[str] = ("pacs",)
) -> list[str]:
    """Admit an acquisition of `count` instances; their SOP Instance UIDs."""
    of = origin(name)
    spool.admit(of, WHO, [made(spool, of, number) for number in range(count)], to)
    return [of.uid(number) for number in range(count)]


def states(spool: Spool) -> dict[str, str]:
    """The state of every delivery, by UID and destination."""
    rows = (row for row in spool.rows() if row["destination"])
    return {f"{row['sop_instance_uid']} {row['destination']}": row["state"] for row in rows}


def leased(spool: Spool, destination: str = "pacs") -> Delivery:
    (delivery,) = spool.lease(destination)
    return delivery


def state_of(spool: Spool, uid: str, destination: str = "pacs") -> DeliveryState:
    delivery = spool.delivery(destination, uid)
    assert delivery is not None
    return delivery.state


def original(folder: Path, name: str = "a.png") -> tuple[Origin, Path, Path]:
    """A picture and its sidecar at a device, and what they are here."""
    folder.mkdir(exist_ok=True)
    media, sidecar = folder / name, folder / f"{name}.json"
    media.write_bytes(b"a picture" * 1000)
    sidecar.write_bytes(b'{"PatientID": "00042"}')
    of = origin(
        name,
        sha256=hashlib.sha256(media.read_bytes()).hexdigest(),
        sidecar_sha256=hashlib.sha256(sidecar.read_bytes()).hexdigest(),
    )
    return of, media, sidecar


def is_intact(instance: Instance) -> bool:
    """Whether the object is what was written."""
    return hashlib.sha256(instance.path.read_bytes()).hexdigest() == instance.sha256
