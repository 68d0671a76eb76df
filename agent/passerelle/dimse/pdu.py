"""Upper Layer PDUs as frames of bytes, and what pynetdicom makes of them (PS3.8 section 9.3)."""

from __future__ import annotations

import struct
from typing import Any, Final

from pynetdicom.pdu import (
    A_ABORT_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    P_DATA_TF,
)

from passerelle.errors import Unavailable

Pdu = (
    A_ASSOCIATE_RQ
    | A_ASSOCIATE_AC
    | A_ASSOCIATE_RJ
    | P_DATA_TF
    | A_RELEASE_RQ
    | A_RELEASE_RP
    | A_ABORT_RQ
)

#: No peer that keeps to our announced maximum length comes near it.
PDU_LIMIT: Final = 256 * 1024
#: What pynetdicom and pydicom raise on bytes that are no DICOM.
MALFORMED: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
_KINDS: Final[tuple[type[Pdu], ...]] = (  # in the order of their numbers, from 1
    A_ASSOCIATE_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    P_DATA_TF,
    A_RELEASE_RQ,
    A_RELEASE_RP,
    A_ABORT_RQ,
)
_ENDING: Final = (5, 7)
_HEADER: Final = struct.Struct(">BxI")


def encoded(kind: type[Pdu], primitive: Any) -> bytes:  # noqa: ANN401 - pynetdicom is not typed
    """One PDU of this kind from pynetdicom's primitive."""
    pdu = kind()
    pdu.from_primitive(primitive)
    whole: bytes = pdu.encode()
    return whole


def decoded(frame: bytes) -> Pdu:
    """The PDU in a whole frame.

    Raises:
        Unavailable: It is malformed.
    """
    try:
        pdu = _KINDS[frame[0] - 1]()
        pdu.decode(frame)
    except MALFORMED as error:
        msg = f"sends a malformed PDU (type {frame[0]}, {type(error).__name__})"
        raise Unavailable(msg) from error
    return pdu


def take(received: bytearray) -> bytes | None:
    """The first whole frame, taken out of what was received; None while it is not complete.

    Raises:
        Unavailable: It is no PDU, or longer than any peer may send.
    """
    if not 1 <= received[0] <= len(_KINDS):
        raise Unavailable(_foreign(bytes(received[:8])))
    if len(received) < _HEADER.size:
        return None
    length = _HEADER.unpack_from(received)[1]
    if length > PDU_LIMIT:
        msg = f"announces a PDU of {length} bytes, more than {PDU_LIMIT}"
        raise Unavailable(msg)
    end = _HEADER.size + length
    if len(received) < end:
        return None
    frame = bytes(received[:end])
    del received[:end]
    return frame


def is_ending(frame: bytes) -> bool:
    """Whether with this frame the peer ends the association."""
    return frame[0] in _ENDING


def ended(pdu: Pdu) -> str:
    """How this PDU ended the association, for an operator."""
    if isinstance(pdu, A_ABORT_RQ):
        return "the peer aborted"
    if isinstance(pdu, A_RELEASE_RQ):
        return "the peer released the association"
    return f"the peer sent an unexpected {type(pdu).__name__}"


def _foreign(start: bytes) -> str:
    if start.startswith((b"HTTP", b"GET ", b"POST")):
        return "speaks HTTP, not DICOM"
    if start[:2] in (b"\x15\x03", b"\x16\x03"):
        return "speaks TLS, not plain DICOM"
    return "does not speak DICOM"
