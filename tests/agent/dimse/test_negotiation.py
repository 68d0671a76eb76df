"""What pynetdicom is trusted with: these fail when a new release changes what we rely on."""

from __future__ import annotations

import struct

import pytest
from pynetdicom import _config, dimse_messages
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, PDU_TYPES
from pynetdicom.presentation import PresentationContext, build_context

import faulty_peers
from passerelle.dimse import negotiation
from passerelle.dimse.node import Node
from passerelle.dimse.pdu import encoded
from passerelle.errors import Unavailable

NODE = Node(host="127.0.0.1", port=104, ae_title="PEER", calling_ae_title="AGENT")


def contexts(count: int = 2) -> list[PresentationContext]:
    made = [build_context(f"1.2.3.{number}", "1.2.840.10008.1.2.1") for number in range(count)]
    for number, context in enumerate(made):
        context.context_id = 2 * number + 1
    return made


def request(count: int = 2) -> bytes:
    return encoded(A_ASSOCIATE_RQ, negotiation.association_request(NODE, contexts(count)))


def answered(max_pdu: int) -> A_ASSOCIATE_AC:
    pdu = A_ASSOCIATE_AC()
    pdu.decode(faulty_peers.acceptance(request(), max_pdu=max_pdu))
    return pdu


def test_the_request_says_who_we_are_and_what_we_take() -> None:
    pdu = request()
    assert pdu[10:42] == b"PEER".ljust(16) + b"AGENT".ljust(16)
    assert b"\x51\0\0\x04" + struct.pack(">I", negotiation.OWN_MAX_PDU) in pdu
    assert negotiation.IMPLEMENTATION_CLASS_UID.encode() in pdu
    assert b"PASSERELLE" in pdu


def test_our_implementation_class_uid_is_the_same_for_ever() -> None:
    uid = negotiation.IMPLEMENTATION_CLASS_UID
    assert uid == "2.25.301484896158986434275647759540222537425"


def test_all_the_contexts_that_the_standard_allows_fit_in_a_request() -> None:
    assert request(negotiation.MAX_CONTEXTS).count(b"\x20\0") >= negotiation.MAX_CONTEXTS


@pytest.mark.parametrize("max_pdu", [0, 128, 16384, 1 << 31])
def test_an_acceptance_gives_the_contexts_and_the_peers_maximum(max_pdu: int) -> None:
    answer = negotiation.acceptance(answered(max_pdu))
    accepted, told = negotiation.negotiated(answer, contexts())
    syntax = "1.2.840.10008.1.2.1"
    assert accepted == {("1.2.3.0", syntax): 1, ("1.2.3.1", syntax): 3}
    assert told == max_pdu


def test_a_peer_that_takes_next_to_nothing_is_unavailable() -> None:
    answer = negotiation.acceptance(answered(7))
    with pytest.raises(Unavailable, match="takes PDUs of 7 bytes only"):
        negotiation.negotiated(answer, contexts())


def test_a_rejection_is_told_in_words() -> None:
    pdu = A_ASSOCIATE_RJ()
    pdu.decode(faulty_peers.rejection(2, 3, 1))
    with pytest.raises(Unavailable, match=r"^rejected: temporary congestion \(transient\)$"):
        negotiation.acceptance(pdu)


def test_pynetdicom_has_the_parts_that_we_use() -> None:
    assert sorted(PDU_TYPES.values()) == [1, 2, 3, 4, 5, 6, 7]
    assert _config.STORE_RECV_CHUNKED_DATASET in (True, False)
    for kind in ("C_ECHO", "C_STORE", "C_FIND", "N_ACTION", "N_EVENT_REPORT"):
        for side in ("RQ", "RSP"):
            encoder = getattr(dimse_messages, f"{kind}_{side}")()
            assert callable(encoder.primitive_to_message)
            assert callable(encoder.encode_msg)
            assert callable(encoder.decode_msg)
