"""Which sidecar belongs to which picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passerelle.sources.pairing import LIMIT_BYTES, Pairing, is_sidecar, reads_as_json

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("names", "picture", "sidecar"),
    [
        (["a.png", "a.png.json"], "a.png", "a.png.json"),
        (["a.png", "a.json"], "a.png", "a.json"),
        (["a.png", "a.json", "a.png.json"], "a.png", "a.png.json"),
        (["a.png", "a.JSON"], "a.png", "a.JSON"),
        (["a.png", "a.JSON", "a.json"], "a.png", "a.json"),
        (["s/a.png", "a.json"], "s/a.png", None),
        (["s/a.png", "s/a.json"], "s/a.png", "s/a.json"),
        (["A.png", "a.png", "a.json", "A.json"], "A.png", "A.json"),
        (["a.png", "A.json"], "a.png", None),
        (["a.b.png", "a.json"], "a.b.png", None),
        (["a", "a.json"], "a", "a.json"),
        (["é.png", "é.json"], "é.png", "é.json"),
        (["é.png", "é.json", "é.json"], "é.png", "é.json"),
    ],
)
def test_a_sidecar_is_found_by_name(names: list[str], picture: str, sidecar: str | None) -> None:
    assert Pairing(names).sidecar_of(picture) == sidecar


def test_one_sidecar_serves_every_picture_of_its_stem() -> None:
    pairing = Pairing(["a.png", "a.jpg", "a.tif", "a.tif.json", "a.json", "b.json"])
    assert pairing.pictures_of("a.json") == ["a.png", "a.jpg"]
    assert pairing.pictures_of("a.tif.json") == ["a.tif"]
    assert pairing.without_picture() == ["b.json"]


def test_only_the_suffix_makes_a_sidecar() -> None:
    assert is_sidecar("a.Json")
    assert not is_sidecar("a.json.png")


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b'{"PatientID": "1"}', True),
        (b'\xef\xbb\xbf{"PatientID": "1"}\n', True),
        (b'{"PatientID": "1"', False),
        (b"", False),
        ('{"PatientID": "1"}'.encode("utf-16"), False),
        (b"[" * 100_000, False),
        (b" " * (LIMIT_BYTES + 1), True),
    ],
)
def test_json_is_read_to_its_end(tmp_path: Path, data: bytes, whole: bool) -> None:  # noqa: FBT001 - a parameter
    path = tmp_path / "a.json"
    path.write_bytes(data)
    assert reads_as_json(path) is whole


def test_names_that_come_and_go_leave_what_would_have_been_found_without_them() -> None:
    pairing = Pairing(["a.png", "b.json"])
    for name in ("a.json", "a.jpg", "é.png"):
        pairing.add(name)
    for name in ("a.jpg", "b.json", "é.png"):
        pairing.remove(name)
    assert vars(pairing) == vars(Pairing(["a.png", "a.json"]))
    assert pairing.pictures_of("a.json") == ["a.png"]
