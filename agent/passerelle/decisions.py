"""What an operator decides about the queue: try again, give up, say whose it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from passerelle.errors import AcquisitionError, ConfigError
from passerelle.model import Acquisition, AcquisitionState, Fingerprint, Identity
from passerelle.wrapping import read_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from passerelle.interfaces import Identifier
    from passerelle.model import Value
    from passerelle.spool import Kept, Spool
    from passerelle.wrapping import Wrapper

Body = dict[str, Any]

_log = logging.getLogger(__name__)

#: The attributes `queue reassign` may set.
ASSIGNABLE: Final = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
)
#: What belongs to one patient alone although its keyword does not say so (PS3.3 C.7.1, C.7.2).
_OF_THE_PATIENT: Final = frozenset(
    {
        "AccessionNumber",
        "AdmissionID",
        "Allergies",
        "EthnicGroup",
        "MedicalAlerts",
        "MedicalRecordLocator",
        "MilitaryRank",
        "Occupation",
        "PregnancyStatus",
        "RequestedProcedureID",
        "SmokingStatus",
        "SpecialNeeds",
        "StudyID",
        "StudyInstanceUID",
    }
)


class Decisions:
    """Carries out decisions in the process that owns the ledger; each is audited there."""

    def __init__(
        self,
        spool: Spool,
        wrappers: Mapping[str, tuple[Wrapper, Sequence[Identifier]]],
        *,
        archive: Path,
        on_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Decisions on one spool.

        Args:
            spool: The queue.
            wrappers: For each source what makes instances of its files, and who identifies them.
            archive: Where originals go that were held here.
            on_changed: Called when deliveries may have become due.
        """
        self._spool = spool
        self._wrappers = wrappers
        self._archive = archive
        self._on_changed = on_changed

    def handlers(self) -> dict[str, Callable[[Body], Body]]:
        """Each decision by the name that crosses the control connection."""
        return {
            "retry": lambda body: self._changed(
                self.retry(body["uids"], all_held=body["all_held"], actor=body["actor"])
            ),
            "discard": lambda body: self._changed(
                self.discard(body["uids"], reason=body["reason"], actor=body["actor"])
            ),
            "reassign": lambda body: self._changed(
                self.reassign(body["uids"], body["attributes"], actor=body["actor"])
            ),
        }

    def retry(self, uids: Sequence[str], *, all_held: bool, actor: str) -> list[str]:
        """Try again what is refused, held or quarantined; a line for each thing changed."""
        done = [
            f"{uid}: due again" for uid in self._spool.retry_now(uids, actor, all_held=all_held)
        ]
        states = (AcquisitionState.HELD, AcquisitionState.QUARANTINED)
        kept = self._spool.kept_acquisitions() if all_held else self._kept(uids)
        return done + [self._wrapped(one, None, actor) for one in kept if one.state in states]

    def discard(self, uids: Sequence[str], *, reason: str, actor: str) -> list[str]:
        """Give up what is owed of these instances, or these held acquisitions."""
        return [f"{uid}: discarded" for uid in uids if self._spool.discard(uid, reason, actor)]

    def reassign(
        self, uids: Sequence[str], attributes: Mapping[str, Value], *, actor: str
    ) -> list[str]:
        """Say whose held acquisitions are, and let them go on; a line for each.

        What was wrapped already is passed over: it is corrected at the archive.

        Raises:
            ConfigError: An attribute is not one that may be assigned.
        """
        wrong = sorted(set(attributes) - set(ASSIGNABLE))
        if wrong:
            msg = f"reassign: {wrong[0]} cannot be assigned"
            raise ConfigError(msg)
        return [self._wrapped(one, attributes, actor) for one in self._kept(uids)]

    def _kept(self, uids: Sequence[str]) -> list[Kept]:
        found = (self._spool.kept(uid) for uid in uids)
        return [one for one in found if one is not None]

    def _wrapped(self, kept: Kept, attributes: Mapping[str, Value] | None, actor: str) -> str:
        if kept.origin.source not in self._wrappers:
            return f"{kept.id}: its source {kept.origin.source} is not in the config"
        wrapper, identifiers = self._wrappers[kept.origin.source]
        try:
            media = read_once(kept.media)
            if media.sha256 != kept.origin.sha256:
                return f"{kept.id}: still {kept.state}: damaged, not the bytes that were kept"
            identity = _identity(kept, identifiers, attributes)
            wrapper.wrap(kept.media, media, kept.origin, identity)
        except AcquisitionError as fault:
            return f"{kept.id}: still {kept.state}: {fault}"
        self._spool.note(kept.id, "reassigned" if attributes else "retried", actor)
        self._spool.release_kept(kept.id, self._archive / kept.origin.source)
        _log.info("queue: %s wrapped after a decision", kept.id)
        return f"{kept.id}: wrapped"

    def _changed(self, lines: list[str]) -> Body:
        self._on_changed()
        return {"lines": lines}


def _identity(
    kept: Kept, identifiers: Sequence[Identifier], attributes: Mapping[str, Value] | None
) -> Identity | None:
    acquisition = Acquisition(
        source=kept.origin.source,
        media=kept.media,
        name=kept.origin.name,
        fingerprint=Fingerprint.of(kept.media.stat()),
        sidecar=kept.sidecar,
    )
    if attributes:
        return Identity(
            attributes=_corrected(_said(acquisition, identifiers), attributes), resolver="operator"
        )
    for identifier in identifiers:
        identity = identifier.identify(acquisition)
        if identity is not None:
            return identity
    return None


def _corrected(said: Mapping[str, Value], attributes: Mapping[str, Value]) -> dict[str, Value]:
    """What the device said of the exam stays; whose it is, the operator says."""
    named = said.get("PatientID")
    if named is not None and attributes.get("PatientID", named) != named:
        # Another patient: neither name nor birth date nor study of the first may go along.
        said = {key: value for key, value in said.items() if not _names_patient(key)}
    return {**said, **attributes}


def _names_patient(keyword: str) -> bool:
    return "Patient" in keyword or keyword in _OF_THE_PATIENT


def _said(acquisition: Acquisition, identifiers: Sequence[Identifier]) -> Mapping[str, Value]:
    for identifier in identifiers:
        try:
            said = identifier.said(acquisition)
        except AcquisitionError:
            continue  # the very thing that the operator mends
        if said:
            return said
    return {}
