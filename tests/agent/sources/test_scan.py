"""The scan shows regular files under their own names, and says what it left alone."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from folder_support import plain_user
from passerelle.errors import SourceError
from passerelle.model import Fingerprint
from passerelle.sources.scan import is_temporary, scan

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path, *, recursive: bool = True) -> set[str]:
    return set(scan(folder, source="export", recursive=recursive).files)


def test_files_are_named_relative_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "x.png").write_bytes(b"x")
    (tmp_path / "a/b/y.png").write_bytes(b"y")
    assert names(tmp_path) == {"x.png", "a/b/y.png"}
    assert names(tmp_path, recursive=False) == {"x.png"}
    found = scan(tmp_path, source="export", recursive=True).files["a/b/y.png"]
    assert found == Fingerprint.of((tmp_path / "a/b/y.png").stat())


def test_odd_names_come_back_as_they_are(tmp_path: Path) -> None:
    odd = [
        b"two\nlines.png",
        b"latin-\xe9.png",
        b"-rf.png",
        b" .png ",
        b"n" * 251 + b".png",
        "é.png".encode(),
        "é.png".encode(),
        b"A.png",
        b"a.png",
    ]
    for name in odd:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):  # noqa: PTH118, PTH123 - bytes
            pass
    assert {os.fsencode(name) for name in names(tmp_path)} == set(odd)


def test_a_missing_folder_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^export: cannot read the folder .*No such file"):
        scan(tmp_path / "unmounted", source="export", recursive=True)
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="Not a directory"):
        scan(tmp_path / "file", source="export", recursive=True)


def test_what_is_no_regular_file_is_counted_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").touch()
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "folder-link").symlink_to(outside)
    (folder / "ring").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s.png"))
        found = scan(folder, source="export", recursive=True)
    assert found.files == {}
    assert found.skipped == {"symbolic link": 3, "named pipe": 1, "socket": 1}


@pytest.mark.parametrize(
    "name",
    [
        "a.png.tmp", "a.PART", "a.partial", "a.crdownload", "a.filepart", "a.download", "a.lock",
        ".hidden.png", ".~lock.a.png#", "~$a.docx", "a.png~", ".a.png.Xk2",
    ],
)  # fmt: skip
def test_temporary_names_are_known(name: str) -> None:
    assert is_temporary(name)


@pytest.mark.parametrize("name", ["a.png", "tmp.png", "part", "~a.png", "a.b.c"])
def test_ordinary_names_are_not_taken_for_temporary_ones(name: str) -> None:
    assert not is_temporary(name)


def test_hidden_folders_and_litter_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".snapshot").mkdir()
    (tmp_path / ".snapshot/a.png").touch()
    (tmp_path / "Thumbs.db").touch()
    found = scan(tmp_path, source="export", recursive=True)
    assert not found.files
    assert found.skipped == {"temporary name": 1, "file of the operating system": 1}


@pytest.mark.skipif(os.name != "posix", reason="chmod takes no right away")
def test_a_sub_folder_that_cannot_be_read_is_counted() -> None:
    with plain_user() as folder:
        (folder / "closed").mkdir(mode=0)
        (folder / "a.png").touch()
        found = scan(folder, source="export", recursive=True)
    assert (found.unreadable, set(found.files)) == (1, {"a.png"})
