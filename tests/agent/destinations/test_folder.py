"""A folder as a destination: whole files only, and its proof is to read them back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from delivery_support import stored
from passerelle.destinations.folder import FolderDestination
from passerelle.errors import Unavailable
from passerelle.model import Instance

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"an object"


@pytest.fixture
def one(tmp_path: Path) -> Instance:
    path = tmp_path / "one.dcm"
    path.write_bytes(CONTENT)
    return Instance(
        sop_instance_uid="2.25.3",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7",
        study_instance_uid="2.25.1",
        series_instance_uid="2.25.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        path=path,
    )


@pytest.fixture
def share(tmp_path: Path) -> Path:
    share = tmp_path / "share"
    share.mkdir()
    return share


def test_an_object_lies_below_its_study_and_series(one: Instance, share: Path) -> None:
    assert stored(FolderDestination("share", share), one) == ""
    assert [path.relative_to(share).as_posix() for path in share.rglob("*") if path.is_file()] == [
        "2.25.1/2.25.2/2.25.3.dcm"
    ]
    assert (share / "2.25.1/2.25.2/2.25.3.dcm").read_bytes() == CONTENT


def test_a_copy_that_differs_is_no_proof(one: Instance, share: Path) -> None:
    destination = FolderDestination("share", share)
    stored(destination, one)
    (share / "2.25.1/2.25.2/2.25.3.dcm").write_bytes(b"an objecT")
    assert destination.held([one]) == set()
    report = destination.request_commitment("2.25.9", [one])
    assert (report.committed, report.failed) == ((), {"2.25.3": 0x0112})
    stored(destination, one)
    assert destination.request_commitment("2.25.9", [one]).committed == ("2.25.3",)


def test_a_share_that_is_not_mounted_is_not_filled_from_below(one: Instance, share: Path) -> None:
    share.rmdir()
    with pytest.raises(Unavailable, match=r"^share: the folder .* is not there$"):
        stored(FolderDestination("share", share), one)
    assert not share.exists()


def test_a_folder_that_takes_nothing_is_unavailable_and_blames_no_instance(
    one: Instance, share: Path
) -> None:
    (share / "2.25.1").write_bytes(b"a file where the study's folder belongs")
    with pytest.raises(Unavailable, match=r"^share: "):
        stored(FolderDestination("share", share), one)
    with pytest.raises(Unavailable, match=r"^share: "):
        FolderDestination("share", share).held([one])


def test_what_an_interrupted_copy_left_is_overwritten(one: Instance, share: Path) -> None:
    partial = share / "2.25.1/2.25.2/2.25.3.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"half of something longer than the object")
    stored(FolderDestination("share", share), one)
    assert not partial.exists()
    assert partial.with_suffix(".dcm").read_bytes() == CONTENT
