from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from passerelle.dicom.inspecting import inspect
from passerelle.errors import EncodingError
from passerelle.profile import PLAIN
from pictures_support import COLUMNS, ROWS, colours, deep, encoded, greys, tiff, written

if TYPE_CHECKING:
    from pathlib import Path


def _seen(folder: Path, name: str, data: bytes) -> dict[str, Any]:
    media = written(folder, name, data)
    return inspect({"media": str(media), "profile": PLAIN.model_dump(mode="json")})


def test_a_picture_is_told_with_its_size_and_depth(tmp_path: Path) -> None:
    assert _seen(tmp_path, "a.png", encoded(deep(), "PNG")) == {
        "format": "PNG",
        "frames": 1,
        "instances": 1,
        "rows": ROWS,
        "columns": COLUMNS,
        "samples": 1,
        "bits_stored": 16,
        "photometric": "MONOCHROME2",
        "lossy": False,
        "verbatim": False,
        "attributes": {},
        "notes": [],
    }


def test_pages_that_differ_are_counted_as_instances(tmp_path: Path) -> None:
    seen = _seen(tmp_path, "a.tif", tiff([(deep(), {}), (greys(), {}), (greys(), {})]))
    assert (seen["frames"], seen["instances"]) == (3, 3)


def test_a_baseline_jpeg_is_told_to_stay_as_it_is(tmp_path: Path) -> None:
    seen = _seen(tmp_path, "a.jpg", encoded(colours(), "JPEG"))
    assert seen["verbatim"]
    assert seen["lossy"]


def test_a_note_is_told_once(tmp_path: Path) -> None:
    seen = _seen(tmp_path, "a.png", tiff([(deep(), {}), (greys(), {})]))
    assert seen["notes"] == ["the file is named like PNG but is TIFF"]


def test_a_document_has_no_frames(tmp_path: Path) -> None:
    assert _seen(tmp_path, "a.pdf", b"%PDF-1.4\n%%EOF\n")["format"] == "PDF"


def test_a_fault_in_the_last_frame_is_told_before_anything_is_wrapped(tmp_path: Path) -> None:
    data = tiff([(greys(), {}), (greys(), {279: 10**6})])
    with pytest.raises(EncodingError, match="TIFF: "):
        _seen(
            tmp_path,
            "a.tif",
            data[: len(data) - 600] + data[-600:].replace(b"\x11\x01", b"\x11\x02"),
        )
