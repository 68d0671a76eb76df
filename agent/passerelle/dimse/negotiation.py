"""What is said and heard when an association begins (PS3.8 9.3.2 to 9.3.4, PS3.7 annex D)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydicom.uid import UID
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import negotiate_as_requestor

from passerelle.dimse.pdu import MALFORMED, ended
from passerelle.errors import Unavailable
from passerelle.model import derived_uid

if TYPE_CHECKING:
    from pynetdicom.presentation import PresentationContext

    from passerelle.dimse.node import Node
    from passerelle.dimse.pdu import Pdu
    from passerelle.dimse.primitive import Primitive

#: PS3.8 9.3.2.2: context IDs are the odd numbers up to 255.
MAX_CONTEXTS: Final = 128
#: What we take in one PDU.
OWN_MAX_PDU: Final = 16384
IMPLEMENTATION_CLASS_UID: Final = derived_uid("implementation class")
_APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
_LEAST_PDU: Final = 128  # a peer that takes less cannot be served
_TRANSIENT: Final = 2
_REASONS: Final = {  # PS3.8 table 9-21: source and reason of an A-ASSOCIATE-RJ
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognised",
    (1, 7): "called AE title not recognised",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}

#: An abstract and a transfer syntax.
Pair = tuple[str, str]


def user_information() -> list[Primitive]:
    """What we say of ourselves in a negotiation (PS3.7 D.3.3)."""
    maximum = MaximumLengthNotification()
    maximum.maximum_length_received = OWN_MAX_PDU
    uid = ImplementationClassUIDNotification()
    uid.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = "PASSERELLE"
    return [maximum, uid, version]


def association_request(node: Node, contexts: list[PresentationContext]) -> Primitive:
    """The A-ASSOCIATE request (PS3.8 7.1.1)."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(_APPLICATION_CONTEXT)
    primitive.calling_ae_title = node.calling_ae_title
    primitive.called_ae_title = node.ae_title
    primitive.presentation_context_definition_list = contexts
    primitive.user_information = user_information()
    return primitive


def acceptance(pdu: Pdu) -> Primitive:
    """The A-ASSOCIATE acceptance in a PDU.

    Raises:
        Unavailable: It is something else, and what.
    """
    if isinstance(pdu, A_ASSOCIATE_AC):
        try:
            return pdu.to_primitive()
        except MALFORMED as error:
            msg = f"malformed answer ({type(error).__name__})"
            raise Unavailable(msg) from error
    if isinstance(pdu, A_ASSOCIATE_RJ):
        reason = _REASONS.get((pdu.source or 0, pdu.reason_diagnostic or 0), "reason unknown")
        kind = "transient" if pdu.result == _TRANSIENT else "permanent"
        msg = f"rejected: {reason} ({kind})"
        raise Unavailable(msg)
    raise Unavailable(ended(pdu))


def negotiated(
    answer: Primitive, contexts: list[PresentationContext]
) -> tuple[dict[Pair, int], int]:
    """The accepted pairs with their context IDs, and the peer's maximum length (0: none).

    Raises:
        Unavailable: The peer takes too little at a time, or does not say what it accepts.
    """
    if not answer.presentation_context_definition_results_list:
        msg = "malformed answer (without presentation contexts)"
        raise Unavailable(msg)
    proposed = {context.context_id: context for context in contexts}
    results = negotiate_as_requestor(contexts, answer.presentation_context_definition_results_list)
    accepted = {
        (str(context.abstract_syntax), str(context.transfer_syntax[0])): number
        for context in results
        if context.result == 0
        and (number := context.context_id) is not None
        # An acceptor may not choose a syntax that was not proposed; some do.
        and context.transfer_syntax == proposed[context.context_id].transfer_syntax
    }
    max_pdu = int(answer.maximum_length_received or 0)
    if 0 < max_pdu < _LEAST_PDU:
        msg = f"takes PDUs of {max_pdu} bytes only"
        raise Unavailable(msg)
    return accepted, max_pdu
