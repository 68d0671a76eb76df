"""What every destination promises, run against each of them, the archives real ones."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from delivery_support import stored
from passerelle.children.child import PEER, WORKER, Child
from passerelle.destinations.dicom import DicomDestination
from passerelle.destinations.folder import FolderDestination
from passerelle.errors import Unavailable
from passerelle.model import Instance
from passerelle.settings import CommitmentSettings, DicomDestinationSettings
from peers_support import AGENT_AET, Orthanc, embedded_archive, instance
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle.interfaces import Destination
    from passerelle.model import CommitmentReport


def made(folder: Path, number: int = 1) -> Instance:
    body = instance(folder, number)
    content = Path(body["file"]).read_bytes()
    return Instance(
        sop_instance_uid=body["sop_instance_uid"],
        sop_class_uid=body["sop_class_uid"],
        study_instance_uid=body["study_instance_uid"],
        series_instance_uid=body["series_instance_uid"],
        transfer_syntax_uid=body["transfer_syntax_uid"],
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        path=Path(body["file"]),
    )


class Place:
    """One destination, one of its kind that nobody is behind, and how many objects arrived."""

    def __init__(self, stack: ExitStack, kind: str, folder: Path) -> None:
        self.reports: list[CommitmentReport] = []
        self._stack, self._folder, self._kind = stack, folder, kind
        if kind == "folder":
            self.archive = folder / "archive"
            self.archive.mkdir()
            self.destination: Destination = FolderDestination("pacs", self.archive)
        elif kind == "embedded":
            self.archive = folder / "archive"
            self.archive.mkdir()
            node = stack.enter_context(embedded_archive(self.archive, reporting="same"))
            self.destination = self._dicom(node["port"], node["ae_title"])
        else:
            self.orthanc = stack.enter_context(Orthanc(folder / "orthanc"))
            self.destination = self._dicom(self.orthanc.port)

    def absent(self) -> Destination:
        if self._kind == "folder":
            return FolderDestination("pacs", self._folder / "not mounted")
        return self._dicom(free_port())

    def count(self) -> int:
        if self._kind == "orthanc":
            return self.orthanc.count()
        return len(list(self.archive.rglob("*.dcm")))

    def _dicom(self, port: int, ae_title: str = "ORTHANC") -> DicomDestination:
        peer, worker = Child(PEER), Child(WORKER)
        self._stack.callback(peer.close)
        self._stack.callback(worker.close)
        return DicomDestination(
            DicomDestinationSettings(
                name="pacs",
                type="dicom",
                host="127.0.0.1",
                port=port,
                ae_title=ae_title,
                connect_timeout_s=3.0,
                answer_timeout_s=10.0,
                commitment=CommitmentSettings(mode="required"),
            ),
            calling_ae_title=AGENT_AET,
            peer=peer,
            worker=worker,
            scratch=self._folder,
            on_report=self.reports.append,
        )


@pytest.fixture(params=["folder", "embedded", "orthanc"], scope="module")
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(stack, request.param, tmp_path_factory.mktemp("place"))


def test_the_same_instance_stored_twice_is_there_once(place: Place, tmp_path: Path) -> None:
    one = made(tmp_path)
    before = place.count()
    stored(place.destination, one)
    stored(place.destination, one)
    assert place.count() == before + 1


def test_it_has_what_it_stored_and_nothing_else(place: Place, tmp_path: Path) -> None:
    one, other = made(tmp_path, 11), made(tmp_path, 12)
    stored(place.destination, one)
    assert place.destination.held([one, other]) == {one.sop_instance_uid}


def test_the_file_that_was_stored_is_left_as_it_was(place: Place, tmp_path: Path) -> None:
    one = made(tmp_path, 21)
    stored(place.destination, one)
    assert hashlib.sha256(one.path.read_bytes()).hexdigest() == one.sha256


def test_it_proves_what_it_has_and_names_what_it_lacks(place: Place, tmp_path: Path) -> None:
    one, other = made(tmp_path, 31), made(tmp_path, 32)
    stored(place.destination, one)
    report = place.destination.request_commitment("2.25.500", [one, other])
    if report is None:
        return  # it comes later, to a port of ours: see tests/agent/test_reports.py
    assert report.transaction_uid == "2.25.500"
    assert report.committed == (one.sop_instance_uid,)
    assert list(report.failed) == [other.sop_instance_uid]


def test_it_answers_a_probe(place: Place, tmp_path: Path) -> None:
    place.destination.probe()
    stored(place.destination, made(tmp_path, 41))


def test_where_nobody_is_it_is_unavailable_and_says_which(place: Place, tmp_path: Path) -> None:
    absent, one = place.absent(), made(tmp_path, 51)
    with pytest.raises(Unavailable, match=r"^pacs: "):
        absent.probe()
    with pytest.raises(Unavailable, match=r"^pacs: "):
        stored(absent, one)
    with pytest.raises(Unavailable, match=r"^pacs: "):
        absent.held([one])
    with pytest.raises(Unavailable, match=r"^pacs: "):
        absent.request_commitment("2.25.501", [one])
