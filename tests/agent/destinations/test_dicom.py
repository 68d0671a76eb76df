"""A DICOM archive as a destination: what it does not take is transcoded, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import dcmread

from passerelle.children.child import PEER, WORKER, Child
from passerelle.destinations.dicom import SYNTAXES, DicomDestination
from passerelle.errors import ChildError, NoContext, Refused, Unavailable
from passerelle.model import Instance
from passerelle.profile import PLAIN
from passerelle.settings import DicomDestinationSettings, EquipmentSettings
from passerelle.wrapping import read_once
from peers_support import AGENT_AET, Dcmqrscp, Server, Storescp
from pictures_support import colours, encoded
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def worker() -> Iterator[Child]:
    worker = Child(WORKER, idle_s=60)
    yield worker
    worker.close()


@pytest.fixture
def peer() -> Iterator[Child]:
    peer = Child(PEER)
    yield peer
    peer.close()


@pytest.fixture(scope="module")
def wrapped(worker: Child, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """An instance as the spool holds it: a colour picture in JPEG-LS."""
    folder = tmp_path_factory.mktemp("spool")
    media = folder / "a.png"
    media.write_bytes(encoded(colours(), "PNG"))
    hashed = read_once(media)
    origin = {"agent": "box", "source": "export", "name": "a.png", "sha256": hashed.sha256}
    body = {
        "media": str(media),
        "sha256": hashed.sha256,
        "origin": {**origin, "sidecar_sha256": ""},
        "attributes": {"PatientID": "00042"},
        "equipment": EquipmentSettings().model_dump(exclude={"ae_title"}),
        "profile": PLAIN.model_dump(mode="json"),
        "into": str(folder),
        "number": 1,
        "acquired_at": "2026-01-01T10:00:00+01:00",
    }
    (made,) = worker.request("wrap", body, deadline_s=60)["instances"]
    made.pop("number")
    assert made["transfer_syntax_uid"] == SYNTAXES["JPEGLSLossless"]
    return Instance(path=Path(made.pop("file")), **made)


class Desk:
    """Destinations on one scratch folder."""

    def __init__(self, scratch: Path, peer: Child, worker: Child) -> None:
        self.scratch, self.peer, self.worker = scratch, peer, worker

    def destination(self, server: Server | int, **settings: Any) -> DicomDestination:  # noqa: ANN401 - a setting's own
        given = {"connect_timeout_s": 3.0, "answer_timeout_s": 10.0, **settings}
        return DicomDestination(
            DicomDestinationSettings(
                name="pacs",
                type="dicom",
                host="127.0.0.1",
                port=server if isinstance(server, int) else server.port,
                ae_title=Server.ae_title if isinstance(server, int) else server.ae_title,
                **given,
            ),
            calling_ae_title=AGENT_AET,
            peer=self.peer,
            worker=self.worker,
            scratch=self.scratch,
            on_report=lambda _report: None,
        )


@pytest.fixture
def desk(tmp_path: Path, peer: Child, worker: Child) -> Desk:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Desk(scratch, peer, worker)


def test_an_archive_that_takes_it_gets_the_spools_own_bytes(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp", "+xa") as archive:
        desk.destination(archive).store(wrapped)
        (got,) = archive.received()
    received, ours = dcmread(got), dcmread(wrapped.path)
    assert received.file_meta.TransferSyntaxUID == wrapped.transfer_syntax_uid
    assert received.PixelData == ours.PixelData


def test_an_archive_of_uncompressed_objects_gets_equal_pixels_without_compression(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp") as archive:
        destination = desk.destination(archive)
        destination.store(wrapped)
        destination.store(wrapped)
        received = [dcmread(path) for path in archive.received()]
    for one in received:
        assert one.file_meta.TransferSyntaxUID == SYNTAXES["ExplicitVRLittleEndian"]
        assert one.SOPInstanceUID == wrapped.sop_instance_uid
        assert np.array_equal(one.pixel_array, colours())
    assert received
    assert list(desk.scratch.iterdir()) == [], "the copy is gone"


def test_the_order_of_the_config_decides_what_it_is_transcoded_to(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp") as archive:
        wanted = ("ImplicitVRLittleEndian", "ExplicitVRLittleEndian")
        desk.destination(archive, transfer_syntaxes=wanted).store(wrapped)
        (got,) = archive.received()
    assert dcmread(got).file_meta.TransferSyntaxUID == SYNTAXES["ImplicitVRLittleEndian"]


def test_where_nothing_that_it_takes_may_be_sent_the_instance_is_refused(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp") as archive:
        destination = desk.destination(archive, transfer_syntaxes=("RLELossless",))
        with pytest.raises(Refused, match="takes no transfer syntax we may send of SOP Class"):
            destination.store(wrapped)


def test_a_damaged_object_that_must_be_transcoded_is_refused_and_not_the_destination(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(wrapped.path.read_bytes()[:-500])
    with Storescp(tmp_path / "storescp") as archive:
        with pytest.raises(Refused, match=r"^pacs: cannot be transcoded"):
            desk.destination(archive).store(replace(wrapped, path=damaged))
        desk.destination(archive).store(wrapped)


def test_an_archive_without_commitment_says_so_before_anything_waits_for_it(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp", "+xa") as archive, pytest.raises(NoContext):
        desk.destination(archive).request_commitment("2.25.9", [wrapped])


def test_an_archive_that_cannot_be_asked_answers_nothing_and_one_that_can_tells_what_it_has(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp", "+xa") as archive:
        assert desk.destination(archive).held([wrapped]) is None
    with Dcmqrscp(tmp_path / "qr") as archive:
        destination = desk.destination(archive)
        destination.store(wrapped)
        assert destination.held([wrapped]) == {wrapped.sop_instance_uid}


def test_a_child_that_is_ended_blames_the_instance_only_while_one_leaves(
    desk: Desk, wrapped: Instance
) -> None:
    class Dying:
        """A peer child that ends at every request."""

        def request(self, *_: object, **__: object) -> dict[str, Any]:
            msg = "peer: ended unasked (SIGKILL)"
            raise ChildError(msg)

    destination = desk.destination(free_port())
    destination._peer = Dying()  # type: ignore[assignment]  # noqa: SLF001 - as when it is killed
    with pytest.raises(ChildError):
        destination.store(wrapped)
    with pytest.raises(Unavailable, match=r"^pacs: peer: ended unasked"):
        destination.probe()
