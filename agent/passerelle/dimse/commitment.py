"""Storage Commitment Push Model: asking for proof and reading it (PS3.4 annex J)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dimse_primitives import N_ACTION

from passerelle.dimse.pdu import MALFORMED
from passerelle.dimse.primitive import Primitive, decoded_dataset, encoded_dataset
from passerelle.errors import NoContext, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passerelle.dimse.association import Association
    from passerelle.dimse.negotiation import Pair

STORAGE_COMMITMENT: Final = "1.2.840.10008.1.20.1"
_WELL_KNOWN_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
_REQUEST: Final = 1
_NOT_OFFERED: Final = (0x0118, 0x0122, 0x0211)  # PS3.7 C: no such class, not supported, no action
#: What a failure without a reason counts as: processing failure (PS3.3 C.14.1.1).
_PROCESSING_FAILURE: Final = 0x0110

#: A commitment report as it crosses the pipe: transaction_uid, committed, failed.
Report = dict[str, Any]


def request(
    association: Association, pair: Pair, transaction_uid: str, instances: Iterable[dict[str, str]]
) -> None:
    """N-ACTION: ask the archive to commit these instances (PS3.4 J.3.2).

    Raises:
        NoContext: The archive offers no storage commitment after all.
        Unavailable: It refuses this request, or does not answer.
    """
    dataset = Dataset()
    dataset.TransactionUID = transaction_uid
    dataset.ReferencedSOPSequence = [_reference(instance) for instance in instances]
    primitive = N_ACTION()
    primitive.RequestedSOPClassUID = STORAGE_COMMITMENT
    primitive.RequestedSOPInstanceUID = _WELL_KNOWN_INSTANCE
    primitive.ActionTypeID = _REQUEST
    primitive.ActionInformation = encoded_dataset(dataset, pair[1])
    status = association.request(primitive, pair).Status
    if status in _NOT_OFFERED:
        msg = f"storage commitment is not offered (status {status:04X})"
        raise NoContext(msg)
    if status:
        msg = f"the commitment request was answered with status {status:04X}"
        raise Unavailable(msg)


def report(event: Primitive, transfer_syntax_uid: str) -> Report:
    """What an N-EVENT-REPORT says (PS3.4 J.3.3).

    Raises:
        Unavailable: It is no commitment report.
    """
    if event.EventInformation is None:
        msg = "sends a commitment report without content"
        raise Unavailable(msg)
    dataset = decoded_dataset(event.EventInformation, transfer_syntax_uid)
    try:
        failed = {
            str(item.ReferencedSOPInstanceUID): int(item.get("FailureReason", _PROCESSING_FAILURE))
            for item in dataset.get("FailedSOPSequence") or ()
        }
        committed = [
            str(item.ReferencedSOPInstanceUID)
            for item in dataset.get("ReferencedSOPSequence") or ()
        ]
        transaction_uid = str(UID(dataset.TransactionUID))
    except MALFORMED as error:
        msg = f"sends a malformed commitment report ({type(error).__name__})"
        raise Unavailable(msg) from error
    return {
        "transaction_uid": transaction_uid,
        "committed": [uid for uid in committed if uid not in failed],
        "failed": failed,
    }


def _reference(instance: dict[str, str]) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = instance["sop_class_uid"]
    item.ReferencedSOPInstanceUID = instance["sop_instance_uid"]
    return item
