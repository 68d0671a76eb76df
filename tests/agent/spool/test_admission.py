from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import Changed, EncodingError
from passerelle.model import AcquisitionState
from passerelle.spool.files import make_folder
from passerelle.spool.layout import Layout
from spool_support import WHO, admit, is_intact, leased, made, origin, original, states

if TYPE_CHECKING:
    from passerelle.spool import Spool
    from spool_support import Clock


def test_an_admitted_acquisition_is_known_and_owed_to_each_destination(spool: Spool) -> None:
    first, second = admit(spool, count=2, to=["pacs", "research"])
    assert spool.known(origin()) is AcquisitionState.WRAPPED
    assert states(spool) == {
        f"{uid} {name}": "PENDING" for uid in (first, second) for name in ("pacs", "research")
    }
    assert list(spool.staging.iterdir()) == []


def test_another_origin_is_not_known(spool: Spool) -> None:
    admit(spool)
    assert spool.known(origin("b.png")) is None


def test_the_object_lies_beside_a_record_of_where_it_came_from(spool: Spool) -> None:
    admit(spool, "bad\udce9name\n.png")
    path = leased(spool).instance.path
    record = json.loads(json.loads(path.with_suffix(".json").read_bytes())["record"])
    assert record["origin"]["name"] == "bad\udce9name\n.png"
    assert record["destinations"] == ["pacs"]


