"""Where the data set of a Part 10 file begins; only group 2 is read (PS3.10 7.1)."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

from passerelle.errors import Refused

if TYPE_CHECKING:
    from io import FileIO

    from passerelle.dimse.negotiation import Pair

_HEAD: Final = 4 * 1024  # nearly every file's group 2 is shorter
_META_LIMIT: Final = 64 * 1024
_PREAMBLE: Final = 128
_LONG_VRS: Final = (b"OB", b"OW", b"UN", b"UT", b"SQ")


def data_set_offset(file: FileIO, pair: Pair, sop_instance_uid: str) -> tuple[bytes, int]:
    """What comes before the data set, and the data set's size, with the file at its beginning.

    Raises:
        Refused: It is no Part 10 file, or another instance's.
        OSError: It cannot be read.
    """
    head = file.read(_HEAD)
    try:
        try:
            offset, meta = _file_meta(head)
        except (struct.error, ValueError):
            head += file.read(_META_LIMIT)
            offset, meta = _file_meta(head)
    except (struct.error, ValueError) as error:
        msg = "the instance's file is no DICOM file"
        raise Refused(msg) from error
    if [meta.get(element) for element in (0x02, 0x10, 0x03)] != [*pair, sop_instance_uid]:
        msg = "the instance's file is not of the SOP Class, instance or syntax that was asked for"
        raise Refused(msg)
    size = os.fstat(file.fileno()).st_size - offset
    if size <= 0:
        msg = "the instance's file holds no data set"
        raise Refused(msg)
    file.seek(offset)
    return head[:offset], size


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
