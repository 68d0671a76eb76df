"""Bilevel pages become a Multi-frame Single Bit Secondary Capture, bit for bit."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from passerelle.dicom import single_bit
from passerelle.dicom.build import wrap
from passerelle.dicom.transcode import transcode
from passerelle.errors import EncodingError
from passerelle.profile import PLAIN
from passerelle.settings import EquipmentSettings
from support import peer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SINGLE_BIT = "1.2.840.10008.5.1.4.1.1.7.1"
IMPLICIT = "1.2.840.10008.1.2"


def pages(rows: int, columns: int, count: int = 3) -> list[NDArray[np.bool_]]:
    random = np.random.default_rng(1)
    return [random.integers(0, 2, (rows, columns)).astype(bool) for _ in range(count)]


def wrapped(folder: Path, content: list[NDArray[np.bool_]]) -> dict[str, Any]:
    media = folder / "fax.tif"
    first, *rest = [Image.fromarray(page) for page in content]
    first.save(media, save_all=True, append_images=rest, compression="group4")
    sha256 = hashlib.sha256(media.read_bytes()).hexdigest()
    origin = dict.fromkeys(("agent", "source", "name", "sidecar_sha256"), "a")
    body = {
        "media": str(media),
        "sha256": sha256,
        "origin": {**origin, "sha256": sha256},
        "attributes": {"PatientID": "00042"},
        "equipment": EquipmentSettings().model_dump(exclude={"ae_title"}),
        "profile": PLAIN.model_dump(mode="json"),
        "into": str(folder),
        "number": 1,
        "acquired_at": "2026-11-23T03:00:00+00:00",
    }
    (instance,) = wrap(body)["instances"]
    return dict(instance)


@pytest.mark.parametrize(("rows", "columns"), [(8, 16), (37, 51), (1, 3), (64, 63)])
def test_pages_of_single_bits_are_kept_bit_for_bit(tmp_path: Path, rows: int, columns: int) -> None:
    content = pages(rows, columns)
    instance = wrapped(tmp_path, content)
    dataset = dcmread(instance["file"])
    assert dataset.SOPClassUID == SINGLE_BIT
    assert (dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit) == (1, 1, 0)
    assert np.array_equal(dataset.pixel_array, np.array(content))


def test_the_object_is_valid(tmp_path: Path) -> None:
    instance = wrapped(tmp_path, pages(37, 51))
    told = subprocess.run(
        [peer("dciodvfy"), instance["file"]], capture_output=True, text=True, check=False
    )
    assert "MultiframeSingleBitSCImage" in told.stderr
    assert "Error" not in told.stderr


def test_an_archive_that_takes_implicit_only_gets_the_same_bits(tmp_path: Path) -> None:
    content = pages(37, 51)
    instance = wrapped(tmp_path, content)
    into = tmp_path / "transcoded"
    into.mkdir()
    body = {"file": instance["file"], "syntaxes": [IMPLICIT], "into": str(into)}
    copy = dcmread(transcode(body)["file"])
    assert copy.file_meta.TransferSyntaxUID == IMPLICIT
    assert np.array_equal(copy.pixel_array, np.array(content))


def test_one_page_stays_an_ordinary_secondary_capture(tmp_path: Path) -> None:
    instance = wrapped(tmp_path, pages(37, 51, count=1))
    assert instance["sop_class_uid"] == "1.2.840.10008.5.1.4.1.1.7"


def test_grey_where_bits_were_announced_is_told() -> None:
    frame = np.full((2, 4), 7, np.uint8)
    with pytest.raises(EncodingError, match="single bits"):
        list(single_bit.packed([frame], 8))
