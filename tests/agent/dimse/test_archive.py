"""The embedded archive, asked by DCMTK: it keeps what it is given, bit for bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passerelle.dimse.archive import Archive
from peers_support import instance
from support import peer

if TYPE_CHECKING:
    from typing import Any

SYNTAXES = {
    "-xe": "1.2.840.10008.1.2.1",
    "-xi": "1.2.840.10008.1.2",
    "-xs": "1.2.840.10008.1.2.4.70",
    "-xt": "1.2.840.10008.1.2.4.80",
    "-xv": "1.2.840.10008.1.2.4.90",
    "-xr": "1.2.840.10008.1.2.5",
}


def storescu(archive: Archive, body: dict[str, Any], *options: str) -> int:
    command = [peer("storescu"), "-R", *options, "-aec", archive.ae_title, "127.0.0.1"]
    return subprocess.run(
        [*command, str(archive.port), body["file"]], check=False, timeout=20
    ).returncode


def data_set(path: Path) -> bytes:
    content = path.read_bytes()
    return content[content.index(b"\x08\0\x16\0") :]


@pytest.mark.parametrize("option", SYNTAXES)
def test_every_transfer_syntax_is_kept_as_it_came(
    tmp_path: Path, archive: Archive, option: str
) -> None:
    body = instance(tmp_path, syntax=SYNTAXES[option])
    assert storescu(archive, body, option) == 0
    kept = archive.folder / f"{body['sop_instance_uid']}.dcm"
    assert data_set(kept) == data_set(Path(body["file"]))
    assert [path.name for path in archive.folder.iterdir()] == [kept.name], (
        "nothing else lies there"
    )


def test_what_it_kept_is_there_after_a_restart(tmp_path: Path, archive: Archive) -> None:
    body = instance(tmp_path)
    storescu(archive, body)
    again = Archive(folder=archive.folder)
    again.start()
    again.stop()
    assert again.held() == [body["sop_instance_uid"]]


@pytest.mark.parametrize(
    ("status", "is_kept"), [(0x0000, True), (0xB000, True), (0xA700, False), (0xC001, False)]
)
def test_a_scripted_status_is_answered_once(
    tmp_path: Path, archive: Archive, status: int, *, is_kept: bool
) -> None:
    archive.statuses.append(status)
    body = instance(tmp_path)
    storescu(archive, body)
    assert bool(archive.held()) == is_kept
    storescu(archive, body)
    assert archive.held() == [body["sop_instance_uid"]]
    assert archive.arrivals == [body["sop_instance_uid"]] * 2


def test_it_can_say_stored_and_keep_nothing(tmp_path: Path, archive: Archive) -> None:
    archive.loses = True
    assert storescu(archive, instance(tmp_path)) == 0
    assert archive.held() == []


def test_as_a_program_it_says_when_it_is_ready_and_goes_with_its_pipe(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "passerelle.dimse.archive", "--folder", str(tmp_path / "a")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        word, port = process.stdout.readline().split()
        assert word == "ready"
        echo = [peer("echoscu"), "-aec", "ARCHIVE", "127.0.0.1", port]
        subprocess.run(echo, check=True, timeout=10)
        process.stdin.close()
        assert process.wait(10) == 0
