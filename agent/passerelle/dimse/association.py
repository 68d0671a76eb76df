"""An association that we request (PS3.8 section 7, PS3.7 annex D).

pynetdicom encodes, decodes and judges the negotiation; the connection is `wire.Wire`, without
pynetdicom's two threads and their poll, so that an idle association costs nothing.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pydicom.uid import UID
from pynetdicom.dimse_primitives import C_ECHO, N_EVENT_REPORT
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RQ, A_RELEASE_RP, A_RELEASE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import A_ABORT, A_RELEASE
from pynetdicom.presentation import build_context

from passerelle.dimse.negotiation import Pair, acceptance, association_request, negotiated
from passerelle.dimse.node import Node, connected
from passerelle.dimse.pdu import encoded, ended
from passerelle.dimse.primitive import Assembler, Primitive, event_response, pdus
from passerelle.dimse.wire import Wire
from passerelle.errors import NoContext, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

VERIFICATION: Final = "1.2.840.10008.1.1"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
IMPLICIT: Final = "1.2.840.10008.1.2"
_RELEASE_S: Final = 2.0


class Association:
    """An established association, one request at a time."""

    def __init__(
        self,
        node: Node,
        wire: Wire,
        accepted: dict[Pair, int],
        *,
        max_pdu: int,
        round_trip_s: float,
        on_event: Callable[[Primitive, str], int],
    ) -> None:
        """Made by `associate`."""
        self.node = node
        self.wire = wire
        self.accepted = accepted  #: the contexts that may be used
        self.max_pdu = max_pdu  #: what the peer takes in one PDU
        self.round_trip_s = round_trip_s  #: to the peer and back, when it was connected
        self.is_spent = False  #: part of an object left, or no answer came: only to be aborted
        self._on_event = on_event
        self._assembler = Assembler()
        self._number = 0
        self._block = memoryview(b"")

    def context(self, sop_class_uid: str, syntaxes: Iterable[str] = (EXPLICIT, IMPLICIT)) -> Pair:
        """The first accepted context of this SOP Class.

        Raises:
            NoContext: None of them was accepted.
        """
        for syntax in syntaxes:
            if (sop_class_uid, syntax) in self.accepted:
                return sop_class_uid, syntax
        msg = f"no presentation context accepted for {UID(sop_class_uid).name}"
        raise NoContext(msg)

    def block(self, size: int) -> memoryview:
        """Room to put PDUs together in, until it is asked for again."""
        if len(self._block) < size:
            self._block = memoryview(bytearray(size))
        return self._block

    def number(self) -> int:
        """A fresh Message ID (PS3.7 E.1)."""
        self._number = self._number % 0xFFFF + 1
        return self._number

    def send(self, primitive: Primitive, pair: Pair) -> None:
        """Send a request or a response.

        Raises:
            Unavailable: It could not be sent.
        """
        self._write(pdus(primitive, self.accepted[pair], self.max_pdu))

    def receive(self, deadline: float) -> Primitive:
        """The next response; reports that come before it are handed over and answered.

        Raises:
            Unavailable: None came, or the peer ended the association.
        """
        while True:
            complete = self._next(deadline)
            if complete is None:
                continue
            context_id, primitive = complete
            if primitive.MessageIDBeingRespondedTo is not None:
                return primitive
            self._answer(context_id, primitive)

    def request(self, primitive: Primitive, pair: Pair) -> Primitive:
        """Send a request and wait for its response.

        Raises:
            Unavailable: It could not be sent, or no response came.
        """
        primitive.MessageID = self.number()
        self.send(primitive, pair)
        return self.receive(time.monotonic() + self.node.dimse_timeout_s)

    def echo(self) -> None:
        """C-ECHO (PS3.7 9.1.5).

        Raises:
            NoContext: The peer has no Verification.
            Unavailable: It does not answer, or with a failure.
        """
        primitive = C_ECHO()
        primitive.AffectedSOPClassUID = VERIFICATION
        response = self.request(primitive, self.context(VERIFICATION))
        if response.Status:
            msg = f"the echo was answered with status {response.Status:04X}"
            raise Unavailable(msg)

    def take_reports(self, wait_s: float, until: Callable[[], bool] = lambda: False) -> None:
        """Hand over and answer the reports that come within this time, or `until()`.

        Raises:
            Unavailable: The peer ended the association.
        """
        deadline = time.monotonic() + wait_s
        while not until() and self.wire.waiting(max(0.0, deadline - time.monotonic())):
            complete = self._next(time.monotonic() + self.node.dimse_timeout_s)
            if complete is not None:
                self._answer(*complete)

    def release(self) -> None:
        """End the association in order; what comes first is still taken (PS3.8 7.2)."""
        with suppress(Unavailable):
            self.take_reports(0)
            deadline = time.monotonic() + _RELEASE_S
            self._write([encoded(A_RELEASE_RQ, A_RELEASE())])
            while not isinstance(self.wire.receive(deadline), A_RELEASE_RP | A_ABORT_RQ):
                pass
        self.wire.close()

    def abort(self) -> None:
        """End the association at once (PS3.8 7.3)."""
        primitive = A_ABORT()
        primitive.abort_source = 0
        with suppress(Unavailable):
            self._write([encoded(A_ABORT_RQ, primitive)], patience_s=0.0)
        self.wire.close()

    def _next(self, deadline: float) -> tuple[int, Primitive] | None:
        pdu = self.wire.receive(deadline)
        if isinstance(pdu, P_DATA_TF):
            return self._assembler.feed(pdu)
        if isinstance(pdu, A_RELEASE_RQ):
            answer = A_RELEASE()
            answer.result = "affirmative"
            self._write([encoded(A_RELEASE_RP, answer)])
        raise Unavailable(ended(pdu))

    def _answer(self, context_id: int, request: Primitive) -> None:
        """Answer what the peer asks on our association: storage commitment reports."""
        pair = next((pair for pair, number in self.accepted.items() if number == context_id), None)
        if pair is None or not isinstance(request, N_EVENT_REPORT):
            msg = f"asks for {type(request).__name__}, which we do not offer here"
            raise Unavailable(msg)
        self._write(
            pdus(
                event_response(request, self._on_event(request, pair[1])), context_id, self.max_pdu
            )
        )

    def _write(self, encoded_pdus: Iterable[bytes], patience_s: float | None = None) -> None:
        patience = self.node.dimse_timeout_s if patience_s is None else patience_s
        self.wire.send(list(encoded_pdus), deadline=time.monotonic() + patience, stall_s=patience)


def associate(
    node: Node, pairs: Sequence[Pair], on_event: Callable[[Primitive, str], int]
) -> Association:
    """Establish an association that proposes these pairs, each as a context of its own.

    Args:
        node: The peer.
        pairs: At most `MAX_CONTEXTS` of abstract and transfer syntax. One transfer syntax a
            context, so that the accepted ones are all known (PS3.8 9.3.2.2).
        on_event: Given an N-EVENT-REPORT that the peer sends on this association, and the
            transfer syntax of its data set, returns the status to answer.

    Raises:
        Unavailable: There is no association, and why.
    """
    contexts = [build_context(*pair) for pair in pairs]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    sock, round_trip_s = connected(node)
    wire = Wire(sock)
    try:
        deadline = time.monotonic() + node.acse_timeout_s
        request = encoded(A_ASSOCIATE_RQ, association_request(node, contexts))
        wire.send([request], deadline=deadline, stall_s=node.acse_timeout_s)
        answer = acceptance(wire.receive(deadline))
        accepted, max_pdu = negotiated(answer, contexts)
    except Unavailable as error:
        wire.close()
        msg = f"no association: {error}"
        raise Unavailable(msg) from error
    return Association(
        node,
        wire,
        accepted,
        max_pdu=min(max_pdu or node.max_pdu, node.max_pdu),
        round_trip_s=round_trip_s,
        on_event=on_event,
    )
