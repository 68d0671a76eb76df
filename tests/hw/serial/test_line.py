"""A line on real pty pairs and sockets: what comes, what is lost, and when it is gone."""

from __future__ import annotations

import socket
import termios
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import serial
from serial.rfc2217 import PortManager

from passerelle_hw.serial.line import Line, LineGone, LineSettings
from serial_support import PtyPair
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pair() -> Iterator[PtyPair]:
    pair = PtyPair()
    yield pair
    pair.unplug()


def read(line: Line, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = line.read(5)
        assert piece
        data += piece.data
    return data


def test_what_the_device_sends_is_read_and_what_is_answered_reaches_it(pair: PtyPair) -> None:
    with closing(Line(LineSettings(url=pair.name))) as line:
        pair.write(bytes(range(256)))
        assert read(line, 256) == bytes(range(256))
        line.write(b"\x06")
        line.write(b"")
        assert pair.read(1) == b"\x06"


def test_a_wait_ends_without_news_when_its_time_is_up_or_it_is_woken(pair: PtyPair) -> None:
    with closing(Line(LineSettings(url=pair.name))) as line:
        assert line.read(0.01) is None
        line.wake()
        assert line.read(60) is None


def test_a_line_that_is_pulled_out_gives_what_came_and_then_says_so(pair: PtyPair) -> None:
    with closing(Line(LineSettings(url=pair.name))) as line:
        pair.write(b"last")
        assert read(line, 4) == b"last"
        pair.unplug()
        with pytest.raises(LineGone):
            line.read(5)
        with pytest.raises(LineGone):
            line.write(b"anything")


def test_what_nobody_fetches_is_dropped_counted_and_told(pair: PtyPair) -> None:
    with closing(Line(LineSettings(url=pair.name), limit_bytes=10)) as line:
        pair.write(b"a" * 10)
        wait_until(lambda: line._waiting == 10)  # noqa: SLF001 - what the thread has
        pair.write(b"b" * 5)
        wait_until(lambda: line.dropped_bytes == 5)
        assert read(line, 10) == b"a" * 10
        pair.write(b"c")
        piece = line.read(5)
        assert piece
        assert (piece.data, "dropped" in piece.fault) == (b"c", True)
        pair.write(b"d")
        after = line.read(5)
        assert after
        assert (after.data, after.fault) == (b"d", ""), "told once"


def test_parity_has_the_tty_mark_damaged_bytes_and_the_marks_are_undone(pair: PtyPair) -> None:
    with closing(Line(LineSettings(url=pair.name, parity="even", data_bits=8))) as line:
        flags = termios.tcgetattr(pair.device)[0]
        assert flags & termios.INPCK
        assert flags & termios.PARMRK
        assert not flags & termios.IGNPAR
        pair.write(b"\xff\x00\xff")
        assert read(line, 3) == b"\xff\x00\xff", "a tty doubles FF while it marks"


def test_a_port_that_is_not_there_or_taken_is_told(pair: PtyPair, tmp_path: Path) -> None:
    with pytest.raises(LineGone, match="No such file"):
        Line(LineSettings(url=str(tmp_path / "ttyUSB0")))
    with pytest.raises(LineGone):
        Line(LineSettings(url="nothing://here"))
    with closing(Line(LineSettings(url=pair.name))), pytest.raises(LineGone):
        Line(LineSettings(url=pair.name))


def test_a_serial_server_on_the_network_is_a_line_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with closing(Line(LineSettings(url=url, parity="even"))) as line:
            device, _ = server.accept()
            with device:
                device.sendall(b"\xffabc")
                assert read(line, 4) == b"\xffabc", "no tty marks anything there"
                line.write(b"\x06")
                assert device.recv(1) == b"\x06"
            with pytest.raises(LineGone):
                line.read(5)


def test_every_other_url_of_pyserial_is_a_line_or_told() -> None:
    with closing(Line(LineSettings(url="loop://", parity="even"))) as line:
        line.write(b"\xff\x00abc")
        assert read(line, 5) == b"\xff\x00abc"
    with pytest.raises(LineGone, match="nowhere"):
        Line(LineSettings(url="hwgrep://nowhere"))


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial 3.5
def test_a_serial_server_that_speaks_rfc2217_is_a_line_too() -> None:
    device = serial.serial_for_url("loop://", timeout=0.05)  # gives back what is sent to it
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve_rfc2217, args=(server, device), daemon=True)
        thread.start()
        url = f"rfc2217://127.0.0.1:{server.getsockname()[1]}"
        with closing(Line(LineSettings(url=url, baudrate=9600))) as line:
            line.write(b"\xff\x00abc")
            assert read(line, 5) == b"\xff\x00abc"
            assert device.baudrate == 9600, "the settings reach the server"
        thread.join(10)
        assert not thread.is_alive()


def serve_rfc2217(server: socket.socket, device: serial.SerialBase) -> None:
    """One connection to a port, as pyserial's own example of a server has it."""
    connection, _ = server.accept()
    with connection, connection.makefile("rwb", buffering=0) as stream:
        manager = PortManager(device, stream)
        while data := connection.recv(1024):
            device.write(b"".join(manager.filter(data)))
            if back := device.read(device.in_waiting):
                connection.sendall(b"".join(manager.escape(back)))
