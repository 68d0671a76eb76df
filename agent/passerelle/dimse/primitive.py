"""DIMSE primitives to P-DATA-TF PDUs and back (PS3.7 section 6.3, PS3.8 annex E)."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from pydicom.charset import convert_encodings
from pydicom.filereader import read_dataset
from pydicom.uid import UID
from pynetdicom import dimse_messages
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.dsutils import encode
from pynetdicom.pdu import P_DATA_TF

from passerelle.dimse.pdu import MALFORMED, encoded
from passerelle.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

#: A DIMSE primitive of pynetdicom, which has no types.
Primitive = Any

#: An answer or a report with its data set; an instance does not come this way.
_LIMIT: Final = 4 * 1024 * 1024


def pdus(primitive: Primitive, context_id: int, max_pdu: int) -> Iterator[bytes]:
    """The P-DATA-TF PDUs of a request or a response, none longer than the peer takes."""
    kind = "RQ" if primitive.MessageIDBeingRespondedTo is None else "RSP"
    encoder = getattr(dimse_messages, f"{type(primitive).__name__}_{kind}")()
    encoder.primitive_to_message(primitive)
    for fragment in encoder.encode_msg(context_id, max_pdu):
        yield encoded(P_DATA_TF, fragment)


def event_response(request: Primitive, status: int) -> Primitive:
    """The N-EVENT-REPORT response to a request (PS3.7 10.1.1)."""
    response = N_EVENT_REPORT()
    response.MessageIDBeingRespondedTo = request.MessageID
    response.AffectedSOPClassUID = request.AffectedSOPClassUID
    response.AffectedSOPInstanceUID = request.AffectedSOPInstanceUID
    response.EventTypeID = request.EventTypeID
    response.Status = status
    return response


class Assembler:
    """Puts the fragments of one DIMSE primitive after another together."""

    def __init__(self) -> None:
        self._start()

    def feed(self, pdu: P_DATA_TF) -> tuple[int, Primitive] | None:
        """The context and the primitive that this PDU completes, or None.

        Raises:
            Unavailable: What the peer sends is no DIMSE, or has no end.
        """
        try:
            fragment = pdu.to_primitive()
            self._size += sum(len(value) for _, value in fragment.presentation_data_value_list)
            if self._size > _LIMIT:
                msg = f"sends more than {_LIMIT} bytes for one answer"
                raise Unavailable(msg)
            if not self._decoder.decode_msg(fragment):
                return None
            primitive = self._decoder.message_to_primitive()
            context_id = int(self._decoder.context_id)
        except MALFORMED as error:
            msg = f"sends a malformed DIMSE command ({type(error).__name__})"
            raise Unavailable(msg) from error
        self._start()
        return context_id, primitive

    def _start(self) -> None:
        self._decoder: Any = dimse_messages.DIMSEMessage()
        self._size = 0


def encoded_dataset(dataset: Dataset, transfer_syntax_uid: str) -> BytesIO:
    """A data set as it travels on a context of this transfer syntax."""
    syntax = UID(transfer_syntax_uid)
    return BytesIO(encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian) or b"")


def decoded_dataset(
    stream: BytesIO, transfer_syntax_uid: str, fallback_charset: str = "ISO_IR 6"
) -> Dataset:
    """A data set from a context of this transfer syntax; it is read to its last element.

    Args:
        stream: The data set's bytes.
        transfer_syntax_uid: Little endian, not compressed.
        fallback_charset: A Defined Term of (0008,0005), for a peer that does not say its own.

    Raises:
        Unavailable: The bytes are no data set.
    """
    syntax = UID(transfer_syntax_uid)
    stream.seek(0)
    try:
        dataset = read_dataset(
            stream,
            syntax.is_implicit_VR,
            syntax.is_little_endian,
            parent_encoding=convert_encodings([fallback_charset])[0],
        )
        for _ in dataset.iterall():
            pass
    except MALFORMED as error:
        msg = f"sends a malformed data set ({type(error).__name__})"
        raise Unavailable(msg) from error
    return dataset
