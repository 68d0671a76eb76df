"""C-FIND: what an archive has, and what a worklist offers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from passerelle.dimse.query import STUDY_ROOT_FIND, WORKLIST_FIND, held, worklist
from passerelle.dimse.store import Outgoing, store
from passerelle.errors import NoContext, Unavailable
from peers_support import (
    AGENT_AET,
    SECONDARY_CAPTURE,
    Dcmqrscp,
    Orthanc,
    Server,
    Storescp,
    instance,
)
from support import peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pynetdicom.events import Event

    from passerelle.dimse.archive import Archive
    from passerelle.dimse.association import Association

    Opened = Callable[..., AbstractContextManager[Association]]


def node(archive: Archive) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": archive.port,
        "ae_title": archive.ae_title,
        "calling_ae_title": AGENT_AET,
    }


def put(association: Association, body: dict[str, Any]) -> None:
    pair = (body["sop_class_uid"], body["transfer_syntax_uid"])
    uid = body["sop_instance_uid"]
    outgoing = Outgoing(path=Path(body["file"]), pair=pair, sop_instance_uid=uid)
    assert store(association, outgoing, lambda *_: None) == (0, "")


@pytest.mark.parametrize("kind", [Orthanc, Dcmqrscp])
def test_real_archives_tell_exactly_what_they_have(
    tmp_path: Path, opened: Opened, kind: type[Orthanc | Dcmqrscp]
) -> None:
    bodies = [instance(tmp_path, number, kilobytes=1) for number in range(60)]
    others = [
        {**bodies[0], "sop_instance_uid": "2.25.1000.99"},
        {**bodies[0], "sop_instance_uid": "2.25.1000.98", "study_instance_uid": "2.25.2"},
    ]
    with kind(tmp_path / "peer") as server:
        abstracts = (SECONDARY_CAPTURE, STUDY_ROOT_FIND)
        with opened(server.node(), *abstracts) as association:
            for body in bodies[1:]:
                put(association, body)
            found = held(association, bodies + others)
        assert set(found) == {body["sop_instance_uid"] for body in bodies[1:]}


def test_the_embedded_archive_tells_exactly_what_it_has(
    tmp_path: Path, opened: Opened, archive: Archive
) -> None:
    bodies = [instance(tmp_path, number) for number in range(3)]
    with opened(node(archive), SECONDARY_CAPTURE, STUDY_ROOT_FIND) as association:
        for body in bodies[:2]:
            put(association, body)
        assert held(association, bodies) == [body["sop_instance_uid"] for body in bodies[:2]]


def test_an_archive_that_knows_no_lists_and_ignores_keys_is_still_asked_rightly(
    tmp_path: Path, opened: Opened
) -> None:
    bodies = [instance(tmp_path, number) for number in range(3)]
    has = {bodies[1]["sop_instance_uid"], "1.2.3.4"}

    def find(event: Event) -> Iterator[tuple[int, Dataset]]:
        asked = event.identifier.SOPInstanceUID
        for uid in has if isinstance(asked, str) else ():
            answer = Dataset()
            answer.SOPInstanceUID = uid
            yield 0xFF00, answer

    entity = AE("SIMPLE")
    entity.add_supported_context(STUDY_ROOT_FIND)
    handlers: list[Any] = [(evt.EVT_C_FIND, find)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server
    simple = {"host": "127.0.0.1", "port": server.server_address[1], "ae_title": "SIMPLE"}
    with opened({**simple, "calling_ae_title": AGENT_AET}, STUDY_ROOT_FIND) as association:
        assert held(association, bodies) == [bodies[1]["sop_instance_uid"]]
    server.shutdown()


def test_an_archive_without_query_says_so(tmp_path: Path, opened: Opened) -> None:
    with (
        Storescp(tmp_path / "peer") as server,
        opened(server.node(), STUDY_ROOT_FIND) as association,
        pytest.raises(NoContext, match="Study Root"),
    ):
        held(association, [instance(tmp_path)])


def test_a_worklist_is_asked_by_date_station_and_modality(opened: Opened, archive: Archive) -> None:
    today = time.strftime("%Y%m%d")
    with opened(node(archive), WORKLIST_FIND) as association:

        def names(**keys: str) -> list[str]:
            steps = worklist(association, keys, "ISO_IR 6")
            return [step["PatientName"] for step in steps]

        assert len(names()) == len(names(date=today)) == len(names(date=f"{today}-")) == 5
        assert names(date="20200101-20201231") == []
        assert names(modality="US") == ["Müller^Jörg", "山田^太郎"]
        assert names(station_ae_title="FUNDUS", date=today) == ["Ωμέγα^Ελένη"]


def test_a_step_is_told_beside_its_patient_and_request(opened: Opened, archive: Archive) -> None:
    with opened(node(archive), WORKLIST_FIND) as association:
        step = worklist(association, {"modality": "AR"}, "ISO_IR 6")[0]
    assert step["PatientID"] == "DEMO-0005"
    assert step["AccessionNumber"] == "ACC-1005"
    assert step["Modality"] == "AR"
    assert step["StudyInstanceUID"].startswith("2.25.")
    assert "ScheduledProcedureStepSequence" not in step


WORKLIST_DUMP = """
(0008,0050) SH ACC1
(0010,0010) PN Müller^Jörg
(0010,0020) LO 00042
(0010,0030) DA 19700131
(0010,0040) CS M
(0010,1030) DS 71.5
(0020,000d) UI 1.2.3
(0032,1060) LO Abdomen
(0040,1001) SH R1
(0040,0100) SQ
(fffe,e000) -
(0008,0060) CS US
(0040,0001) AE ECHO3
(0040,0002) DA 20260101
(0040,0003) TM 101500
(0040,0009) SH S1
(fffe,e00d) -
(fffe,e0dd) -
"""


class Wlmscpfs(Server):
    """DCMTK's worklist; it leaves out which characters it uses."""

    ae_title = "RIS"

    def command(self) -> list[str]:
        entries = self.folder / self.ae_title
        entries.mkdir()
        (entries / "lockfile").touch()
        dump = self.folder / "1.dump"
        dump.write_text(WORKLIST_DUMP, "latin-1")
        subprocess.run([peer("dump2dcm"), dump, entries / "1.wl"], check=True)
        return [peer("wlmscpfs"), "-dfr", "-dfp", str(self.folder), str(self.port)]


def test_a_worklist_that_hides_its_character_set_is_read_with_the_configured_one(
    tmp_path: Path, opened: Opened
) -> None:
    with (
        Wlmscpfs(tmp_path / "ris") as server,
        opened(server.node(), WORKLIST_FIND) as association,
    ):
        step = worklist(association, {"modality": "US"}, "ISO_IR 100")[0]
    assert step["PatientName"] == "Müller^Jörg"
    assert step["PatientID"] == "00042"
    assert step["PatientWeight"] == 71.5
    assert step["ScheduledProcedureStepStartTime"] == "101500"


def test_a_refused_query_is_unavailable(tmp_path: Path, opened: Opened, archive: Archive) -> None:
    archive.find_status = 0xA700
    with (
        opened(node(archive), STUDY_ROOT_FIND) as association,
        pytest.raises(Unavailable, match="the query was answered with status A700"),
    ):
        held(association, [instance(tmp_path)])
