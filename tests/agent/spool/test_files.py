from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passerelle.errors import Changed, SpoolFull
from passerelle.spool import files

if TYPE_CHECKING:
    from collections.abc import Callable

#: Another disk than that of the test's folder, where this machine has one.
ELSEWHERE = Path("/dev/shm")  # noqa: S108 - a disk, not a place for temporary files


@pytest.mark.parametrize(
    ("min_free", "wanted"), [("5%", 50), ("0%", 0), ("0.5%", 5), ("123", 123), ("0", 0)]
)
def test_the_reserve_is_percent_or_bytes(min_free: str, wanted: int) -> None:
    assert files.free_bytes_wanted(min_free, 1000) == wanted


def test_too_little_room_is_told(tmp_path: Path) -> None:
    files.room(tmp_path, "0%")
    with pytest.raises(SpoolFull, match="less than min_free = 100%"):
        files.room(tmp_path, "100%")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in (b"first", b"second, longer"):
        files.write_durably(path, content)
        assert path.read_bytes() == content
    assert [found.name for found in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_is_told_as_such() -> None:
    def fill() -> None:
        with files.full_told(), Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(SpoolFull, match="No space left"):
        fill()
    with pytest.raises(PermissionError), files.full_told():
        raise PermissionError(errno.EPERM, "not a matter of space")


def test_folders_are_for_this_user_only(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "a" / "b")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b")] == [
        0o700,
        0o700,
    ]


def test_a_copy_tells_what_it_copied(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(os.urandom(3 << 20))
    assert files.copy_durably(source, tmp_path / "b") == files.sha256_of(source)
    assert (tmp_path / "b").read_bytes() == source.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="neither links nor FIFOs")
@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to("/etc/hostname"),
        os.mkfifo,
        Path.mkdir,
        str,
    ],
    ids=["link", "fifo", "folder", "nothing"],
)
def test_only_a_regular_file_is_copied(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "odd")
    with pytest.raises(Changed):
        files.copy_durably(tmp_path / "odd", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_file_that_grows_while_it_is_copied_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"half")
    sync = os.fsync

    def grow(descriptor: int) -> None:
        with source.open("ab") as device:
            device.write(b" and the other half")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", grow)
    with pytest.raises(Changed):
        files.copy_durably(source, tmp_path / "b")
    assert not (tmp_path / "b").exists()


NAMES = ["a.png", "new\nline.png", "no suffix", ".hidden", "x" * 251 + ".png", "é" * 127]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_taken_gets_a_number(tmp_path: Path, name: str) -> None:
    moved = []
    for content in (b"1", b"2", b"3"):
        (tmp_path / name).write_bytes(content)
        moved.append(files.durable_move(tmp_path / name, tmp_path / "archive"))
    assert [path.read_bytes() for path in moved] == [b"1", b"2", b"3"]
    assert moved[0].name == name
    assert len({path.suffix for path in moved if path.suffix}) <= 1
    assert not (tmp_path / name).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names there are text")
def test_a_name_that_no_encoding_knows_survives(tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"r\xe9sum\xe9.png")
    source.write_bytes(b"1")
    assert os.fsencode(files.durable_move(source, tmp_path / "b").name) == b"r\xe9sum\xe9.png"


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="one disk only")
def test_a_move_to_another_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    if ELSEWHERE.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one disk only")
    folder = ELSEWHERE / f"passerelle-test-{os.getpid()}"
    try:
        for number in (1, 2):
            source = tmp_path / "a.png"
            source.write_bytes(b"x" * number)
            os.utime(source, (1_700_000_000, 1_700_000_000))
            moved = files.durable_move(source, folder)
            assert (moved.read_bytes(), moved.stat().st_mtime) == (b"x" * number, 1_700_000_000)
            assert not source.exists()
        assert sorted(found.name for found in folder.iterdir()) == ["a-1.png", "a.png"]
    finally:
        for path in folder.glob("*"):
            path.unlink()
        folder.rmdir()


def test_threads_never_move_onto_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = files._free  # noqa: SLF001 - where the race would be

    def slow(folder: Path, name: str) -> Path:
        found = free(folder, name)
        os.sched_yield()
        return found

    monkeypatch.setattr(files, "_free", slow)

    def move(thread: int) -> None:
        for number in range(20):
            source = tmp_path / f"{thread}" / "a.png"
            source.write_text(f"{thread} {number}")
            files.durable_move(source, tmp_path / "archive")

    threads = [threading.Thread(target=move, args=(one,)) for one in range(3)]
    for number, thread in enumerate(threads):
        (tmp_path / f"{number}").mkdir()
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path.read_text() for path in (tmp_path / "archive").iterdir()}) == 60
