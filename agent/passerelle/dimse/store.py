"""C-STORE straight from a Part 10 file: no data set is decoded, memory does not grow with it.

pynetdicom 3.0.4 queues a whole object before it sends, and counts its time-out from there.
Here the file is read into one block with room for the headers between the fragments, and a
block leaves with one call.
"""

from __future__ import annotations

import os
import struct
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO, FileIO
from typing import TYPE_CHECKING, Final

from pynetdicom.dimse_primitives import C_STORE

from passerelle.dimse.command import plain_status, store_request
from passerelle.dimse.hashing import Hashing, hashing
from passerelle.dimse.part10 import data_set_offset
from passerelle.dimse.primitive import pdus
from passerelle.errors import Deferred, Refused, Unavailable, Uncertain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from passerelle.dimse.association import Association
    from passerelle.dimse.negotiation import Pair

_BLOCK: Final = 512 * 1024
_FRAGMENTS_PER_BLOCK: Final = 500  # IOV_MAX is 1024 on Linux
_NOTICE_S: Final = 0.25
_PDV: Final = struct.Struct(">BxIIBB")  # P-DATA-TF and PDV header (PS3.8 9.3.5, E.2)
_PDV_OVERHEAD: Final = 6
_P_DATA: Final = 4
_LAST: Final = 2
_MEDIUM: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One instance that is to be sent."""

    path: Path  #: a Part 10 file
    pair: Pair  #: its SOP Class and its transfer syntax
    sop_instance_uid: str
    sha256: str = ""  #: of the whole file; "": not known, and not checked


def store(
    association: Association, outgoing: Outgoing, on_progress: Callable[[int, int], None]
) -> tuple[int, str]:
    """Send one instance; the status and the comment that came back (PS3.4 B.2.3).

    The last fragment leaves only when all that was read is what was written: an archive never
    gets a damaged object whole. After a failure the association may be spent.

    Args:
        association: One that has accepted the instance's pair.
        outgoing: The instance.
        on_progress: Told now and then how many bytes have left, and how many there are.

    Raises:
        Refused: The file is not the instance that was asked for, or is damaged.
        Deferred: The file cannot be read.
        Unavailable: Nothing of the instance left.
        Uncertain: Something of it left, and no answer came.
    """
    with _readable(outgoing.path) as file:
        head, size = data_set_offset(file, outgoing.pair, outgoing.sop_instance_uid)
        with hashing(head, size) if outgoing.sha256 else nullcontext() as hashed:
            return _Transfer(association, file, size, hashed, on_progress).run(outgoing)


@contextmanager
def _readable(path: Path) -> Iterator[FileIO]:
    try:
        with FileIO(path) as file:
            yield file
    except FileNotFoundError as error:
        msg = "the object is gone from the spool"
        raise Refused(msg) from error
    except OSError as error:
        msg = f"the instance's file cannot be read ({error.strerror})"
        raise Deferred(msg) from error


class _Transfer:
    """One object on its way."""

    def __init__(
        self,
        association: Association,
        file: FileIO,
        size: int,
        hashed: Hashing | None,
        on_progress: Callable[[int, int], None],
    ) -> None:
        self._association = association
        self._wire = association.wire
        self._file = file
        self._size = size
        self._hashed = hashed
        self._before = self._wire.sent_bytes
        self._on_progress = on_progress
        self._noticed_at = time.monotonic()
        self._deadline = self._noticed_at + association.node.transfer_s(size)
        self._stall_s = association.node.dimse_timeout_s

    def run(self, outgoing: Outgoing) -> tuple[int, str]:
        """Send it and wait for the answer."""
        wire = self._wire
        try:
            number = self._association.number()
            for block in self._blocks(outgoing, number):
                wire.send([block], deadline=self._deadline, stall_s=self._stall_s)
                self._notice()
            wire.drain(deadline=self._deadline, stall_s=self._stall_s, on_wait=self._notice)
            status = self._answer(number)
        except Unavailable as error:
            self._association.is_spent = True
            if wire.sent_bytes == self._before:
                raise
            msg = f"the object left, no answer came: {error}"
            raise Uncertain(msg) from error
        except BaseException:
            self._association.is_spent = wire.sent_bytes != self._before
            raise
        return status

    def _answer(self, number: int) -> tuple[int, str]:
        deadline = time.monotonic() + self._stall_s
        frame = self._wire.receive_frame(deadline)
        status = plain_status(frame, number)
        if status is not None:
            return status, ""
        self._wire.give_back(frame)
        response = self._association.receive(deadline)
        if response.Status is None or type(response) is not C_STORE:
            msg = "what came back is no answer to it"
            raise Unavailable(msg)
        return int(response.Status), str(getattr(response, "ErrorComment", None) or "")

    def _blocks(self, outgoing: Outgoing, number: int) -> Iterator[memoryview]:
        """The command and the data set as P-DATA-TF PDUs, some of them at a time."""
        context_id = self._association.accepted[outgoing.pair]
        # Even, so that no value is torn within a word (PS3.8 annex E.1).
        fragment = (self._association.max_pdu - _PDV_OVERHEAD) & ~1
        command = self._command(outgoing, number, context_id)
        count = min(_FRAGMENTS_PER_BLOCK, max(1, _BLOCK // fragment), -(-self._size // fragment))
        size = len(command) + count * (fragment + _PDV.size)
        both = self._association.block(2 * size)
        block, other = both[:size], both[size:]  # one is hashed while the other is filled
        block[: len(command)] = command
        end, left = len(command), self._size
        while left:
            fragments = []
            for _ in range(count):
                length = min(fragment, left)
                left -= length
                control = 0 if left else _LAST
                _PDV.pack_into(block, end, _P_DATA, length + 6, length + 2, context_id, control)
                end += _PDV.size
                fragments.append(block[end : end + length])
                end += length
                if not left:
                    break
            self._fill(fragments)
            if self._hashed:
                self._hashed.add(fragments)
                if not left and self._hashed.hexdigest() != outgoing.sha256:
                    msg = "the object is damaged: its bytes are not those that were written"
                    raise Refused(msg)
            yield block[:end]
            block, other, end = other, block, 0

    def _command(self, outgoing: Outgoing, number: int, context_id: int) -> bytes:
        sop_class_uid, uid = outgoing.pair[0], outgoing.sop_instance_uid
        whole = store_request(number, sop_class_uid, uid, context_id)
        max_pdu = self._association.max_pdu
        if len(whole) <= max_pdu + _PDV_OVERHEAD:
            return whole
        primitive = C_STORE()  # a peer that takes less than a command at a time
        primitive.MessageID = number
        primitive.AffectedSOPClassUID = sop_class_uid
        primitive.AffectedSOPInstanceUID = uid
        primitive.Priority = _MEDIUM
        primitive.DataSet = BytesIO()  # there is one, and it is not pynetdicom's to send
        return b"".join(pdus(primitive, context_id, max_pdu))

    def _fill(self, fragments: list[memoryview]) -> None:
        for piece in _unread(self._file, fragments):
            part = piece
            while part:
                count = self._file.readinto(part)
                if not count:
                    msg = "the instance's file became shorter while it was sent"
                    raise Deferred(msg)
                part = part[count:]

    def _notice(self) -> None:
        now = time.monotonic()
        if now - self._noticed_at >= _NOTICE_S:
            self._noticed_at = now
            sent = self._wire.sent_bytes - self._wire.unsent() - self._before
            self._on_progress(min(max(sent, 0), self._size), self._size)


def _unread(file: FileIO, fragments: list[memoryview]) -> list[memoryview]:
    """Read them all with one call; what that left, all of them where the system has no such."""
    if not hasattr(os, "readv"):  # Windows
        return fragments
    count = os.readv(file.fileno(), fragments)
    rest = list(fragments)
    while rest and count >= len(rest[0]):
        count -= len(rest.pop(0))
    if rest:
        rest[0] = rest[0][count:]
    return rest
