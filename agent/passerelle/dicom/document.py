"""Encapsulates a PDF document (PS3.3 A.45.1)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from passerelle.dicom import modules, part10
from passerelle.dicom.coding import EXPLICIT
from passerelle.dicom.media import open_media
from passerelle.dicom.modules import default
from passerelle.dicom.request import Made
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from passerelle.dicom.request import Wrapping

ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"
_TAG: Final = 0x00420011
_BLOCK: Final = 1 << 20
_END_WITHIN: Final = 1024  # bytes from the end, as every reader of PDF looks for it
_END: Final = b"%%EOF"
_MODALITY: Final = "DOC"


def encapsulate(wrapping: Wrapping) -> Made:
    """The one instance of a document, its bytes as they are.

    Raises:
        EncodingError: The document is cut off.
        IdentityError: What was said of it cannot be right.
        SpoolFull: There is no room.
    """
    with open_media(wrapping.media) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _END_WITHIN))
        if _END not in file.read(_END_WITHIN):
            msg = "PDF: the file ends before the document does (no %%EOF)"
            raise EncodingError(msg)
        file.seek(0)
        return _written(wrapping, file, size)


def _written(wrapping: Wrapping, file: BufferedReader, size: int) -> Made:
    dataset = modules.said(wrapping, {})
    modality = wrapping.profile.modality or _MODALITY
    modules.complete(dataset, wrapping, sop_class_uid=ENCAPSULATED_PDF, modality=modality)
    dataset.SOPInstanceUID = wrapping.origin.uid(0)
    default(dataset, "ConversionType", "WSD")  # from a workstation (PS3.3 C.8.6.1)
    default(dataset, "BurnedInAnnotation", "YES")  # Type 1: a report names its patient
    default(dataset, "DocumentTitle", "")
    default(dataset, "ConceptNameCodeSequence", [])
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = size
    target = wrapping.into / f"tmp.{dataset.SOPInstanceUID}.dcm"
    bulk = part10.Native(blocks=_blocks(file), size=size, vr="OB", tag=_TAG)
    written = part10.write(target, dataset, EXPLICIT, bulk)
    return Made.of(dataset, EXPLICIT, written, 0)


def _blocks(file: BufferedReader) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block
