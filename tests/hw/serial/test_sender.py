"""The reference sender gives up in time, and works as a program on a real line."""

from __future__ import annotations

import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from passerelle_hw.serial.frames import Frame, Frames, Kind
from passerelle_hw.serial.sender import NotDelivered, Sender
from passerelle_hw.serial.transfer import Transfer
from serial_support import Box, MemoryStore, PtyPair

if TYPE_CHECKING:
    from pathlib import Path


class Silence:
    """A line that nobody listens to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.written = 0

    def read(self, timeout_s: float) -> bytes:
        self.now += timeout_s
        return b""

    def write(self, data: bytes) -> None:
        self.written += bool(data.strip(b"\0"))


def test_a_box_that_does_not_answer_is_given_up_after_so_many_tries() -> None:
    wire = Silence()
    sender = Sender(wire, answer_s=2.0, tries=3, clock=lambda: wire.now)
    with pytest.raises(NotDelivered, match="does not answer"):
        sender.send("a.png", b"abc")
    assert (wire.written, wire.now, sender.repeats) == (3, 6.0, 2)


def test_a_box_that_never_has_room_is_given_up() -> None:
    store = MemoryStore()
    store.busy = 99
    with pytest.raises(NotDelivered, match="too often"):
        Box(store).sender(tries=3).send("a.png", b"abc")
    assert store.busy == 96


class LosesTheEnd(Box):
    """Answers everything twice, and does not hear the first END."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.lost = 0
        self._last = b""

    def write(self, data: bytes) -> None:
        (frame,) = Frames().feed(data) or (None,)
        if isinstance(frame, Frame) and frame.kind is Kind.END and not self.lost:
            self.lost += 1
        else:
            super().write(data)

    def read(self, timeout_s: float) -> bytes:
        self._last, last = super().read(timeout_s), self._last
        return last + self._last


def test_an_old_acknowledgement_is_not_taken_for_that_of_the_end() -> None:
    store = MemoryStore()
    box = LosesTheEnd(store)
    box.sender().send("a.png", b"abc")
    assert box.lost == 1
    assert store.files == [("a.png", b"abc", b"")]


def test_as_a_program_it_sends_a_file_with_its_sidecar(tmp_path: Path) -> None:
    picture, sidecar = tmp_path / "a.png", tmp_path / "a.json"
    picture.write_bytes(bytes(5000))
    sidecar.write_bytes(b"{}")
    line, store = PtyPair(), MemoryStore()
    Thread(target=receive, args=(line, store), daemon=True).start()
    program = [sys.executable, "-m", "passerelle_hw.serial.sender"]
    told = subprocess.run(
        [*program, line.name, str(picture), "--sidecar", str(sidecar)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    line.unplug()
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    assert store.files == [("a.png", bytes(5000), b"{}")]


def receive(line: PtyPair, store: MemoryStore) -> None:
    frames, transfer = Frames(), Transfer(store)
    while not store.files:
        for event in frames.feed(line.read(1)):
            line.write(transfer.take(event))
