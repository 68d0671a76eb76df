"""The sending side of the `frames` protocol, to read, to port and to try a line with.

python -m passerelle_hw.serial.sender /dev/ttyUSB0 picture.png --sidecar picture.json
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from passerelle_hw.serial.frames import SEQUENCES, Frame, Frames, Kind
from passerelle_hw.serial.transfer import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ANSWER_S: Final = 2.0
_DURABLE_S: Final = 30.0  # the answer to END comes after the box has written to its disk
_TRIES: Final = 10
_BUSY_S: Final = 5.0


class NotDelivered(Exception):
    """The box does not have the file; why."""


class _Again(Exception):
    """The file has to be begun again."""


class Wire(Protocol):
    """A line as a device has it."""

    def read(self, timeout_s: float) -> bytes:
        """Whatever comes within the time; b"" for nothing."""

    def write(self, data: bytes) -> None:
        """Send."""


class Sender:
    """Sends files over a line; when `send` returns, the box has the file durably."""

    def __init__(
        self,
        wire: Wire,
        *,
        chunk_bytes: int = 1024,
        answer_s: float = _ANSWER_S,
        durable_s: float = _DURABLE_S,
        tries: int = _TRIES,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.repeats = 0  #: frames that had to be sent again
        self._wire = wire
        self._chunk = chunk_bytes
        self._answer_s = answer_s
        self._durable_s = durable_s
        self._tries = tries
        self._clock = clock
        self._pause = pause
        self._sequence = 0
        self._frames = Frames()

    def send(self, name: str, content: bytes, sidecar: bytes = b"") -> None:
        """Hand over one file with its sidecar.

        Raises:
            NotDelivered: The box refuses it, or does not answer.
        """
        self._wire.write(b"\0")  # ends whatever the line held
        for _ in range(self._tries):
            try:
                for kind, payload in self._file(name, content, sidecar):
                    self._deliver(kind, payload)
            except _Again:
                continue
            return
        msg = "the box let the file be begun again too often"
        raise NotDelivered(msg)

    def _file(self, name: str, content: bytes, sidecar: bytes) -> Iterator[tuple[Kind, bytes]]:
        length = len(content).to_bytes(4, "little")
        yield Kind.BEGIN, length + name.encode()
        for start in range(0, len(sidecar), self._chunk):
            yield Kind.SIDECAR, sidecar[start : start + self._chunk]
        for start in range(0, len(content), self._chunk):
            yield Kind.DATA, content[start : start + self._chunk]
        yield Kind.END, length + zlib.crc32(content).to_bytes(4, "little")

    def _deliver(self, kind: Kind, payload: bytes) -> None:
        """Send a frame until it is acknowledged."""
        self._sequence = (self._sequence + 1) % SEQUENCES
        frame = Frame(kind, self._sequence, payload)
        patience_s = self._durable_s if kind is Kind.END else self._answer_s
        for attempt in range(self._tries):
            self.repeats += attempt > 0
            self._wire.write(frame.encoded())
            answer = self._answer(self._clock() + patience_s)
            if answer is None:
                continue
            if answer.kind is Kind.ACK:
                return
            self._judge(answer)
        msg = "the box does not answer"
        raise NotDelivered(msg)

    def _judge(self, answer: Frame) -> None:
        match answer.payload[0]:
            case Reason.DAMAGED:
                return
            case Reason.BUSY:
                self._pause(_BUSY_S)
                raise _Again
            case Reason.ORDER:
                raise _Again
            case _:
                raise NotDelivered(answer.payload[1:].decode("ascii", "replace"))

    def _answer(self, until: float) -> Frame | None:
        """The answer to the frame that was sent last; None when there is none in time."""
        while (left := until - self._clock()) > 0:
            for event in self._frames.feed(self._wire.read(left)):
                if isinstance(event, Frame) and self._concerns(event):
                    return event
        return None

    def _concerns(self, answer: Frame) -> bool:
        is_damage = answer.kind is Kind.NAK and answer.payload[:1] == bytes([Reason.DAMAGED])
        return answer.kind in (Kind.ACK, Kind.NAK) and (
            is_damage or answer.sequence == self._sequence
        )


class SerialWire:
    """A serial port, by the name or the URL that pyserial takes."""

    def __init__(self, url: str, baudrate: int) -> None:
        import serial  # noqa: PLC0415 - everything above works without it

        self._port = serial.serial_for_url(url, baudrate=baudrate, timeout=0, write_timeout=10)

    def read(self, timeout_s: float) -> bytes:
        """See `Wire.read`."""
        self._port.timeout = timeout_s
        return bytes(self._port.read(self._port.in_waiting or 1))

    def write(self, data: bytes) -> None:
        """See `Wire.write`."""
        self._port.write(data)


def main() -> None:
    """Send files as the command line says."""
    parser = argparse.ArgumentParser(prog="passerelle_hw.serial.sender", description=__doc__)
    parser.add_argument("port", help="a serial port, or a URL that pyserial takes")
    parser.add_argument("file", type=Path)
    parser.add_argument("--sidecar", type=Path, help="JSON, DICOM keyword to value")
    parser.add_argument("--baudrate", type=int, default=115200)
    given = parser.parse_args()
    sidecar = given.sidecar.read_bytes() if given.sidecar else b""
    sender = Sender(SerialWire(given.port, given.baudrate))
    try:
        sender.send(given.file.name, given.file.read_bytes(), sidecar)
    except NotDelivered as fault:
        sys.exit(f"{given.file.name}: {fault}")


if __name__ == "__main__":
    main()
