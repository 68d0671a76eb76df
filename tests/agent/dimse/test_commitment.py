"""Storage commitment: the request, and every way its report can come or be wrong."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import N_EVENT_REPORT

from passerelle.dimse.commitment import STORAGE_COMMITMENT, Report, report, request
from passerelle.dimse.primitive import Primitive, encoded_dataset
from passerelle.errors import NoContext, Unavailable
from peers_support import AGENT_AET, Orthanc, Storescp, instance

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from passerelle.dimse.archive import Archive
    from passerelle.dimse.association import Association

    Opened = Callable[..., AbstractContextManager[Association]]

EXPLICIT = "1.2.840.10008.1.2.1"


def node(port: int) -> dict[str, Any]:
    known = {"ae_title": "ARCHIVE", "calling_ae_title": AGENT_AET}
    return {"host": "127.0.0.1", "port": port, **known}


def event(dataset: Dataset) -> Primitive:
    primitive = N_EVENT_REPORT()
    primitive.EventInformation = encoded_dataset(dataset, EXPLICIT)
    return primitive


def reference(uid: str, **more: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    item.ReferencedSOPInstanceUID = uid
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


def test_a_report_tells_what_is_committed_and_what_failed_and_why() -> None:
    dataset = Dataset()
    dataset.TransactionUID = "1.2.3"
    dataset.ReferencedSOPSequence = [reference("1.1"), reference("1.2")]
    dataset.FailedSOPSequence = [reference("1.3", FailureReason=0x0112), reference("1.4")]
    assert report(event(dataset), EXPLICIT) == {
        "transaction_uid": "1.2.3",
        "committed": ["1.1", "1.2"],
        "failed": {"1.3": 0x0112, "1.4": 0x0110},
    }


def test_what_is_reported_both_ways_is_not_committed() -> None:
    dataset = Dataset()
    dataset.TransactionUID = "1.2.3"
    dataset.ReferencedSOPSequence = [reference("1.1")]
    dataset.FailedSOPSequence = [reference("1.1", FailureReason=0x0112)]
    assert report(event(dataset), EXPLICIT)["committed"] == []


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom about the content
@pytest.mark.parametrize("content", [None, b"", b"rubbish that is no data set", b"\x08\0\x18"])
def test_a_report_without_sense_is_named_and_never_a_proof(content: bytes | None) -> None:
    primitive = N_EVENT_REPORT()
    primitive.EventInformation = None if content is None else BytesIO(content)
    with pytest.raises(Unavailable, match=r"commitment report|malformed data set"):
        report(primitive, EXPLICIT)


def test_an_item_without_its_instance_is_never_a_proof() -> None:
    dataset = Dataset()
    dataset.TransactionUID = "1.2.3"
    dataset.ReferencedSOPSequence = [Dataset()]
    with pytest.raises(Unavailable, match="malformed commitment report"):
        report(event(dataset), EXPLICIT)


def test_a_report_on_the_same_association_is_taken_and_answered(
    tmp_path: Path, opened: Opened, archive: Archive
) -> None:
    archive.reporting = "same"
    reports: list[Report] = []

    def on_event(event: Primitive, syntax: str) -> int:
        reports.append(report(event, syntax))
        return 0

    body = instance(tmp_path)
    with opened(node(archive.port), STORAGE_COMMITMENT, on_event=on_event) as association:
        pair = (STORAGE_COMMITMENT, EXPLICIT)
        request(association, pair, "1.2.3", [body])
        association.take_reports(5, until=lambda: bool(reports))
        request(association, pair, "1.2.4", [body])
        association.take_reports(5, until=lambda: len(reports) > 1)
    failed = {body["sop_instance_uid"]: 0x0112}
    assert reports == [
        {"transaction_uid": uid, "committed": [], "failed": failed} for uid in ("1.2.3", "1.2.4")
    ]


def test_orthanc_takes_the_request_of_a_node_that_it_knows(tmp_path: Path, opened: Opened) -> None:
    with Orthanc(tmp_path / "peer") as server:
        with opened(server.node(), STORAGE_COMMITMENT) as association:
            request(association, (STORAGE_COMMITMENT, EXPLICIT), "1.2.3", [instance(tmp_path)])
        strange = server.node(calling_ae_title="STRANGER")
        with (
            opened(strange, STORAGE_COMMITMENT) as association,
            pytest.raises(Unavailable, match="the peer aborted"),
        ):
            request(association, (STORAGE_COMMITMENT, EXPLICIT), "1.2.4", [instance(tmp_path)])


def test_an_archive_without_commitment_says_so(tmp_path: Path, opened: Opened) -> None:
    with (
        Storescp(tmp_path / "peer") as server,
        opened(server.node(), STORAGE_COMMITMENT) as association,
        pytest.raises(NoContext, match="Storage Commitment"),
    ):
        association.context(STORAGE_COMMITMENT)
