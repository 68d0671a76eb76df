"""Enters what a record says into the ledger; the caller holds the transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from passerelle.model import AcquisitionState, DeliveryState

if TYPE_CHECKING:
    from passerelle.spool.database import Database
    from passerelle.spool.records import KeptRecord, ObjectRecord

AGENT = "agent"  #: who acts where no operator did


def enter_acquisition(
    database: Database,
    record: ObjectRecord,
    state: AcquisitionState = AcquisitionState.RECEIVED,
) -> None:
    """The acquisition an object was made of; one that is there already keeps its state."""
    origin = record.origin
    database.run(
        "enter_acquisition",
        id=origin.id,
        agent=origin.agent,
        source=origin.source,
        state=state,
        reason="",
        sha256=origin.sha256,
        sidecar_sha256=origin.sidecar_sha256,
        size=record.acquisition_size,
        instances=record.instances,
        received_at=float(record.created_at),
    )
    database.run(
        "enter_patient",
        acquisition_id=origin.id,
        identity=json.dumps(record.identity),
        original=json.dumps(origin.name),
    )


def enter_object(
    database: Database, record: ObjectRecord, *, state: DeliveryState, now: float, reason: str = ""
) -> None:
    """An instance and its deliveries; those that are there already keep their states."""
    database.run("removed_once", uid=record.sop_instance_uid)
    database.run(
        "enter_instance",
        sop_instance_uid=record.sop_instance_uid,
        acquisition_id=record.origin.id,
        number=record.number,
        sop_class_uid=record.sop_class_uid,
        study_instance_uid=record.study_instance_uid,
        series_instance_uid=record.series_instance_uid,
        transfer_syntax_uid=record.transfer_syntax_uid,
        sha256=record.sha256,
        size=record.size,
        created_at=float(record.created_at),
    )
    database.run("here_again", uid=record.sop_instance_uid, at=now)
    for destination in record.destinations:
        database.run(
            "enter_delivery",
            uid=record.sop_instance_uid,
            destination=destination,
            state=state,
            reason=reason,
            created_at=float(record.created_at),
            now=now,
        )


def enter_kept(
    database: Database, record: KeptRecord, state: AcquisitionState, *, now: float
) -> None:
    """The rows of one kept original."""
    origin = record.origin
    database.run(
        "enter_acquisition",
        id=origin.id,
        agent=origin.agent,
        source=origin.source,
        state=state,
        reason=record.reason,
        sha256=origin.sha256,
        sidecar_sha256=origin.sidecar_sha256,
        size=record.size,
        instances=0,
        received_at=float(record.received_at),
    )
    database.run(
        "enter_patient", acquisition_id=origin.id, identity="null", original=json.dumps(origin.name)
    )
    note(database, origin.id, state.lower(), now=now, detail=record.reason)


def note(
    database: Database,
    subject: str,
    kind: str,
    *,
    now: float,
    actor: str = AGENT,
    detail: str = "",
) -> None:
    """Add an event to the audit record, unless a row tells it: wrapped, stored, proven, removed."""
    database.run("event", at=now, kind=kind, actor=actor, subject=subject, detail=detail)
