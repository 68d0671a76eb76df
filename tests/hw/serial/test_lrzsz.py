"""Files from Debian's sz, sb and sx over a real pty pair, on a clean line and on a bad one."""

from __future__ import annotations

import os
import random
import select
import subprocess
import threading
import tty
from typing import TYPE_CHECKING

import pytest

from passerelle_hw.serial.events import GivenUp
from passerelle_hw.serial.parity import Piece
from passerelle_hw.serial.xmodem import Xmodem, Ymodem
from serial_support import MemoryStore
from support import peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from passerelle_hw.serial.modem import Modem

CONTENT = random.Random(5).randbytes(3000)


class Cable:
    """What lies between the sender's pty and the receiver; it may do harm to what passes."""

    def __init__(self, modem: Modem, harm: Callable[[bytes], bytes] = bytes) -> None:
        self.modem = modem
        self.harm = harm
        self.given_up: list[str] = []
        self.quiet_s = 0.05  # the line's pauses, faster than at 300 baud

    def receive_from(self, program: str, *arguments: str | Path) -> int:
        """Let a sender send; its return code."""
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        sender = subprocess.Popen(
            [peer(program), "-q", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        timer = threading.Timer(60, sender.kill)
        timer.start()
        try:
            self._pass(ours)
        finally:
            os.close(ours)
            sender.kill()  # nothing happens where it has ended by itself
            timer.cancel()
            code = sender.wait()
        return code

    def _pass(self, ours: int) -> None:
        while True:
            patience_s = self.modem.patience_s
            wait_s = min(patience_s, 0.3) if patience_s > 1 else self.quiet_s
            if select.select([ours], [], [], wait_s)[0]:
                try:
                    data = os.read(ours, 4096)
                except OSError:  # the sender has gone
                    return
                said = self.modem.take(Piece(self.harm(data)))
            else:
                said = self.modem.silent()
            for event in said:
                if isinstance(event, GivenUp):
                    self.given_up.append(event.why)
                os.write(ours, event.answer)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture 1.jpg"
    path.write_bytes(CONTENT)
    return path


def padded(content: bytes, block: int = 128) -> bytes:
    return content + b"\x1a" * (-len(content) % block)


@pytest.mark.parametrize("arguments", [[], ["-k"]], ids=["128", "1k"])
@pytest.mark.parametrize("is_crc", [True, False], ids=["crc", "checksum"])
def test_sx_delivers_a_file(picture: Path, arguments: list[str], is_crc: bool) -> None:  # noqa: FBT001
    store = MemoryStore()
    assert Cable(Xmodem(store, "scope", is_crc=is_crc)).receive_from("sx", *arguments, picture) == 0
    ((name, content, sidecar),) = store.files
    assert (name, sidecar) == ("scope", b"")
    assert content == padded(CONTENT)


def test_sx_delivers_a_file_of_known_length_without_what_fills_its_last_block(
    picture: Path,
) -> None:
    store = MemoryStore()
    cable = Cable(Xmodem(store, "scope", file_bytes=len(CONTENT)))
    assert cable.receive_from("sx", "-k", picture) == 0
    assert store.files == [("scope", CONTENT, b"")]


@pytest.mark.parametrize("arguments", [[], ["-k"]], ids=["128", "1k"])
def test_sb_delivers_several_files_with_their_names_and_lengths(
    picture: Path, arguments: list[str]
) -> None:
    other = picture.with_name("other.png")
    other.write_bytes(CONTENT[:1024])
    store = MemoryStore()
    assert Cable(Ymodem(store)).receive_from("sb", *arguments, picture, other) == 0
    assert store.files == [
        (picture.name, CONTENT, b""),
        (other.name, CONTENT[:1024], b""),
    ]


class Noise:
    """Flips, cuts and adds bytes, by chance."""

    def __init__(self, seed: int, share: float) -> None:
        self.count = 0
        self._random = random.Random(seed)
        self._share = share

    def __call__(self, data: bytes) -> bytes:
        if self._random.random() > self._share or not data:
            return data
        self.count += 1
        at = self._random.randrange(len(data))
        match self._random.randrange(3):
            case 0:
                return (
                    data[:at] + bytes([data[at] ^ 1 << self._random.randrange(8)]) + data[at + 1 :]
                )
            case 1:
                return data[:at] + data[at + self._random.randint(1, 9) :]
            case _:
                return data[:at] + self._random.randbytes(self._random.randint(1, 9)) + data[at:]


@pytest.mark.parametrize("seed", range(3))
def test_on_a_bad_line_sb_delivers_each_file_whole_and_once_or_fails(
    picture: Path, seed: int
) -> None:
    store, noise = MemoryStore(), Noise(seed, 0.15)
    cable = Cable(Ymodem(store), noise)
    for _ in range(10):
        if cable.receive_from("sb", picture) == 0:
            break
    assert noise.count > 0
    assert set(store.files) == {(picture.name, CONTENT, b"")}


def test_a_sender_that_is_killed_in_the_midst_leaves_nothing_and_the_next_one_is_served(
    picture: Path,
) -> None:
    class Cut(Noise):
        def __call__(self, data: bytes) -> bytes:
            self.count += len(data)
            if self.count > 1500:
                raise InterruptedError
            return data

    store = MemoryStore()
    cable = Cable(Ymodem(store), Cut(0, 0))
    with pytest.raises(InterruptedError):
        cable.receive_from("sb", picture)
    cable.harm = bytes
    codes = [cable.receive_from("sb", picture)]
    if codes[0] != 0:  # it was told that its file is given up
        codes.append(cable.receive_from("sb", picture))
    assert codes[-1] == 0
    assert store.files == [(picture.name, CONTENT, b"")]


def test_a_store_without_room_or_liking_is_told_to_the_sender(picture: Path) -> None:
    store = MemoryStore()
    store.busy = 1
    cable = Cable(Ymodem(store))
    assert cable.receive_from("sb", picture) != 0
    assert cable.given_up == ["no room"]
    assert cable.receive_from("sb", picture) == 0
    disliked = picture.with_name("disliked")
    disliked.write_bytes(CONTENT)
    assert cable.receive_from("sb", disliked) != 0
    assert cable.given_up == ["no room", "not that one"]
    assert store.files == [(picture.name, CONTENT, b"")]


def test_one_who_speaks_the_other_protocol_is_told_apart(picture: Path) -> None:
    store = MemoryStore()
    xmodem, ymodem = Cable(Xmodem(store, "scope")), Cable(Ymodem(store))
    assert xmodem.receive_from("sb", picture) != 0
    assert "it is YMODEM" in xmodem.given_up[0]
    assert ymodem.receive_from("sx", picture) != 0
    assert "it is XMODEM" in ymodem.given_up[0]
    assert store.files == []
