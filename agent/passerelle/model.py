"""The nouns: what is acquired, whose it is, what it becomes, and where it is owed."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: The namespace of every name-based UUID (RFC 9562) made here; it must never change.
_NAMESPACE: Final = uuid.UUID("6f0a4cbe-6c1f-5f0e-9c55-0c1d8f6d7a11")

#: What a sidecar or a resolver says of an attribute: DICOM keyword to value.
Value = str | int | float | list[str] | list[int] | list[float]


class AcquisitionState(StrEnum):
    """How far an acquisition has come here."""

    RECEIVED = "RECEIVED"  # seen and settled, not durable here yet
    WRAPPED = "WRAPPED"  # its instances are in the spool
    HELD = "HELD"  # durable here, but whose it is must be said by a person
    QUARANTINED = "QUARANTINED"  # cannot become DICOM; the original and the reason are kept
    DISCARDED = "DISCARDED"  # an operator gave up a kept original; the audit record says why


class DeliveryState(StrEnum):
    """How far one instance has come on its way to one destination."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"  # the answer was lost: ask before sending again
    STORED = "STORED"  # the archive said so
    COMMITTED = "COMMITTED"  # the archive proved it
    REFUSED = "REFUSED"  # this archive will not take it: a person decides
    HELD = "HELD"  # an operator stopped it
    DISCARDED = "DISCARDED"  # an operator gave it up; the audit record says why


class Fingerprint(NamedTuple):
    """What tells, without reading it, that a file is still the one that was seen.

    A tuple: one is made of every file in a folder whenever that is scanned.
    """

    size: int
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Fingerprint:
        """The fingerprint of a file from its `stat`."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """A file that a source offers, complete as far as the source can tell."""

    source: str
    media: Path
    name: str  #: as the device named it, relative to the source; may name a patient, never logged
    fingerprint: Fingerprint
    sidecar: Path | None = None
    complaint: str = ""  #: why the source believes that it will never be complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The source identity: equal origins are the same acquisition, for ever."""

    agent: str
    source: str
    name: str  #: relative to the source, undecodable bytes as surrogates
    sha256: str
    sidecar_sha256: str = ""

    @property
    def id(self) -> str:
        """The acquisition's id: 32 hexadecimal digits."""
        return self._uuid("acquisition").hex

    def uid(self, number: int = 0) -> str:
        """The SOP Instance UID of the acquisition's instance `number` (PS3.5 B.2)."""
        return f"2.25.{self._uuid('instance', str(number)).int}"

    def _uuid(self, *role: str) -> uuid.UUID:
        parts = (self.agent, self.source, self.name, self.sha256, self.sidecar_sha256, *role)
        return _uuid(*parts)


def derived_uid(*parts: str) -> str:
    """A UID of the 2.25 root that depends on nothing but `parts` (PS3.5 B.2)."""
    return f"2.25.{_uuid(*parts).int}"


def _uuid(*parts: str) -> uuid.UUID:
    # The length before each part keeps ("a", "bc") apart from ("ab", "c"); CPython's uuid5
    # takes text only until 3.12, hence Latin-1 for the bytes of odd file names.
    encoded = [os.fsencode(part) for part in parts]
    joined = b"".join(b"%d:" % len(part) + part for part in encoded)
    return uuid.uuid5(_NAMESPACE, joined.decode("latin-1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose an acquisition is, and whatever else was said of it."""

    attributes: Mapping[str, Value]  #: DICOM keyword to value; PatientID is always there
    resolver: str  #: who said so: "sidecar", "filename", "operator", …


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time that the clock told, and what tells later whether the clock was set since."""

    at: float  #: s since the epoch
    boot: str  #: names the run of the machine; "" where it has no name
    steady_offset: float  #: `at` less what a clock that nobody sets told then


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """What is acquired from its opening to its closing is of one patient."""

    id: int
    opened_by: str  #: the resolver that answers for it: "barcode", "session"
    opened_at: float  #: s since the epoch
    closed_at: float | None  #: s since the epoch; None: it is open
    last: Moment  #: of its opening, or its closing
    attributes: Mapping[str, Value]  #: DICOM keyword to value; PatientID is always there


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One DICOM object as it lies in the spool."""

    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    sha256: str  #: of the whole Part 10 file
    size: int  #: bytes of the whole Part 10 file
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One instance owed to one destination, leased by its courier."""

    instance: Instance
    destination: str
    state: DeliveryState
    attempts: int  #: tries so far, this one included
    first_failed_at: float | None  #: s since the epoch, of the first failure blamed on it
    failures: int  #: tries that the destination blamed on this instance
    uncertain: bool  #: an earlier try ended without an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentReport:
    """What an archive says of a storage commitment transaction (PS3.4 J.3.3)."""

    transaction_uid: str
    committed: tuple[str, ...]  #: SOP Instance UIDs
    failed: Mapping[str, int] = field(default_factory=dict)  #: SOP Instance UID to Failure Reason

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> CommitmentReport:
        """A report as it crosses the pipe from a child."""
        return cls(
            transaction_uid=body["transaction_uid"],
            committed=tuple(body["committed"]),
            failed=dict(body["failed"]),
        )
