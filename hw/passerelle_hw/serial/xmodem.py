"""The receiving side of XMODEM and YMODEM: blocks in, answers out, and files into a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle_hw.serial.modem import ACK, Modem
from passerelle_hw.serial.transfer import Refused

if TYPE_CHECKING:
    from passerelle_hw.serial.transfer import Store


class Xmodem(Modem):
    """One file at a time, which has neither a name nor a length.

    Its last block is filled up with 1A, so that a file has up to 1023 bytes too many, unless its
    length is known: nothing in the bytes tells filling from content.
    """

    def __init__(
        self, store: Store, name: str, *, is_crc: bool = True, file_bytes: int | None = None
    ) -> None:
        """A receiver that has not invited anybody.

        Args:
            store: Takes the files.
            name: What each of them is called.
            is_crc: Whether blocks have a CRC-16, or only a sum of eight bits.
            file_bytes: How long each file is, where that is known.
        """
        super().__init__(store, is_crc=is_crc)
        self._name = name
        self._file_bytes = file_bytes

    def begin(self, number: int, data: bytes) -> bytes:
        """See `Modem.begin`."""
        if number != 1:
            msg = f"a file that begins with block {number}: it is YMODEM, or its beginning is lost"
            raise Refused(msg)
        self.open(self._name, self._file_bytes)
        self.content(data)
        return ACK

    def after_file(self) -> bytes:
        """See `Modem.after_file`."""
        return ACK


class Ymodem(Modem):
    """Files one after the other, each with its name and, of most devices, its length."""

    def begin(self, number: int, data: bytes) -> bytes:
        """See `Modem.begin`."""
        if number != 0:
            msg = f"a file that begins with block {number}: it is XMODEM, or its beginning is lost"
            raise Refused(msg)
        if not data[0]:
            return ACK  # the batch ends
        self.open(*_header(data))
        return ACK + self.invitation

    def after_file(self) -> bytes:
        """See `Modem.after_file`."""
        return ACK + self.invitation


def _header(data: bytes) -> tuple[str, int | None]:
    """Name and length of a file, as block 0 says; the name without the folder it may have.

    Raises:
        Refused: It does not say them so that they can be read.
    """
    path, _, rest = data.partition(b"\0")
    length = rest.partition(b"\0")[0].partition(b" ")[0]
    try:
        name = path.rpartition(b"/")[2].decode("utf-8")
    except UnicodeDecodeError:
        msg = "its name is not UTF-8"
        raise Refused(msg) from None
    if len(path) == len(data) or not name or (length and not length.isdigit()):
        msg = "a header that cannot be read"
        raise Refused(msg)
    return name, int(length) if length else None
