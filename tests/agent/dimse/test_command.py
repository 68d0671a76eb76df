"""C-STORE's command sets by hand are pynetdicom's, byte for byte."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.dimse_primitives import C_ECHO, C_STORE

from passerelle.dimse.command import plain_status, store_request
from passerelle.dimse.primitive import pdus

CLASS = "1.2.840.10008.5.1.4.1.1.7"
UID = "2.25.337456123"


def by_pynetdicom(number: int, sop_class: str, uid: str, context_id: int) -> bytes:
    request = C_STORE()
    request.MessageID = number
    request.AffectedSOPClassUID = sop_class
    request.AffectedSOPInstanceUID = uid
    request.Priority = 0
    request.DataSet = BytesIO()
    (pdu,) = pdus(request, context_id, 16384)
    return pdu


def response(number: int = 7, status: int = 0, *, comment: str = "") -> bytes:
    answer = C_STORE()
    answer.MessageIDBeingRespondedTo = number
    answer.AffectedSOPClassUID = CLASS
    answer.AffectedSOPInstanceUID = UID
    answer.Status = status
    if comment:
        answer.ErrorComment = comment  # type: ignore[assignment]  # pynetdicom: None at first
    (pdu,) = pdus(answer, 1, 16384)
    return pdu


uids = st.lists(st.integers(0, 10**12), min_size=1, max_size=5).map(
    lambda parts: "2." + ".".join(map(str, parts))
)


@given(st.integers(1, 0xFFFF), uids, uids, st.integers(0, 127).map(lambda n: 2 * n + 1))
def test_the_request_is_the_one_that_pynetdicom_makes(
    number: int, sop_class: str, uid: str, context_id: int
) -> None:
    ours = store_request(number, sop_class, uid, context_id)
    assert ours == by_pynetdicom(number, sop_class, uid, context_id)


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xA700, 0xC123])
def test_a_plain_response_is_read(status: int) -> None:
    assert plain_status(response(status=status), 7) == status


def test_a_response_to_another_message_is_not_taken_for_ours() -> None:
    assert plain_status(response(8), 7) is None


def test_whatever_says_more_is_left_to_pynetdicom() -> None:
    assert plain_status(response(status=0xC000, comment="no such patient"), 7) is None
    echo = C_ECHO()
    echo.MessageIDBeingRespondedTo = 7
    echo.AffectedSOPClassUID = "1.2.840.10008.1.1"
    echo.Status = 0
    (pdu,) = pdus(echo, 1, 16384)
    assert plain_status(pdu, 7) is None


@given(st.binary(max_size=80), st.integers(0, 200))
def test_noise_is_no_response(noise: bytes, at: int) -> None:
    whole = response()
    broken = whole[:at] + noise
    if broken != whole and len(broken) != len(whole):
        assert plain_status(broken, 7) is None
    assert plain_status(noise, 7) is None


@given(st.integers(0, len(response()) - 1))
def test_a_response_that_is_cut_off_is_none(end: int) -> None:
    assert plain_status(response()[:end], 7) is None