def test_a_patient_is_named_in_one_table_only(spool: Spool, data_dir: Path) -> None:
    spool.admit(origin("DOE_JANE.png"), WHO, [made(spool, origin("DOE_JANE.png"))], ["pacs"])
    spool.refuse(leased(spool), reason="A900")
    tables = {
        row["name"]
        for row in spool._database._connection.execute(  # noqa: SLF001 - every table there is
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
    }
    naming = set()
    for table in tables:
        rows = spool._database._connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608, SLF001 - as above
        if any(text in str(tuple(row)) for row in rows for text in ("DOE", "00042")):
            naming.add(table)
    assert naming == {"patient"}
    assert data_dir.exists()


def test_nothing_is_visible_of_an_acquisition_with_a_stranger_among_its_instances(
    spool: Spool,
) -> None:
    admit(spool, "a.png")
    other = origin("b.png")
    produced = [made(spool, other, 0), made(spool, other, 1, uid=origin("a.png").uid())]
    with pytest.raises(EncodingError, match="different object with this SOP Instance UID"):
        spool.admit(other, WHO, produced, ["pacs"])
    assert spool.known(other) is None
    assert len(states(spool)) == 1
    assert list(spool.staging.iterdir()) == []


def test_equal_bytes_under_another_name_are_the_same_instance(spool: Spool) -> None:
    admit(spool, "a.dcm")
    uid, content = origin("a.dcm").uid(), f"object 0 of {origin('a.dcm').id}"
    again = origin("copy of a.dcm")
    spool.admit(again, None, [made(spool, again, uid=uid, content=content)], ["pacs"])
    assert spool.known(again) is AcquisitionState.WRAPPED
    assert len(states(spool)) == 1
    shown = spool.show(again.id)
    assert shown is not None
    assert "here already" in shown["events"][0]["detail"]


def test_a_known_instance_is_owed_to_a_destination_it_was_not_owed_to(spool: Spool) -> None:
    admit(spool, "a.dcm", to=["pacs"])
    uid, content = origin("a.dcm").uid(), f"object 0 of {origin('a.dcm').id}"
    again = origin("copy of a.dcm")
    spool.admit(again, None, [made(spool, again, uid=uid, content=content)], ["research"])
    assert states(spool) == {f"{uid} pacs": "PENDING", f"{uid} research": "PENDING"}


def test_a_removed_instance_comes_back_for_a_destination_that_never_had_it(
    spool: Spool, clock: Clock
) -> None:
    admit(spool, "a.dcm", to=["pacs"])
    uid, content = origin("a.dcm").uid(), f"object 0 of {origin('a.dcm').id}"
    spool.committed("pacs", [uid], proof="commitment")
    clock.at += 10
    spool.remove(spool.removable(clock.at, 1))
    again = origin("copy of a.dcm")
    spool.admit(again, None, [made(spool, again, uid=uid, content=content)], ["pacs", "research"])
    assert states(spool) == {f"{uid} pacs": "COMMITTED", f"{uid} research": "PENDING"}
    assert is_intact(leased(spool, "research").instance)


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2/3", "", "1.2.", "1" * 65, "1.2\n"])
def test_a_uid_that_is_none_names_no_file(spool: Spool, uid: str) -> None:
    one = made(spool, origin())
    object.__setattr__(one, "sop_instance_uid", uid)
    with pytest.raises(EncodingError):
        spool.admit(origin(), WHO, [one], ["pacs"])
    assert spool.known(origin()) is None


def test_an_acquisition_of_nothing_is_refused(spool: Spool) -> None:
    with pytest.raises(EncodingError):
        spool.admit(origin(), WHO, [], ["pacs"])


@pytest.mark.parametrize("state", ["HELD", "QUARANTINED"])
def test_a_kept_original_is_whole_and_known(spool: Spool, tmp_path: Path, state: str) -> None:
    of, media, sidecar = original(tmp_path / "device")
    keep = spool.hold if state == "HELD" else spool.quarantine
    keep(of, media, sidecar, reason="no patient")
    keep(of, media, sidecar, reason="no patient")
    assert spool.known(of) == state
    (kept,) = spool.kept_acquisitions()
    assert (kept.origin, kept.state, kept.reason) == (of, state, "no patient")
    assert kept.media.name == media.name
    assert kept.media.read_bytes() == media.read_bytes()
    assert kept.sidecar is not None
    assert kept.sidecar.read_bytes() == sidecar.read_bytes()


def test_an_odd_name_is_kept_as_it_is(spool: Spool, tmp_path: Path) -> None:
    name = "r\udce9sum\u00e9\n" + "x" * 230
    of, media, _ = original(tmp_path / "device", name)
    spool.hold(of, media, None, reason="no patient")
    kept = spool.kept(of.id)
    assert kept is not None
    assert (kept.media.name, kept.origin.name, kept.sidecar) == (name, name, None)
    assert kept.media.is_file()


def test_an_original_that_changed_is_not_kept(spool: Spool, tmp_path: Path) -> None:
    of, media, sidecar = original(tmp_path / "device")
    sidecar.write_bytes(b'{"PatientID": "00043"}')
    with pytest.raises(Changed):
        spool.hold(of, media, sidecar, reason="no patient")
    media.unlink()
    with pytest.raises(Changed, match="cannot be opened"):
        spool.hold(of, media, None, reason="no patient")
    assert (spool.known(of), list(spool.staging.iterdir())) == (None, [])


def test_a_held_original_goes_to_the_archive_once_it_was_wrapped(
    spool: Spool, tmp_path: Path
) -> None:
    of, media, sidecar = original(tmp_path / "device")
    spool.hold(of, media, sidecar, reason="no patient")
    archive = tmp_path / "archive"
    spool.release_kept(of.id, archive)
    assert spool.kept(of.id) is not None, "it still waits"
    spool.admit(of, WHO, [made(spool, of)], ["pacs"])
    assert spool.known(of) is AcquisitionState.WRAPPED
    spool.release_kept(of.id, archive)
    archived = sorted(path.name for path in archive.glob("????-??-??/*"))
    assert archived == ["a.png", "a.png.json"]
    assert (spool.kept(of.id), spool.kept_acquisitions()) == (None, [])


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system what a descriptor is")
def test_each_step_is_durable_before_the_next(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(f"sync {path.suffix or path.parent.name}")
        sync(descriptor)

    def replaced(source: Path, target: Path) -> None:
        steps.append(f"rename {Path(target).suffix}")
        replace(source, target)

    of = origin()
    produced = [made(spool, of)]
    make_folder(Layout(spool.staging.parents[1]).object(of.uid()).parent)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    spool.admit(of, WHO, produced, ["pacs"])
    assert steps == [
        "sync .json",
        "sync .dcm",
        "rename .json",
        "rename .dcm",
        "sync spool",
    ], "and then the commit"


def test_numbers_grow_across_restarts(spool: Spool, data_dir: Path) -> None:
    numbers = [spool.next_number(), spool.next_number()]
    admit(spool)
    spool.close()
    with type(spool).open(data_dir) as again:
        assert numbers == [1, 2]
        assert again.next_number() == 2


def test_only_the_same_instance_is_waited_for(spool: Spool, tmp_path: Path) -> None:
    with spool._reserved.of({origin("a.png").id}):  # noqa: SLF001 - one lane is inside
        same = threading.Thread(target=admit, args=(spool, "a.png"))
        same.start()
        admit(spool, "b.png")
        of, media, sidecar = original(tmp_path / "device", "c.png")
        spool.hold(of, media, sidecar, reason="no patient")
        same.join(0.2)
        assert same.is_alive()
        assert spool.known(origin("a.png")) is None
    same.join(10)
    assert spool.known(origin("a.png")) is AcquisitionState.WRAPPED


def test_the_same_file_from_several_lanes_is_admitted_once(spool: Spool) -> None:
    of = origin("a.dcm")
    content = "the same object"
    produced = [
        (again := origin(f"copy {number}"), made(spool, again, uid=of.uid(), content=content))
        for number in range(6)
    ]
    files = [replace(one, file=one.file.with_name(f"tmp.{of.id}")) for of, one in produced]
    for one in files:
        one.file.write_text(content)
    lanes = [
        threading.Thread(target=spool.admit, args=(of, WHO, [one], ["pacs"]))
        for (of, _), one in zip(produced, files, strict=True)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    assert states(spool) == {f"{of.uid()} pacs": "PENDING"}
    assert spool.counts().acquisitions["WRAPPED"] == 6
    assert leased(spool).instance.path.read_text() == content
