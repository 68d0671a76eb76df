"""`passerelle send`: what is not stored is named, and why; the others are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peers_support import Storescp, instance
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_support import Told


def test_files_are_stored_and_one_that_cannot_be_stops_no_other(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    instance(tmp_path, 1)
    instance(tmp_path, 2)
    (tmp_path / "letter.dcm").write_bytes(b"Dear colleague")
    with Storescp(tmp_path / "storescp") as archive:
        to = f"STORESCP@127.0.0.1:{archive.port}"
        told = run("send", "1.dcm", "2.dcm", "--to", to)
        assert (told.code, told.out) == (0, "1.dcm: stored\n2.dcm: stored\n")
        assert len(archive.received()) == 2
        told = run("send", "letter.dcm", "gone.dcm", "2.dcm", "--to", to)
        assert told.code == 1
        assert told.out == "2.dcm: stored\n"
        assert [line.partition(":")[0] for line in told.err.splitlines()] == [
            *("letter.dcm", "gone.dcm"),
        ]


def test_an_archive_that_does_not_answer_is_told_for_each_file(
    run: Callable[..., Told], tmp_path: Path
) -> None:
    instance(tmp_path, 1)
    told = run("send", "1.dcm", "--to", f"PACS@127.0.0.1:{free_port()}")
    assert told.code == 1
    assert told.err.startswith("1.dcm: 127.0.0.1: ")
