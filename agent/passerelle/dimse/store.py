"""C-STORE straight from a Part 10 file: no data set is decoded, memory does not grow with it.

pynetdicom 3.0.4 queues a whole object before it sends, and counts its time-out from there.
Here the file is read in blocks into one buffer, and a block leaves with one call.
"""

from __future__ import annotations

import os
import struct
import time
from io import BytesIO, FileIO
from typing import TYPE_CHECKING, Final

from pynetdicom.dimse_primitives import C_STORE

from passerelle.dimse.primitive import Primitive, pdus
from passerelle.errors import Deferred, Refused, Unavailable, Uncertain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from passerelle.dimse.association import Association
    from passerelle.dimse.wire import Buffer

_BLOCK: Final = 512 * 1024
_PDVS_PER_BLOCK: Final = 200
_NOTICE_S: Final = 0.25
_META_LIMIT: Final = 64 * 1024
_PREAMBLE: Final = 128
_LONG_VRS: Final = (b"OB", b"OW", b"UN", b"UT", b"SQ")
_PDV: Final = struct.Struct(">BxIIBB")  # P-DATA-TF and PDV header (PS3.8 9.3.5, E.2)
_PDV_OVERHEAD: Final = 6
_P_DATA: Final = 4
_LAST: Final = 2
_MEDIUM: Final = 0


def store(
    association: Association,
    path: Path,
    pair: tuple[str, str],
    sop_instance_uid: str,
    on_progress: Callable[[int, int], None],
) -> tuple[int, str]:
    """Send one instance; the status and the comment that came back (PS3.4 B.2.3).

    Args:
        association: One that has accepted `pair`.
        path: A Part 10 file.
        pair: The instance's SOP Class and its file's transfer syntax.
        sop_instance_uid: The instance's.
        on_progress: Told now and then how many bytes have left, and how many there are.

    Raises:
        Refused: The file is not the instance that was asked for.
        Deferred: The file cannot be read.
        Unavailable: Nothing of the instance left.
        Uncertain: Something of it left, and no answer came.
    """
    try:
        with FileIO(path) as file:
            size = os.fstat(file.fileno()).st_size
            offset = data_set_offset(file, pair, sop_instance_uid)
            transfer = _Transfer(association, file, size - offset, on_progress)
            return transfer.run(pair, sop_instance_uid)
    except OSError as error:
        msg = f"the instance's file cannot be read ({error.strerror})"
        raise Deferred(msg) from error


def data_set_offset(file: FileIO, pair: tuple[str, str], sop_instance_uid: str) -> int:
    """Where the data set begins, with the file there; only group 2 is read (PS3.10 7.1).

    Raises:
        Refused: It is no Part 10 file, or another instance's.
    """
    head = file.read(_META_LIMIT)
    try:
        offset, meta = _file_meta(head)
    except (struct.error, ValueError) as error:
        msg = "the instance's file is no DICOM file"
        raise Refused(msg) from error
    if [meta.get(element) for element in (0x02, 0x10, 0x03)] != [*pair, sop_instance_uid]:
        msg = "the instance's file is not of the SOP Class, instance or syntax that was asked for"
        raise Refused(msg)
    if file.seek(0, os.SEEK_END) == offset:
        msg = "the instance's file holds no data set"
        raise Refused(msg)
    file.seek(offset)
    return offset


def _file_meta(head: bytes) -> tuple[int, dict[int, str]]:
    at = _PREAMBLE + 4
    if head[_PREAMBLE:at] != b"DICM":
        raise ValueError
    meta: dict[int, str] = {}
    while True:
        group, element, vr, length = struct.unpack_from("<HH2sH", head, at)
        if group != 0x0002:  # noqa: PLR2004 - the File Meta Information group
            return at, meta
        at += 8
        if vr in _LONG_VRS:
            (length,) = struct.unpack_from("<I", head, at)
            at += 4
        if at + length > len(head):
            raise ValueError
        meta[element] = head[at : at + length].rstrip(b"\0 ").decode("latin-1")
        at += length


class _Transfer:
    """One object on its way."""

    def __init__(
        self,
        association: Association,
        file: FileIO,
        size: int,
        on_progress: Callable[[int, int], None],
    ) -> None:
        self._association = association
        self._file = file
        self._size = size
        self._before = 0
        self._on_progress = on_progress
        self._noticed_at = time.monotonic()
        self._deadline = self._noticed_at + association.node.transfer_s(size)
        self._stall_s = association.node.dimse_timeout_s

    def run(self, pair: tuple[str, str], sop_instance_uid: str) -> tuple[int, str]:
        """Send it and wait for the answer."""
        association, wire = self._association, self._association.wire
        context_id = association.accepted[pair]
        command = pdus(self._command(pair[0], sop_instance_uid), context_id, association.max_pdu)
        self._before = wire.sent_bytes
        try:
            for buffers in self._blocks(context_id, list(command)):
                wire.send(buffers, deadline=self._deadline, stall_s=self._stall_s)
                self._notice()
            wire.drain(deadline=self._deadline, stall_s=self._stall_s, on_wait=self._notice)
            response: Primitive = association.receive(time.monotonic() + self._stall_s)
        except Unavailable as error:
            if wire.sent_bytes == self._before:
                raise
            msg = f"the object left, no answer came: {error}"
            raise Uncertain(msg) from error
        if response.Status is None or type(response) is not C_STORE:
            msg = "the object left, what came back is no answer to it"
            raise Uncertain(msg)
        comment = getattr(response, "ErrorComment", None)
        return int(response.Status), str(comment or "")

    def _blocks(self, context_id: int, buffers: list[Buffer]) -> Iterator[list[Buffer]]:
        """The data set's PDVs, some at a time, after what is in `buffers` already."""
        fragment = (self._association.max_pdu - _PDV_OVERHEAD) & ~1  # even (PS3.8 annex E.1)
        block = memoryview(bytearray(min(self._size, fragment * self._pdvs(fragment))))
        left = self._size
        while left:
            filled = block[: min(left, len(block))]
            self._fill(filled)
            left -= len(filled)
            for at in range(0, len(filled), fragment):
                piece = filled[at : at + fragment]
                is_last = not left and at + len(piece) == len(filled)
                length = len(piece) + _PDV_OVERHEAD
                buffers.append(
                    _PDV.pack(_P_DATA, length, length - 4, context_id, _LAST if is_last else 0)
                )
                buffers.append(piece)
            yield buffers
            buffers = []

    @staticmethod
    def _pdvs(fragment: int) -> int:
        return min(_PDVS_PER_BLOCK, max(1, _BLOCK // fragment))

    def _fill(self, block: memoryview) -> None:
        while block:
            count = self._file.readinto(block)
            if not count:
                msg = "the instance's file became shorter while it was sent"
                raise Deferred(msg)
            block = block[count:]

    def _notice(self) -> None:
        now = time.monotonic()
        if now - self._noticed_at >= _NOTICE_S:
            self._noticed_at = now
            wire = self._association.wire
            sent = wire.sent_bytes - wire.unsent() - self._before
            self._on_progress(min(max(sent, 0), self._size), self._size)

    def _command(self, sop_class_uid: str, sop_instance_uid: str) -> C_STORE:
        primitive = C_STORE()
        primitive.MessageID = self._association.number()
        primitive.AffectedSOPClassUID = sop_class_uid
        primitive.AffectedSOPInstanceUID = sop_instance_uid
        primitive.Priority = _MEDIUM
        primitive.DataSet = BytesIO()  # there is one, and it is not pynetdicom's to send
        return primitive
