"""An association that a peer requests of us: Verification, and storage commitment reports.

An unauthenticated peer can connect, so all that it may make us hold or wait for is bounded:
the length of a PDU before it is read (`pdu.PDU_LIMIT`), of a report, and each silence.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pydicom.uid import UID
from pynetdicom.dimse_primitives import C_ECHO, N_EVENT_REPORT
from pynetdicom.pdu import (
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    P_DATA_TF,
)
from pynetdicom.pdu_primitives import A_ASSOCIATE, A_RELEASE
from pynetdicom.presentation import build_context, negotiate_as_acceptor

from passerelle.dimse.association import EXPLICIT, IMPLICIT, VERIFICATION
from passerelle.dimse.commitment import STORAGE_COMMITMENT, Report, report
from passerelle.dimse.negotiation import user_information
from passerelle.dimse.pdu import MALFORMED, encoded
from passerelle.dimse.primitive import Assembler, Primitive, event_response, pdus
from passerelle.dimse.wire import Wire
from passerelle.errors import Unavailable

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Iterable

_OWN_AE_TITLE_WRONG: Final = 0x07
_CALLING_AE_TITLE_WRONG: Final = 0x03
_SUCCESS: Final = 0x0000
_PROCESSING_FAILURE: Final = 0x0110


class Acceptor:
    """Serves one connection after another, or several in threads: it holds no state of them."""

    def __init__(
        self,
        ae_title: str,
        allow: Collection[str],
        on_report: Callable[[Report], None],
        *,
        negotiation_s: float = 15.0,
        silence_s: float = 60.0,
    ) -> None:
        """Nothing is accepted yet.

        Args:
            ae_title: Ours; a peer must call it.
            allow: Calling AE titles; empty for any.
            on_report: Takes a report; its peer is answered with success when it returns, with
                a processing failure when it raises an `OSError`.
            negotiation_s: How long a peer may take to begin.
            silence_s: How long it may then keep silent.
        """
        self._ae_title = ae_title
        self._allow = frozenset(allow)
        self._on_report = on_report
        self._negotiation_s = negotiation_s
        self._silence_s = silence_s

    def serve(self, connection: socket.socket) -> None:
        """Serve one association to its end, and close it.

        Raises:
            Unavailable: The peer did not keep to the protocol, and how.
        """
        wire = Wire(connection)
        try:
            syntaxes = self._negotiate(wire)
            if syntaxes is not None:
                self._serve(wire, syntaxes)
        finally:
            wire.close()

    def _negotiate(self, wire: Wire) -> tuple[dict[int, str], int] | None:
        """The accepted contexts' syntaxes and the peer's maximum length; None when rejected."""
        deadline = time.monotonic() + self._negotiation_s
        pdu = wire.receive(deadline)
        if not isinstance(pdu, A_ASSOCIATE_RQ):
            msg = f"begins with {type(pdu).__name__}"
            raise Unavailable(msg)
        try:
            request = pdu.to_primitive()
            reason = self._objection(request)
            if reason:
                self._send(wire, [encoded(A_ASSOCIATE_RJ, _rejection(reason))])
                return None
            answer = _acceptance(request)
        except MALFORMED as error:
            msg = f"sends a malformed association request ({type(error).__name__})"
            raise Unavailable(msg) from error
        self._send(wire, [encoded(A_ASSOCIATE_AC, answer)])
        syntaxes = {
            context.context_id: str(context.transfer_syntax[0])
            for context in answer.presentation_context_definition_results_list
            if context.result == 0
        }
        return syntaxes, request.maximum_length_received or 0

    def _objection(self, request: Primitive) -> int:
        if request.called_ae_title.strip() != self._ae_title:
            return _OWN_AE_TITLE_WRONG
        if self._allow and request.calling_ae_title.strip() not in self._allow:
            return _CALLING_AE_TITLE_WRONG
        return 0

    def _serve(self, wire: Wire, negotiated: tuple[dict[int, str], int]) -> None:
        syntaxes, max_pdu = negotiated
        assembler = Assembler()
        while True:
            pdu = wire.receive(time.monotonic() + self._silence_s)
            if isinstance(pdu, A_RELEASE_RQ):
                answer = A_RELEASE()
                answer.result = "affirmative"
                self._send(wire, [encoded(A_RELEASE_RP, answer)])
                return
            if not isinstance(pdu, P_DATA_TF):
                return  # an abort
            complete = assembler.feed(pdu)
            if complete is not None:
                context_id, request = complete
                if context_id not in syntaxes:
                    msg = "uses a presentation context that was not accepted"
                    raise Unavailable(msg)
                response = self._response(request, syntaxes[context_id])
                self._send(wire, pdus(response, context_id, max_pdu))

    def _response(self, request: Primitive, transfer_syntax_uid: str) -> Primitive:
        if isinstance(request, N_EVENT_REPORT):
            return event_response(request, self._take(request, transfer_syntax_uid))
        if isinstance(request, C_ECHO):
            response = C_ECHO()
            response.MessageIDBeingRespondedTo = request.MessageID
            response.AffectedSOPClassUID = VERIFICATION
            response.Status = _SUCCESS
            return response
        msg = f"asks for {type(request).__name__}, which we do not offer"
        raise Unavailable(msg)

    def _take(self, event: Primitive, transfer_syntax_uid: str) -> int:
        try:
            self._on_report(report(event, transfer_syntax_uid))
        except (Unavailable, OSError):
            return _PROCESSING_FAILURE
        return _SUCCESS

    def _send(self, wire: Wire, encoded_pdus: Iterable[bytes]) -> None:
        patience = self._negotiation_s
        wire.send(list(encoded_pdus), deadline=time.monotonic() + patience, stall_s=patience)


def _rejection(reason: int) -> Primitive:
    """By the service user, for good (PS3.8 9.3.4)."""
    primitive = A_ASSOCIATE()
    primitive.result = 0x01
    primitive.result_source = 0x01
    primitive.diagnostic = reason
    return primitive


def _acceptance(request: Primitive) -> Primitive:
    offered = []
    for abstract in (VERIFICATION, STORAGE_COMMITMENT):
        context = build_context(abstract, [EXPLICIT, IMPLICIT])
        offered.append(context)
    # The archive is the SCP of storage commitment although it requests the association, and
    # may say so or not (PS3.4 J.3.3, PS3.7 D.3.3.4).
    offered[1].scu_role = offered[1].scp_role = True
    roles = {
        item.sop_class_uid: (item.scu_role, item.scp_role)
        for item in request.user_information
        if hasattr(item, "scp_role")
    }
    contexts, answered_roles = negotiate_as_acceptor(
        request.presentation_context_definition_list, offered, roles
    )
    answer = A_ASSOCIATE()
    answer.application_context_name = UID(request.application_context_name)
    answer.calling_ae_title = request.calling_ae_title
    answer.called_ae_title = request.called_ae_title
    answer.result = 0x00
    answer.result_source = 0x01
    answer.presentation_context_definition_results_list = contexts
    answer.user_information = [*user_information(), *answered_roles]
    return answer
