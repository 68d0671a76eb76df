"""A Part 10 file as it is: checked, and kept byte for byte."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from passerelle.dicom import identify, part10, reidentify
from passerelle.dicom.media import open_media
from passerelle.dicom.request import Made
from passerelle.dicom.stored import Stored, open_stored, understood
from passerelle.errors import EncodingError, IdentityError

if TYPE_CHECKING:
    from passerelle.dicom.request import Wrapping

_DICOMDIR: Final = "1.2.840.10008.1.3.10"
_UID: Final = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")  # PS3.5 9.1
_UID_LENGTH: Final = 64
_UIDS: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_PREAMBLE: Final = 128
_EXECUTABLE: Final = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")


@understood()
def keep(wrapping: Wrapping) -> tuple[Made, tuple[str, ...]]:
    """The one instance of a DICOM file, and notes; it keeps its identity and its UIDs.

    Where it names no patient and somebody else did, it is given that identity, and its UIDs stay.

    Raises:
        EncodingError: It is damaged, cut off, a DICOMDIR, or its UIDs cannot be right.
        IdentityError: It names no patient and nobody did, or it names another one.
        SpoolFull: There is no room.
    """
    stored = open_stored(wrapping.media)
    _check(stored)
    own = str(stored.header.get("PatientID") or "").strip()
    told = str(identify.elements(wrapping.attributes).get("PatientID", "")).strip()
    if own and told and own != told:
        msg = "identity: the DICOM file names another PatientID than was said of it"
        raise IdentityError(msg)
    if not own and not told:
        msg = "identity: the DICOM file names no PatientID, and nobody said whose it is"
        raise IdentityError(msg)
    target = wrapping.into / f"tmp.{stored.header.SOPInstanceUID}.dcm"
    if not own:
        written = reidentify.rewrite(stored, stored.header, wrapping.attributes, target)
        return Made.of(stored.header, stored.syntax, written), ("it was given its patient",)
    head, notes = _preamble(stored)
    with open_media(wrapping.media) as source, part10.created(target) as output:
        source.seek(_PREAMBLE)
        output.write(head)
        shutil.copyfileobj(source, output, part10.BLOCK)
        written = output.finished()
    return Made.of(stored.header, stored.syntax, written), notes


def _preamble(stored: Stored) -> tuple[bytes, tuple[str, ...]]:
    """The preamble, emptied where a machine would run it (PS3.10 7.1, security note)."""
    if stored.preamble.startswith(_EXECUTABLE):
        return b"\0" * _PREAMBLE, ("its preamble was a program and was emptied",)
    return stored.preamble, ()


def _check(stored: Stored) -> None:
    meta, header = stored.meta, stored.header
    if meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
        msg = "DICOM: a DICOMDIR is a table of contents, not an image; take the files it lists"
        raise EncodingError(msg)
    if not stored.syntax:
        msg = "DICOM: the file does not name its transfer syntax (0002,0010)"
        raise EncodingError(msg)
    for keyword in _UIDS:
        uid = str(header.get(keyword) or "")
        if not _UID.fullmatch(uid) or len(uid) > _UID_LENGTH:
            msg = f"DICOM: {keyword} is {'not a valid UID' if uid else 'missing'}"
            raise EncodingError(msg)
    if meta.get("MediaStorageSOPInstanceUID") != header.SOPInstanceUID:
        msg = "DICOM: the file meta information names another instance than the data set"
        raise EncodingError(msg)
