from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.uid import UID, generate_uid

from objects_support import WHOSE, made_of, picture, request
from passerelle.dicom.build import wrap
from passerelle.dicom.stored import DEFLATED
from passerelle.errors import EncodingError, IdentityError
from pictures_support import colours, greys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from passerelle.model import Value

NOBODY: Mapping[str, Value] = {}


def original(tmp_path: Path, **attributes: object) -> Path:
    """A Part 10 file as a modality would export it."""
    read = dcmread(made_of(tmp_path / "made", picture(colours())).file)
    for keyword, value in attributes.items():
        setattr(read, keyword, value)
    return written(tmp_path, read)


def written(tmp_path: Path, read: FileDataset) -> Path:
    dcmwrite(tmp_path / "IM0001", read)
    return tmp_path / "IM0001"


def kept(
    tmp_path: Path, media: Path, attributes: Mapping[str, Value] = NOBODY
) -> tuple[dict[str, Any], list[str]]:
    into = tmp_path / "spool"
    into.mkdir(exist_ok=True)
    answer = wrap(request(media, into, attributes))
    (instance,) = answer["instances"]
    return instance, answer["notes"]


def bytes_of(instance: dict[str, Any], tmp_path: Path) -> bytes:
    return (tmp_path / "spool" / f"tmp.{instance['sop_instance_uid']}.dcm").read_bytes()


@pytest.mark.parametrize("attributes", [NOBODY, WHOSE], ids=["alone", "with a sidecar"])
def test_a_dicom_file_is_kept_byte_for_byte_with_its_uids(
    tmp_path: Path, attributes: Mapping[str, Value]
) -> None:
    media = original(tmp_path, StudyInstanceUID="1.2.3")

    instance, notes = kept(tmp_path, media, attributes)

    data = media.read_bytes()
    assert bytes_of(instance, tmp_path) == data
    assert (instance["sha256"], instance["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert instance["study_instance_uid"] == "1.2.3"
    assert instance["sop_instance_uid"] == dcmread(media).SOPInstanceUID
    assert notes == []


def test_a_deflated_file_is_kept_as_it_is(tmp_path: Path) -> None:
    made = made_of(tmp_path / "made", picture(greys()), compression=("None",))
    read = dcmread(made.file)
    read.file_meta.TransferSyntaxUID = UID(DEFLATED)
    media = written(tmp_path, read)

    instance, _ = kept(tmp_path, media)

    assert bytes_of(instance, tmp_path) == media.read_bytes()


@pytest.mark.parametrize("preamble", [b"MZ", b"\x7fELF", b"#!/bin/sh\n"])
def test_a_preamble_that_is_a_program_is_emptied_and_nothing_else(
    tmp_path: Path, preamble: bytes
) -> None:
    media = original(tmp_path)
    data = media.read_bytes()
    media.write_bytes(preamble.ljust(128, b"\x90") + data[128:])

    instance, notes = kept(tmp_path, media)

    assert bytes_of(instance, tmp_path) == bytes(128) + data[128:]
    assert notes == ["its preamble was a program and was emptied"]


def test_the_preamble_of_a_tiff_stays(tmp_path: Path) -> None:
    media = original(tmp_path)
    media.write_bytes(b"II*\0".ljust(128, b"\0") + media.read_bytes()[128:])

    instance, _ = kept(tmp_path, media)

    assert bytes_of(instance, tmp_path) == media.read_bytes()


def test_a_dicomdir_is_refused_with_the_reason(tmp_path: Path) -> None:
    read = dcmread(original(tmp_path))
    read.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    read.SOPClassUID = "1.2.840.10008.1.3.10"

    with pytest.raises(EncodingError, match="DICOMDIR is a table of contents"):
        kept(tmp_path, written(tmp_path, read))


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize(
    ("keyword", "uid"),
    [
        ("StudyInstanceUID", "1.2." + "3" * 62),
        ("SeriesInstanceUID", "1.2.03"),
        ("SeriesInstanceUID", "1.2.x"),
        ("StudyInstanceUID", ""),
    ],
)
def test_a_uid_that_cannot_be_is_refused_by_its_keyword(
    tmp_path: Path, keyword: str, uid: str
) -> None:
    media = original(tmp_path, **{keyword: uid})

    with pytest.raises(EncodingError, match=f"DICOM: {keyword} is "):
        kept(tmp_path, media)


def test_two_names_for_one_instance_are_refused(tmp_path: Path) -> None:
    read = dcmread(original(tmp_path))
    read.file_meta.MediaStorageSOPInstanceUID = generate_uid()

    with pytest.raises(EncodingError, match="names another instance"):
        kept(tmp_path, written(tmp_path, read))


def test_a_file_that_is_cut_off_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    media = original(tmp_path)
    media.write_bytes(media.read_bytes()[:-20])

    with pytest.raises(EncodingError, match="cut off"):
        kept(tmp_path, media)

    assert not list((tmp_path / "spool").iterdir())


def test_a_file_of_nobody_waits_for_a_person(tmp_path: Path) -> None:
    media = original(tmp_path, PatientID="")

    with pytest.raises(IdentityError, match="names no PatientID"):
        kept(tmp_path, media)


def test_a_file_of_nobody_takes_the_patient_that_somebody_names(tmp_path: Path) -> None:
    media = original(tmp_path, PatientID="", PatientName="")
    before = dcmread(media)

    instance, notes = kept(tmp_path, media, WHOSE)

    read = dcmread(instance["file"])
    assert (read.PatientID, str(read.PatientName)) == ("00042", "Müller^Jörg")
    assert read.SOPInstanceUID == before.SOPInstanceUID
    assert read.PixelData == before.PixelData
    assert notes == ["it was given its patient"]


def test_a_file_and_a_sidecar_that_disagree_wait_for_a_person(tmp_path: Path) -> None:
    media = original(tmp_path, PatientID="00043")

    with pytest.raises(IdentityError, match="another PatientID") as caught:
        kept(tmp_path, media, WHOSE)

    assert "0004" not in str(caught.value)
