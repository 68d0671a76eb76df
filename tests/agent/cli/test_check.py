"""`passerelle check`: every part is tried, a line each, and a failure says what to do."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from command_support import SHARE, configured
from passerelle.config import load
from passerelle.supervisor import Agent
from peers_support import Orthanc
from serial_support import PtyPair
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told

    Run = Callable[..., Told]

#: What may be a warning on any machine: its clock.
ALWAYS = {"data_dir", "disk", "clock", "export"}


def archive(port: int, report_port: int | None = None) -> str:
    listening = f", port = {report_port}" if report_port else ""
    return f"""
[[destinations]]
name = "pacs"
type = "dicom"
host = "127.0.0.1"
port = {port}
ae_title = "ORTHANC"
connect_timeout_s = 3.0
commitment = {{ mode = "required"{listening} }}
"""


def verdicts(told: Told) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in told.out.splitlines():
        found.setdefault(line[8:].partition(":")[0], []).append(line[:8].strip())
    return found


def test_with_a_real_archive_everything_is_ok(run: Run, tmp_path: Path) -> None:
    report_port = free_port()
    with Orthanc(tmp_path / "orthanc", report_port) as orthanc:
        config = configured(tmp_path, destination=archive(orthanc.port, report_port))
        told = run("check", "-c", config)
    assert told.code == 0
    found = verdicts(told)
    assert set(found) == {*ALWAYS, "pacs", f"port {report_port}"}
    assert {one for part in found.keys() - {"clock"} for one in found[part]} == {"ok"}
    assert "pacs: answers C-ECHO" in told.out
    assert "1.2.840.10008.5.1.4.1.1.7 in " in told.out
    assert not (tmp_path / "data").exists(), "nothing is changed"


def test_a_missing_folder_an_absent_archive_and_a_taken_port_fail(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        config = configured(tmp_path, destination=archive(free_port(), port))
        (tmp_path / "acquisitions").rmdir()
        told = run("check", "-c", config)
    assert told.code == 1
    found = verdicts(told)
    assert found["export"] == found["pacs"] == found[f"port {port}"] == ["FAILED"]
    assert "is not there; mount it or make it" in told.out


def test_a_wrong_ae_title_is_refused_by_the_archive_and_told(run: Run, tmp_path: Path) -> None:
    with Orthanc(tmp_path / "orthanc") as orthanc:
        text = archive(orthanc.port).replace("ORTHANC", "OTHER")
        told = run("check", "-c", configured(tmp_path, destination=text))
    assert told.code == 1
    assert verdicts(told)["pacs"] == ["FAILED"]


def test_offline_no_archive_is_asked(run: Run, tmp_path: Path) -> None:
    told = run("check", "--offline", "-c", configured(tmp_path, destination=archive(free_port())))
    assert told.code == 0
    assert "pacs" not in verdicts(told)


def test_a_profile_that_is_not_there_fails_and_the_rest_is_still_tried(
    run: Run, tmp_path: Path
) -> None:
    config = configured(tmp_path)
    config.write_text(config.read_text().replace("settle_s", 'profile = "none"\nsettle_s'))
    told = run("check", "-c", config)
    assert told.code == 1
    assert verdicts(told)["export"] == ["FAILED", "ok"]
    assert verdicts(told)["share"] == ["ok"]


def test_a_disk_that_is_too_full_fails(run: Run, tmp_path: Path) -> None:
    config = configured(tmp_path)
    config.write_text(config.read_text().replace('"0%"', f'"{1 << 60}"'))
    told = run("check", "-c", config)
    assert told.code == 1
    assert "less than min_free: sources would stop" in told.out


def test_a_config_without_sources_and_destinations_is_a_warning(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text('[agent]\ndata_dir = "data"\n[retention]\nmin_free = "0%"\n')
    told = run("check", "-c", config)
    assert told.code == 0
    assert verdicts(told)["sources"] == verdicts(told)["destinations"] == ["warning"]


def test_while_the_agent_runs_its_own_port_is_no_failure(run: Run, tmp_path: Path) -> None:
    port = free_port()
    config = configured(tmp_path, destination=SHARE + archive(free_port(), port))
    agent = Agent(load(config), tmp_path)
    agent.start()
    try:
        told = run("check", "--offline", "-c", config)
    finally:
        agent.stop()
    assert told.code == 0
    assert "an agent is running" in told.out


def test_a_serial_port_is_tried_and_one_that_is_absent_fails(run: Run, tmp_path: Path) -> None:
    config = configured(tmp_path)
    line, link = PtyPair(), tmp_path / "by-id"
    link.symlink_to(line.name)
    text = config.read_text()
    for port, verdict, words in (
        (tmp_path / "absent", "FAILED", "cannot be opened: No such file"),
        (link, "ok", str(link)),
        ("/dev/ttyS99", "FAILED", "devices"),
    ):
        source = f'[[sources]]\nname = "scope"\ntype = "serial"\nport = "{port}"\n'
        config.write_text(f"{text}\n{source}")
        told = run("check", "-c", config, "--offline")
        assert verdicts(told)["scope"] == [verdict]
        assert words in told.out
    line.unplug()


def test_a_barcode_scanner_is_opened_or_it_is_said_why_not(run: Run, tmp_path: Path) -> None:
    pair = PtyPair()
    config = configured(tmp_path, f'[identity.barcode]\nport = "{pair.name}"')
    told = run("check", "-c", config)
    assert verdicts(told)["barcode"] == ["ok"]
    pair.unplug()
    config = configured(tmp_path, f'[identity.barcode]\ninput = "{tmp_path}/scanner"')
    told = run("check", "-c", config)
    assert verdicts(told)["barcode"] == ["FAILED"]
    assert "No such file" in told.out
