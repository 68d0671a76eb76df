"""What XMODEM and YMODEM have in common, on the receiving side: numbered blocks, and their end.

After "XMODEM/YMODEM Protocol Reference" (Chuck Forsberg, Omen Technology, 1988): XMODEM with a
checksum or CRC-16, blocks of 128 and 1024 bytes, YMODEM batches; YMODEM-g, which cannot ask for a
block again, is never invited.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.check import crc16, sum8
from passerelle_hw.serial.events import GivenUp, Rejected, Reply
from passerelle_hw.serial.transfer import NotTaken, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.serial.parity import Piece
    from passerelle_hw.serial.receiving import Said
    from passerelle_hw.serial.transfer import Store

_EOT: Final = 0x04
_CAN: Final = 0x18
#: Says that the block, or the file, is taken.
ACK: Final = b"\x06"
_NAK: Final = b"\x15"
_CRC: Final = b"C"  # asks for the beginning, and for a CRC-16 in every block
_CANCELLED: Final = bytes([_CAN] * 2)
_CANCEL: Final = bytes([_CAN] * 5)  # two would do; a damaged one must not keep the device waiting
_SIZES: Final = {0x01: 128, 0x02: 1024}  # SOH, STX
_LONGEST: Final = max(_SIZES.values())
_HEAD: Final = 3  # start, number, its complement
_NUMBERS: Final = 256

_FIRST_S: Final = 0.2  # what an earlier session left on the line has come by then
_INVITE_S: Final = 3.0
_BLOCK_S: Final = 10.0
_QUIET_S: Final = 1.0  # a block has no longer pause in it, and noise has ended after one
_TRIES: Final = 10  # damaged blocks in a row
_SILENCE: Final = 4  # weighs as many: whoever is there would have answered
_EVIDENCE: Final = 4096


class Modem(ABC):
    """One block is sent, then answered: whatever else comes is waited out and asked for again.

    The last answer of a file, the one to its second EOT, comes only after the store has it. A block
    that is sent again because its answer was lost is answered again and counts once.
    """

    def __init__(self, store: Store, *, is_crc: bool = True) -> None:
        self.files = 0  #: that the store has taken
        self._store = store
        self._check = crc16 if is_crc else sum8
        self.invitation = _CRC if is_crc else _NAK  #: asks for the beginning of a file
        self._buffer = bytearray()
        self._spoilt = ""  #: why what comes until the line is quiet is no block
        self._errors = 0
        self._has_invited = False
        self._is_done = False  #: the store has what was sent last
        self._left: int | None = None
        self._last: tuple[int, bytes] | None = None
        self._forget()

    @property
    def patience_s(self) -> float:
        """See `Receiving.patience_s`."""
        if self._buffer or self._spoilt:
            return _QUIET_S
        if self._blocks:
            return _BLOCK_S
        return _INVITE_S if self._has_invited else _FIRST_S

    def take(self, piece: Piece) -> Iterator[Said]:
        """See `Receiving.take`."""
        self._spoilt = self._spoilt or piece.fault
        self._buffer += piece.data
        if self._spoilt:
            del self._buffer[_EVIDENCE:]
        elif self._buffer:
            yield from self._judged()

    def silent(self) -> Iterator[Said]:
        """See `Receiving.silent`."""
        self._has_invited = True
        raw, why = self._taken(), self._spoilt
        self._spoilt, self._is_after_silence = "", True
        if raw or why:
            yield from self._rejected(why or "a block that was cut off", raw, self._prompt())
        elif self._is_open and self._errors + _SILENCE > _TRIES:
            # No cancel: it would end what another one, who is waiting for an invitation, begins.
            yield self._given_up("the device does not go on", self.invitation)
        else:
            self._errors += _SILENCE if self._is_open else 0
            yield Reply(self._prompt())

    def interrupt(self) -> None:
        """See `Receiving.interrupt`."""
        if self._is_open:
            self._store.abandon()
        self._buffer.clear()
        self._spoilt, self._is_done, self._errors = "", False, 0
        self._forget()

    @abstractmethod
    def begin(self, number: int, data: bytes) -> bytes:
        """What to answer to the first block of a file.

        Raises:
            NotTaken: It is none, or there is no room for the file.
        """

    @abstractmethod
    def after_file(self) -> bytes:
        """What to answer to the end of a file that the store has."""

    def open(self, name: str, size: int | None) -> None:
        """Begin a file; what comes beyond its size, where that is known, is not of it."""
        self._store.begin(name, size or 0)
        self._is_open, self._left = True, size

    def content(self, data: bytes) -> None:
        """Add a block to the file.

        Raises:
            NotTaken: There is no room for it, or it is beyond its length.
        """
        if self._left is None:
            self._store.content(data)
        elif self._left == 0:
            msg = "it goes on after its length"
            raise Refused(msg)
        else:
            data = data[: self._left]
            self._left -= len(data)
            self._store.content(data)
        self._blocks += 1

    def _forget(self) -> None:
        """No file is begun."""
        self._is_open = self._is_ending = self._is_after_silence = False
        self._last = self._left = None
        self._answer = ACK
        self._expected = self._blocks = 0

    def _judged(self) -> Iterator[Said]:
        first = self._buffer[0]
        if first in _SIZES:
            length = _HEAD + _SIZES[first] + len(self._check(b""))
            block, rest = bytes(self._buffer[:length]), bytes(self._buffer[length:])
            if len(block) < length:
                return
            if not block.startswith(rest[:length]):  # bytes were put in, whatever the check says
                self._spoilt = "longer than a block"
                return
            # Whoever sends waits for one answer, however often the block was sent.
            self._taken()
            yield from self._block(block)
        elif set(self._buffer) == {_EOT}:
            self._taken()
            yield from self._end()
        elif self._buffer.startswith(_CANCELLED):
            self._taken()
            yield from self._cancelled()
        elif self._buffer == _CANCELLED[:1]:
            return  # the other one may follow; alone it is noise
        elif not self._is_open and set(self._buffer) <= set(self.invitation):
            self._taken()  # an echo of our own
        else:
            self._spoilt = "no block"

    def _block(self, raw: bytes) -> Iterator[Said]:
        number, data = raw[1], raw[_HEAD : _HEAD + _SIZES[raw[0]]]
        if raw[2] != number ^ 0xFF or self._check(data) != raw[_HEAD + len(data) :]:
            yield from self._rejected("its number or its check is wrong", raw, _NAK)
            return
        self._errors, self._is_ending = 0, False
        if self._last == (number, data):
            yield Reply(self._answer)
            return
        try:
            self._answer = self._numbered(number, data)
        except NotTaken as fault:
            yield self._given_up(str(fault))
            return
        self._is_after_silence = False
        if self._is_open:
            self._last, self._expected = (number, data), (number + 1) % _NUMBERS
        yield Reply(self._answer)

    def _numbered(self, number: int, data: bytes) -> bytes:
        """Take a block that is intact; what to answer."""
        if not self._is_open:
            self._is_done = False
            return self.begin(number, data)
        # After 255 blocks the beginning of another file has the number of the next block.
        is_restart = self._is_after_silence and self._blocks > 1 and number <= 1
        if number != self._expected or is_restart:
            msg = "not the block that comes next"
            raise Refused(msg)
        self.content(data)
        return ACK

    def _end(self) -> Iterator[Said]:
        if self._is_done:
            yield Reply(self.after_file())
        elif not self._is_open:
            yield Rejected("an end without a file", bytes([_EOT]))
        elif not self._is_ending:
            self._is_ending = True  # one damaged byte may read so; two do not
            yield Reply(_NAK)
        else:
            yield self._finished()

    def _finished(self) -> Said:
        try:
            if self._left:
                msg = "it ends before its length"
                raise Refused(msg)
            if not self._blocks:
                msg = "empty"
                raise Refused(msg)
            self._store.finish(b"")
        except NotTaken as fault:
            return self._given_up(str(fault))
        self.files += 1
        self._forget()
        self._is_done = True
        return Reply(self.after_file())

    def _cancelled(self) -> Iterator[Said]:
        if self._is_open:
            yield self._given_up("the device cancelled it", b"")

    def _rejected(self, why: str, raw: bytes, answer: bytes) -> Iterator[Said]:
        """Ask again, but not for ever."""
        self._errors = self._errors + 1 if self._is_open else 0
        if self._errors > _TRIES:
            yield Rejected(why, raw)
            yield self._given_up("damaged too often")
        else:
            yield Rejected(why, raw, answer)

    def _given_up(self, why: str, answer: bytes = _CANCEL) -> GivenUp:
        self.interrupt()
        return GivenUp(why, answer)

    def _prompt(self) -> bytes:
        """Asks for what should have come; a NAK would begin a file without CRC."""
        return _NAK if self._blocks else self.invitation

    def _taken(self) -> bytes:
        raw = bytes(self._buffer)
        self._buffer.clear()
        return raw
