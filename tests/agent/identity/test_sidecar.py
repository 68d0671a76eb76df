"""A sidecar is read strictly, and what is wrong with it is said without its values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import IdentityError
from passerelle.identity.sidecar import SidecarIdentifier
from passerelle.model import Acquisition, Fingerprint, Identity, Value

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Doe^Jane"  # noqa: S105 - a name, not a password


def acquisition(tmp_path: Path, data: bytes | None) -> Acquisition:
    sidecar = tmp_path / "IMG_0001.json"
    if data is not None:
        sidecar.write_bytes(data)
    return Acquisition(
        source="export",
        media=tmp_path / "IMG_0001.png",
        name="IMG_0001.png",
        fingerprint=Fingerprint(size=1, mtime_ns=1, inode=1, device=1),
        sidecar=None if data is None else sidecar,
    )


def identify(tmp_path: Path, data: bytes) -> Identity | None:
    return SidecarIdentifier().identify(acquisition(tmp_path, data))


def test_no_sidecar_says_nothing(tmp_path: Path) -> None:
    assert SidecarIdentifier().identify(acquisition(tmp_path, None)) is None


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_attribute_is_taken_as_it_stands(tmp_path: Path, mark: bytes) -> None:
    table: dict[str, Value] = {
        "PatientID": "00042",
        "PatientName": "山田^太郎",
        "PatientWeight": 70.5,
        "SeriesNumber": 3,
        "OtherPatientNames": ["a", "b"],
        "PixelSpacing": [0.5, 1],
    }
    data = mark + json.dumps(table, ensure_ascii=False).encode()
    assert identify(tmp_path, data) == Identity(attributes=table, resolver="sidecar")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"[]", "its JSON is not an object"),
        (b'{"PatientName": "Doe^Jane"}', "PatientID is missing"),
        (b'{"PatientID": "  "}', "PatientID is empty"),
        (b'{"PatientID": 42}', "PatientID must be text in quotes"),
        (b'{"PatientID": ["42"]}', "PatientID must be text in quotes"),
        (b'{"PatientID": "1", "PatientID": "Doe^Jane"}', "PatientID stands there twice"),
        (b'{"PatientID": "1", "PatientName": {"a": "Doe^Jane"}}', "PatientName must be text"),
        (b'{"PatientID": "1", "PatientName": [["Doe^Jane"]]}', "PatientName must be text"),
        (b'{"PatientID": "1", "PatientName": []}', "PatientName must be text"),
        (b'{"PatientID": "1", "PatientName": null}', "PatientName must be text"),
        (b'{"PatientID": "1", "PatientName": true}', "PatientName must be text"),
        (b'{"PatientID": "1", "PatientName": ["Doe^Jane", 1]}', "PatientName mixes text"),
        (b'{"PatientID": "1", "Doe^Jane": null}', "a key must be text"),
        (b'{"PatientID": "1", "PatientWeight": NaN}', "NaN and Infinity"),
        (b'{"PatientID": "1", "PatientWeight": -Infinity}', "NaN and Infinity"),
        (b'{"PatientID": "1", "PatientWeight": 1e999}', "PatientWeight must be text"),
        (b'{"PatientID": "1", "SeriesNumber": ' + b"9" * 5000 + b"}", "a number is too long"),
        (b'{"PatientID": "Doe^Jane",\n "PatientName": }', r"not JSON: .* \(line 2, column 17\)"),
        (b'{"PatientID": "Doe^Jane"} more', "not JSON: Extra data"),
        (b'{"PatientID": ' + b"[" * 100_000, "nested too deeply"),
        (b"", "not JSON"),
        ('{"PatientID": "Müller"}'.encode("latin-1"), "not UTF-8"),
        ('{"PatientID": "Doe^Jane"}'.encode("utf-16"), "not UTF-8"),
        (b'{"PatientID": "' + b"1" * (1 << 20) + b'"}', "larger than 1 MB"),
    ],
)
def test_a_fault_is_named_with_its_key_and_never_with_its_value(
    tmp_path: Path, data: bytes, fault: str
) -> None:
    with pytest.raises(IdentityError, match=f"^sidecar: {fault}") as caught:
        identify(tmp_path, data)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_sidecar_that_was_taken_away_is_told_without_its_name(tmp_path: Path) -> None:
    gone = acquisition(tmp_path, b"{}")
    assert gone.sidecar
    gone.sidecar.unlink()
    with pytest.raises(IdentityError, match=r"^sidecar: cannot be read: No such file") as caught:
        SidecarIdentifier().identify(gone)
    assert "IMG_0001" not in str(caught.value)
