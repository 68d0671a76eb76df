"""Makes instances of one acquisition: hashed here, built by the worker child, kept by the spool."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle.errors import Changed, ChildError, EncodingError
from passerelle.model import Fingerprint, Origin
from passerelle.spool import Produced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from passerelle.children.pool import Pool
    from passerelle.children.program import Body
    from passerelle.model import Acquisition, Identity, Value
    from passerelle.profile import Profile
    from passerelle.settings import EquipmentSettings
    from passerelle.spool import Spool

_BLOCK: Final = 1 << 20
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # or opening a pipe that took the file's place waits for ever
    | getattr(os, "O_BINARY", 0)
)
_START_S: Final = 60.0
_FLOOR: Final = 500_000  # bytes per second that the slowest encoder still manages
_TRIES: Final = 2
_PREPARED: Final = 64 << 20  # bytes; the pixels of a larger file would find no room to wait in
#: As a rule there is nothing to encode in these.
_VERBATIM: Final = frozenset({".jpg", ".jpeg", ".mjpeg", ".mp4", ".dcm", ".pdf"})
_PART10_MAGIC: Final = b"DICM"  # PS3.10 7.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """What was read of a file, once, from one open descriptor."""

    sha256: str
    size: int
    mtime: float
    is_part10: bool  #: it carries an identity of its own


def read_once(media: Path, fingerprint: Fingerprint | None = None) -> Hashed:
    """Hash a regular file, never following a link.

    Raises:
        Changed: It is gone, no regular file any more, or not the one of `fingerprint`.
    """
    try:
        descriptor, before = _opened(media)
        try:
            digest, head, left = hashlib.sha256(), b"", before.st_size
            while left and (block := os.read(descriptor, min(left, _BLOCK))):
                digest.update(block)
                head = head or block
                left -= len(block)
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise Changed(msg) from error
    after = Fingerprint.of(status)
    if left or Fingerprint.of(before) != after or (fingerprint and fingerprint != after):
        msg = "changed while it was read"
        raise Changed(msg)
    return Hashed(
        sha256=digest.hexdigest(),
        size=after.size,
        mtime=before.st_mtime,
        is_part10=head[128:132] == _PART10_MAGIC,
    )


def _opened(media: Path) -> tuple[int, os.stat_result]:
    descriptor = os.open(media, _FLAGS)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        msg = "is no regular file"
        raise Changed(msg)
    return descriptor, status


def origin_of(agent: str, acquisition: Acquisition, media: Hashed) -> Origin:
    """The source identity of an acquisition.

    Raises:
        Changed: Its sidecar is not to be read now.
    """
    sidecar = read_once(acquisition.sidecar).sha256 if acquisition.sidecar else ""
    return Origin(
        agent=agent,
        source=acquisition.source,
        name=acquisition.name,
        sha256=media.sha256,
        sidecar_sha256=sidecar,
    )


class Wrapper:
    """Turns files of one source into instances in the spool.

    Whatever is wrong with one file is told as an `AcquisitionError`; a file that ends the worker
    twice is one that cannot become DICOM.
    """

    def __init__(
        self,
        spool: Spool,
        workers: Pool,
        *,
        profile: Profile,
        equipment: EquipmentSettings,
        destinations: Callable[[str], Sequence[str]],
    ) -> None:
        """A wrapper for the files of one source.

        Args:
            spool: Where instances go.
            workers: The children that build them.
            profile: What the device's files mean.
            equipment: What the device is.
            destinations: Names of the destinations an instance of a modality is owed to.
        """
        self._spool = spool
        self._workers = workers
        self._destinations = destinations
        self._modality = profile.modality or equipment.modality
        self._said: Body = {
            "equipment": equipment.model_dump(exclude={"ae_title"}),
            "profile": profile.model_dump(mode="json"),
        }

    def prepare(self, media: Path) -> None:
        """Let a worker that has nothing to do encode the file's pictures before it is offered."""
        with suppress(OSError):
            if media.suffix.casefold() not in _VERBATIM and media.stat().st_size <= _PREPARED:
                subject = os.fspath(media)
                body = {"media": subject, "profile": self._said["profile"]}
                self._workers.prepare(subject, body)

    def wrap(
        self,
        media: Path,
        hashed: Hashed,
        origin: Origin,
        identity: Identity | None,
        *,
        number: int | None = None,
    ) -> list[str]:
        """Build, check and spool; what an operator should know of it.

        Args:
            media: The file.
            hashed: What was read of it.
            origin: What it is.
            identity: Whose it is; None when it says so itself.
            number: The Instance Number of the first instance; the next one when not given.

        Raises:
            EncodingError: It cannot become DICOM.
            IdentityError: What is said of whose it is cannot be right.
            Changed: It is no longer the file that was hashed.
            SpoolFull: There is no room.
        """
        attributes: Mapping[str, Value] = identity.attributes if identity else {}
        body: Body = {
            **self._said,
            "media": os.fspath(media),
            "sha256": hashed.sha256,
            "origin": {
                "agent": origin.agent,
                "source": origin.source,
                "name": origin.name,
                "sha256": origin.sha256,
                "sidecar_sha256": origin.sidecar_sha256,
            },
            "attributes": dict(attributes),
            "into": os.fspath(self._spool.staging),
            "number": self._spool.next_number() if number is None else number,
            "acquired_at": dt.datetime.fromtimestamp(hashed.mtime)
            .astimezone()
            .isoformat(timespec="microseconds"),
        }
        answer = self._ask(body, _START_S + hashed.size / _FLOOR)
        produced = [_produced(instance) for instance in answer["instances"]]
        owed_to = self._destinations(self._modality)
        self._spool.admit(origin, identity, produced, owed_to)
        return list(answer["notes"]) + ([] if owed_to else ["owed to no destination"])

    def _ask(self, body: Body, deadline_s: float) -> Body:
        for attempt in range(_TRIES):
            try:
                return self._workers.request(
                    "wrap", body, deadline_s=deadline_s, alone=attempt > 0, subject=body["media"]
                )
            except ChildError as failure:
                if attempt + 1 == _TRIES:
                    msg = f"ended the decoder {_TRIES} times: {failure}"
                    raise EncodingError(msg) from failure
        raise AssertionError


def _produced(instance: Body) -> Produced:
    return Produced(
        number=instance["number"],
        sop_instance_uid=instance["sop_instance_uid"],
        sop_class_uid=instance["sop_class_uid"],
        study_instance_uid=instance["study_instance_uid"],
        series_instance_uid=instance["series_instance_uid"],
        transfer_syntax_uid=instance["transfer_syntax_uid"],
        sha256=instance["sha256"],
        size=instance["size"],
        file=Path(instance["file"]),
    )
