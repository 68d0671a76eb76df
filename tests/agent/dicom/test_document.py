from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from objects_support import WHOSE, faults, object_of
from passerelle.errors import EncodingError
from pictures_support import written

if TYPE_CHECKING:
    from pathlib import Path

PDF = b"%PDF-1.4\n1 0 obj\nendobj\ntrailer\n%%EOF\n"


@pytest.mark.parametrize("data", [PDF, PDF + b"\n"], ids=["odd", "even"])
def test_a_document_keeps_its_own_bytes_and_tells_their_number(tmp_path: Path, data: bytes) -> None:
    read = object_of(written(tmp_path, "a.pdf", data), tmp_path / "spool")

    assert read.EncapsulatedDocument[: len(data)] == data
    assert read.EncapsulatedDocumentLength == len(data)
    assert read.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert (read.SOPClassUID, read.Modality) == ("1.2.840.10008.5.1.4.1.1.104.1", "DOC")
    assert read.InstanceNumber == 7


def test_dciodvfy_finds_no_error(tmp_path: Path) -> None:
    read = object_of(written(tmp_path, "a.pdf", PDF), tmp_path / "spool")

    assert faults(tmp_path / "spool" / f"tmp.{read.SOPInstanceUID}.dcm") == []


def test_a_profile_gives_a_document_its_title_and_modality(tmp_path: Path) -> None:
    profile = {"modality": "OPV", "attributes": {"DocumentTitle": "Visual field"}}

    read = object_of(written(tmp_path, "a.pdf", PDF), tmp_path / "spool", WHOSE, **profile)

    assert (read.DocumentTitle, read.Modality) == ("Visual field", "OPV")


@pytest.mark.parametrize("end", [9, 20, len(PDF) - 6])
def test_a_document_that_is_cut_off_is_refused(tmp_path: Path, end: int) -> None:
    with pytest.raises(EncodingError, match="PDF: the file ends before the document does"):
        object_of(written(tmp_path, "a.pdf", PDF[:end]), tmp_path / "spool")

    assert not list((tmp_path / "spool").iterdir())
