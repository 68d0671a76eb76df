"""What a config describes is what is built, and building starts nothing."""

from __future__ import annotations

import json
import re
from threading import Event
from typing import TYPE_CHECKING

import pytest

from intake_support import PATIENT, ScriptedSource, png
from passerelle.assembly import Assembly
from passerelle.config import load
from passerelle.destinations.dicom import DicomDestination
from passerelle.destinations.folder import FolderDestination
from passerelle.errors import ConfigError
from passerelle.model import Acquisition, Fingerprint
from passerelle.source_settings import FolderSourceSettings
from passerelle.spool import Spool
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.sources.folder import FolderSource

CONFIG = """
[agent]
name = "box"
data_dir = "data"
[equipment]
modality = "OT"
[[sources]]
name = "export"
type = "folder"
path = "acquisitions"
[[sources]]
name = "scope"
type = "folder"
path = "acquisitions"
profile = "scope"
[identity]
resolvers = ["filename", "sidecar"]
[[destinations]]
name = "all"
type = "folder"
path = "share"
[[destinations]]
name = "pacs"
type = "dicom"
host = "127.0.0.1"
ae_title = "PACS"
commitment = { mode = "off" }
route = { modality = ["OT"] }
[[destinations]]
name = "endoscopy"
type = "dicom"
host = "127.0.0.1"
ae_title = "SCOPES"
commitment = { mode = "preferred", timeout_s = 5.0 }
route = { modality = ["ES"], source = ["scope"] }
"""
PROFILE = """
summary = "A scope whose names say the patient"
sop_class = "SecondaryCapture"
modality = "ES"
filename = "(?P<PatientID>[0-9]+)_.*"
[raw]
rows = 4
columns = 4
suffixes = [".dat"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acquisitions").mkdir()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "agent.toml").write_text(CONFIG)
    (tmp_path / "profiles" / "scope.toml").write_text(PROFILE)
    return tmp_path


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    spool = Spool.open(folder / "data")
    yield spool
    spool.close()


@pytest.fixture
def assembly(folder: Path, spool: Spool) -> Iterator[Assembly]:
    assembly = Assembly(load(folder / "agent.toml"), folder, spool)
    yield assembly
    for child in assembly.children:
        child.close()


def picture(folder: Path, source: str, *, sidecar: str = "") -> Acquisition:
    media = folder / "acquisitions" / "00042_1.png"
    media.write_bytes(png())
    beside = media.with_name("00042_1.png.json")
    if sidecar:
        beside.write_text(sidecar, "utf-8")
    return Acquisition(
        source=source,
        media=media,
        name=media.name,
        fingerprint=Fingerprint.of(media.stat()),
        sidecar=beside if sidecar else None,
    )


def source_named(folder: Path, name: str) -> FolderSourceSettings:
    found = next(one for one in load(folder / "agent.toml").sources if one.name == name)
    assert isinstance(found, FolderSourceSettings)
    return found


def hasty(settings: FolderSourceSettings) -> FolderSourceSettings:
    return settings.model_copy(update={"settle_s": 0.0, "sidecar_wait_s": 0.0, "poll_s": 0.1})


def first(source: FolderSource) -> Acquisition:
    offers: list[Acquisition] = []

    def look() -> bool:
        offers.extend(source.ready())
        return bool(offers)

    wait_until(look)
    return offers[0]


def test_destinations_are_of_the_kind_the_config_says_and_nothing_is_started(
    folder: Path, assembly: Assembly
) -> None:
    settings = load(folder / "agent.toml").destinations
    built = [assembly.destination(one, lambda _report: None) for one in settings]
    assert [type(one) for one in built] == [FolderDestination, DicomDestination, DicomDestination]
    assert [one.name for one in built] == ["all", "pacs", "endoscopy"]
    own = len(assembly.children) - assembly.workers.size
    assert own == 2, "a peer for each archive, beside the workers that all share"
    assert {child.pid for child in assembly.children} == {None}


def test_where_commitment_is_off_nobody_asks_for_proof(folder: Path, assembly: Assembly) -> None:
    provers = []
    for one in load(folder / "agent.toml").destinations:
        destination = assembly.destination(one, lambda _report: None)
        provers.append(assembly.prover(one, destination, lambda: None))
    assert [prover and prover.name for prover in provers] == ["all", None, "endoscopy"]


@pytest.mark.parametrize(
    ("source", "owed"), [("export", {"all", "pacs"}), ("scope", {"all", "endoscopy"})]
)
def test_routes_decide_by_modality_and_source_whom_an_instance_is_owed_to(
    folder: Path, spool: Spool, assembly: Assembly, source: str, owed: set[str]
) -> None:
    settings = source_named(folder, source)
    offered = ScriptedSource(picture(folder, source, sidecar=json.dumps(PATIENT)))
    assembly.intake(settings, offered, assembly.wrapper(settings), lambda: None).run(Event())
    assert {row["destination"] for row in spool.rows()} == owed


def test_identifiers_are_asked_in_the_order_of_the_config_and_only_where_they_can_answer(
    folder: Path, assembly: Assembly
) -> None:
    plain = assembly.identifiers(source_named(folder, "export"))
    assert [one.name for one in plain] == ["sidecar"], "no profile says what a name means"
    scope = assembly.identifiers(source_named(folder, "scope"))
    assert [one.name for one in scope] == ["filename", "sidecar"]
    who = scope[0].identify(picture(folder, "scope"))
    assert who
    assert who.attributes == {"PatientID": "00042"}


def test_samples_that_begin_like_a_picture_are_whole_where_the_profile_says_they_are_raw(
    folder: Path, assembly: Assembly
) -> None:
    (folder / "acquisitions" / "1.dat").write_bytes(png()[:16])
    assert first(assembly.folder_source(hasty(source_named(folder, "scope")))).name == "1.dat"


def test_an_original_that_is_released_lies_under_its_source_and_day(
    folder: Path, assembly: Assembly
) -> None:
    picture(folder, "export")
    source = assembly.folder_source(hasty(source_named(folder, "export")))
    source.release(first(source), kept=False)
    (archived,) = assembly.archive.rglob("*.png")
    assert archived.read_bytes() == png()
    assert archived.parent.parent == folder / "data" / "archive" / "export"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", archived.parent.name), "as retention expects"


def test_a_profile_that_is_unknown_stops_the_start(folder: Path, spool: Spool) -> None:
    (folder / "profiles" / "scope.toml").unlink()
    with pytest.raises(ConfigError, match=r"^profile scope: unknown"):
        Assembly(load(folder / "agent.toml"), folder, spool)


def test_an_operators_decision_uses_the_profile_of_the_acquisitions_own_source(
    folder: Path, spool: Spool, assembly: Assembly
) -> None:
    settings = source_named(folder, "export")
    offered = ScriptedSource(picture(folder, "export"))
    assembly.intake(settings, offered, assembly.wrapper(settings), lambda: None).run(Event())
    (held,) = spool.rows("HELD")
    told: list[str] = []
    decisions = assembly.decisions(on_changed=lambda: told.append("changed"))
    body = {"uids": [held["acquisition"]], "attributes": {"PatientID": "00042"}, "actor": "ann"}
    decisions.handlers()["reassign"](body)
    assert told == ["changed"]
    assert {row["destination"] for row in spool.rows("PENDING")} == {"all", "pacs"}
