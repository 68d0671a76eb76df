"""A DICOM archive as a destination: what it does not take is transcoded, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import dcmread

from delivery_support import handed_over, stored
from passerelle.children.child import PEER, WORKER, Child
from passerelle.destinations.dicom import SYNTAXES, DicomDestination
from passerelle.errors import ChildError, NoContext, Refused, Unavailable, Uncertain
from passerelle.model import Instance
from passerelle.profile import PLAIN
from passerelle.settings import DicomDestinationSettings, EquipmentSettings
from passerelle.spool.files import sha256_of
from passerelle.wrapping import read_once
from peers_support import AGENT_AET, Dcmqrscp, Orthanc, Server, Storescp, instance
from pictures_support import colours, encoded
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from passerelle.interfaces import Outcome


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
        stored(desk.destination(archive), wrapped)
        (got,) = archive.received()
    received, ours = dcmread(got), dcmread(wrapped.path)
    assert received.file_meta.TransferSyntaxUID == wrapped.transfer_syntax_uid
    assert received.PixelData == ours.PixelData


def test_an_archive_of_uncompressed_objects_gets_equal_pixels_without_compression(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp") as archive:
        destination = desk.destination(archive)
        stored(destination, wrapped)
        stored(destination, wrapped)
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
        stored(desk.destination(archive, transfer_syntaxes=wanted), wrapped)
        (got,) = archive.received()
    assert dcmread(got).file_meta.TransferSyntaxUID == SYNTAXES["ImplicitVRLittleEndian"]


def test_where_nothing_that_it_takes_may_be_sent_the_instance_is_refused(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    with Storescp(tmp_path / "storescp") as archive:
        destination = desk.destination(archive, transfer_syntaxes=("RLELossless",))
        with pytest.raises(Refused, match="takes no transfer syntax we may send of SOP Class"):
            stored(destination, wrapped)


def test_a_damaged_object_that_must_be_transcoded_is_refused_and_not_the_destination(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(wrapped.path.read_bytes()[:-500])
    with Storescp(tmp_path / "storescp") as archive:
        with pytest.raises(Refused, match=r"^pacs: cannot be transcoded"):
            stored(desk.destination(archive), replace(wrapped, path=damaged, sha256=""))
        stored(desk.destination(archive), wrapped)


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
        stored(destination, wrapped)
        assert destination.held([wrapped]) == {wrapped.sop_instance_uid}


class Dying:
    """A peer child that is killed after it has told some of what it does."""

    def __init__(self, *told: dict[str, Any]) -> None:
        self.told = told

    def request(
        self, *_: object, on_told: Callable[[dict[str, Any]], bool], **__: object
    ) -> dict[str, Any]:
        for one in self.told:
            on_told(one)
        msg = "peer: ended unasked (SIGKILL)"
        raise ChildError(msg)


def dying(desk: Desk, *told: dict[str, Any]) -> DicomDestination:
    destination = desk.destination(free_port())
    destination._peer = Dying(*told)  # type: ignore[assignment]  # noqa: SLF001 - as when it is killed
    return destination


def test_a_child_that_is_ended_leaves_in_doubt_no_more_than_it_may_have_begun(
    desk: Desk, wrapped: Instance
) -> None:
    queue = [replace(wrapped, sop_instance_uid=f"2.25.{number}") for number in range(9)]
    success = {"status": 0, "comment": ""}
    destination = dying(desk, {"lanes": 2}, {"uid": "2.25.1", **success})
    heard = handed_over(destination, *queue)
    assert list(heard) == ["2.25.1", "2.25.0", "2.25.2"]
    assert heard["2.25.1"] == ""
    assert isinstance(heard["2.25.0"], Uncertain)
    assert isinstance(heard["2.25.2"], Uncertain)


def test_a_child_that_cannot_even_begin_is_a_destination_that_is_away(
    desk: Desk, wrapped: Instance
) -> None:
    with pytest.raises(Unavailable, match=r"^pacs: peer: ended unasked"):
        handed_over(dying(desk), wrapped)
    with pytest.raises(Unavailable, match=r"^pacs: peer: ended unasked"):
        dying(desk).probe()


def test_an_object_that_rotted_in_the_spool_never_reaches_an_archive_whole(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    content = bytearray(wrapped.path.read_bytes())
    content[-20] ^= 1
    rotten = replace(wrapped, path=tmp_path / "rotten.dcm")
    rotten.path.write_bytes(content)
    for options in ((), ("+xa",)):  # to be transcoded, and as it is
        with Storescp(tmp_path / f"storescp{len(options)}", *options) as archive:
            destination = desk.destination(archive)
            with pytest.raises(Refused, match="the object is damaged"):
                stored(destination, rotten)
            assert archive.received() == []


def test_several_associations_deliver_each_instance_once(
    desk: Desk, tmp_path: Path, wrapped: Instance
) -> None:
    queue = []
    for number in range(40):
        body = instance(tmp_path, number)
        path = Path(body["file"])
        queue.append(
            replace(
                wrapped,
                path=path,
                sha256=sha256_of(path),
                size=path.stat().st_size,
                sop_instance_uid=body["sop_instance_uid"],
                sop_class_uid=body["sop_class_uid"],
                transfer_syntax_uid=body["transfer_syntax_uid"],
            )
        )
    with Orthanc(tmp_path / "peer") as archive:
        destination = desk.destination(archive, associations=4)
        heard: dict[str, Outcome] = {}
        for at in range(0, 40, 10):  # each batch may widen
            heard |= handed_over(destination, *queue[at : at + 10])
        assert heard == {one.sop_instance_uid: "" for one in queue}
        assert archive.count() == 40
