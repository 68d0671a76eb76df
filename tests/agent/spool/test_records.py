from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passerelle.spool.records import (
    KeptRecord,
    ObjectRecord,
    read_kept_record,
    read_object_record,
    write_record,
)
from spool_support import NOON, origin

if TYPE_CHECKING:
    from pathlib import Path

OBJECT = ObjectRecord(
    origin=origin("Zoë \udce9\n.png"),
    instances=2,
    acquisition_size=20,
    number=1,
    sop_instance_uid="2.25.1",
    sop_class_uid="2.25.2",
    study_instance_uid="2.25.3",
    series_instance_uid="2.25.4",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    sha256="ab",
    size=10,
    destinations=("pacs", "research"),
    created_at=NOON,
    identity={"attributes": {"PatientID": "00042"}, "resolver": "sidecar"},
)
KEPT = KeptRecord(
    origin=origin(), reason="no patient", media="a.png", sidecar="", size=9, received_at=NOON
)


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_record(tmp_path / "object.json", OBJECT)
    write_record(tmp_path / "kept.json", KEPT)
    assert read_object_record(tmp_path / "object.json") == OBJECT
    assert read_kept_record(tmp_path / "kept.json") == KEPT


def test_no_flipped_bit_is_read_as_something_else(tmp_path: Path) -> None:
    path = tmp_path / "object.json"
    write_record(path, OBJECT)
    sound = path.read_bytes()
    for bit in range(0, len(sound) * 8, 13):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert read_object_record(path) in (None, OBJECT)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"record": 1, "sha256": "a"}'])
def test_what_is_no_record_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "object.json"
    assert read_object_record(path) is None
    path.write_bytes(content)
    assert read_object_record(path) is None
    assert read_kept_record(path) is None
