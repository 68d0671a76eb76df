"""DIMSE primitives: what is encoded comes back, and nonsense is named."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_FIND, N_EVENT_REPORT
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.pdu_primitives import P_DATA

from passerelle.dimse.primitive import (
    Assembler,
    decoded_dataset,
    encoded_dataset,
    event_response,
    pdus,
)
from passerelle.errors import Unavailable

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"


def fragment(value: bytes, context_id: int = 1) -> P_DATA_TF:
    primitive = P_DATA()
    primitive.presentation_data_value_list.append((context_id, value))
    pdu = P_DATA_TF()
    pdu.from_primitive(primitive)
    return pdu


@pytest.mark.parametrize("max_pdu", [128, 16384])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_request_with_its_data_set_comes_back_whole(max_pdu: int, syntax: str) -> None:
    identifier = Dataset()
    identifier.PatientID = "1" * 60
    identifier.StudyDescription = "é" * 30
    identifier.SpecificCharacterSet = "ISO_IR 192"
    request = C_FIND()
    request.MessageID = 7
    request.AffectedSOPClassUID = "1.2.3"
    request.Priority = 0
    request.Identifier = encoded_dataset(identifier, syntax)
    assembler, complete = Assembler(), None
    for encoded in pdus(request, 3, max_pdu):
        assert len(encoded) <= max_pdu + 6
        assert complete is None, "complete before its last PDU"
        pdu = P_DATA_TF()
        pdu.decode(encoded)
        complete = assembler.feed(pdu)
    assert complete is not None
    context_id, received = complete
    assert (context_id, received.MessageID) == (3, 7)
    assert decoded_dataset(received.Identifier, syntax) == identifier


def test_a_report_is_answered_with_what_it_was_about() -> None:
    event = N_EVENT_REPORT()
    event.MessageID = 9
    event.AffectedSOPClassUID = "1.2.3"
    event.AffectedSOPInstanceUID = "1.2.3.1"
    event.EventTypeID = 2
    response = event_response(event, 0x0110)
    assert response.MessageIDBeingRespondedTo == 9
    assert (response.AffectedSOPClassUID, response.AffectedSOPInstanceUID) == ("1.2.3", "1.2.3.1")
    assert (response.EventTypeID, response.Status) == (2, 0x0110)


def test_an_answer_without_an_end_is_given_up() -> None:
    assembler = Assembler()
    with pytest.raises(Unavailable, match="more than 4194304 bytes for one answer"):
        feed_for_ever(assembler)


def feed_for_ever(assembler: Assembler) -> None:
    while True:
        assert assembler.feed(fragment(b"\0" + bytes(60_000))) is None


@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom about the values
@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=4))
def test_any_fragments_are_a_primitive_or_a_named_fault(values: list[bytes]) -> None:
    assembler = Assembler()
    for value in values:
        try:
            assembler.feed(fragment(value))
        except Unavailable as fault:
            assert "malformed" in str(fault)  # noqa: PT017 - either outcome is right
            return


@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom about the values
@given(st.binary(max_size=200), st.sampled_from([EXPLICIT, IMPLICIT]))
def test_any_bytes_are_a_data_set_or_a_named_fault(received: bytes, syntax: str) -> None:
    try:
        decoded_dataset(BytesIO(received), syntax)
    except Unavailable as fault:
        assert "malformed" in str(fault)  # noqa: PT017 - either outcome is right


def test_a_data_set_nested_without_end_is_a_named_fault() -> None:
    opening = b"\x08\0\x15\x11\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises(Unavailable, match="malformed data set"):
        decoded_dataset(BytesIO(opening * 20_000), IMPLICIT)


@pytest.mark.parametrize(
    ("charset", "declared", "name"),
    [("ISO_IR 100", False, "Müller^Jörg"), ("ISO_IR 126", False, "Ωμέγα"),
     ("ISO_IR 192", True, "山田^太郎"), ("GB18030", True, "李^小龙")],
)  # fmt: skip
def test_a_character_set_is_the_declared_or_else_the_fallback(
    *, charset: str, declared: bool, name: str
) -> None:
    dataset = Dataset()
    dataset.SpecificCharacterSet = charset
    dataset.PatientName = name
    inner = Dataset()
    inner.ScheduledProcedureStepDescription = name
    dataset.ScheduledProcedureStepSequence = [inner]
    encoded = encoded_dataset(dataset, EXPLICIT)
    if not declared:
        encoded = BytesIO(encoded.getvalue()[8 + len(charset) :])  # (0008,0005) comes first
    fallback = "ISO_IR 6" if declared else charset
    received = decoded_dataset(encoded, EXPLICIT, fallback)
    assert received.PatientName == name
    assert received.ScheduledProcedureStepSequence[0].ScheduledProcedureStepDescription == name
