"""A device that does not exist, on a pty, with the faults that lines and devices have."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import select
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passerelle_hw import pictures
from passerelle_hw.serial.sender import NotDelivered, Sender
from passerelle_hw.simulated import PATIENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from passerelle_hw.serial.sender import Wire

_BLOCK: Final = 4096
_WRITE_S: Final = 10.0


class Pty:
    """A pseudo terminal under a name of our choice, as a USB adapter has one below by-id."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._ends: tuple[int, int] | None = None

    def plug(self) -> None:
        """Let the port appear."""
        import pty  # noqa: PLC0415 - not on Windows
        import tty  # noqa: PLC0415

        ours, theirs = pty.openpty()
        tty.setraw(theirs)  # or it would echo until somebody opens it
        os.set_blocking(ours, False)
        self._ends = ours, theirs
        fresh = self.link.with_name(f"{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(theirs))
        fresh.replace(self.link)

    def unplug(self) -> None:
        """Let the port disappear."""
        self.link.unlink(missing_ok=True)
        for end in self._ends or ():
            os.close(end)
        self._ends = None

    def read(self, timeout_s: float) -> bytes:
        """See `Wire.read`."""
        ours = self._ours
        readable, _, _ = select.select([ours], [], [], timeout_s)
        return os.read(ours, _BLOCK) if readable else b""

    def write(self, data: bytes) -> None:
        """See `Wire.write`; what nobody reads for long is lost, as on a real line."""
        ours, rest = self._ours, memoryview(data)
        until = time.monotonic() + _WRITE_S
        while rest and (left := until - time.monotonic()) > 0:
            _, writable, _ = select.select([], [ours], [], left)
            with suppress(BlockingIOError):
                rest = rest[os.write(ours, rest) if writable else 0 :]

    @property
    def _ours(self) -> int:
        if self._ends is None:
            msg = "the simulated port is not plugged in"
            raise OSError(msg)
        return self._ends[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often what goes wrong, from 0 to 1, for each piece that is written or read."""

    noise: float = 0.0  #: a bit of it is flipped
    cut: float = 0.0  #: its end is missing
    garbage: float = 0.0  #: something comes before it
    lost_answers: float = 0.0  #: an answer of the box does not arrive


class FaultyWire:
    """A wire with faults; equal seeds give equal faults."""

    def __init__(self, wire: Wire, faults: Faults, seed: int = 0) -> None:
        self.count = 0  #: faults so far
        self._wire = wire
        self._faults = faults
        self._random = random.Random(seed)  # noqa: S311 - it chooses faults, not keys

    def read(self, timeout_s: float) -> bytes:
        """See `Wire.read`."""
        data = self._wire.read(timeout_s)
        return b"" if data and self._happens(self._faults.lost_answers) else data

    def write(self, data: bytes) -> None:
        """See `Wire.write`."""
        if self._happens(self._faults.garbage):
            self._wire.write(self._random.randbytes(self._random.randint(1, 40)))
        if self._happens(self._faults.noise):
            data = self._flipped(data)
        if self._happens(self._faults.cut):
            data = data[: self._random.randrange(len(data))]
        self._wire.write(data)

    def _happens(self, share: float) -> bool:
        happens = self._random.random() < share
        self.count += happens
        return happens

    def _flipped(self, data: bytes) -> bytes:
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << self._random.randrange(8)]) + data[at + 1 :]


class SimulatedSerialDevice:
    """Takes endoscopy stills of invented patients and sends them; keeps what is not delivered."""

    def __init__(
        self,
        pty: Pty,
        seed: int = 0,
        *,
        faults: Faults | None = None,
        unplug_every: int = 0,
        away_s: float = 1.0,
        answer_s: float = 0.5,
        durable_s: float = 10.0,
        tries: int = 40,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """A device that is not plugged in.

        Args:
            pty: Its port.
            seed: Equal seeds give equal pictures and equal faults.
            faults: What goes wrong on the line.
            unplug_every: Pull the plug in the midst of each so many-th picture; 0 for never.
            away_s: How long it stays pulled.
            answer_s: How long the device waits for an answer.
            durable_s: How long it waits for the answer to a file's end.
            tries: How often it sends a frame before it gives up.
            pause: Waits.
        """
        self._pty = pty
        self._seed = seed
        self._unplug_every = unplug_every
        self._away_s = away_s
        self._pause = pause
        self._numbers = itertools.count(1)
        self._wire = FaultyWire(pty, faults or Faults(), seed)
        self._sender = Sender(
            self._wire,
            chunk_bytes=2048,
            answer_s=answer_s,
            durable_s=durable_s,
            tries=tries,
            pause=pause,
        )

    @contextmanager
    def plugged(self) -> Iterator[None]:
        """The port is there."""
        self._pty.plug()
        try:
            yield
        finally:
            self._pty.unplug()

    @property
    def faults(self) -> int:
        """How much went wrong so far."""
        return self._wire.count

    def acquire(self, count: int = 1) -> Iterator[tuple[str, bytes]]:
        """Take and send pictures; each is yielded once the box has it.

        Raises:
            NotDelivered: The box refuses one.
        """
        for number in itertools.islice(self._numbers, count):
            name, content, sidecar = self.picture(number)
            if self._unplug_every and number % self._unplug_every == 0:
                self._pull_the_plug(name, content)
            self._sender.send(name, content, sidecar)
            yield name, content

    def picture(self, number: int) -> tuple[str, bytes, bytes]:
        """Name, content and sidecar of the device's n-th picture."""
        import numpy as np  # noqa: PLC0415 - see pictures

        file = io.BytesIO()
        still = pictures.endoscopy(np.random.default_rng([self._seed, number]))
        still.save(file, "JPEG", quality=92)
        table = {
            **PATIENTS[(self._seed + number) % len(PATIENTS)],
            "AccessionNumber": f"SER{self._seed:04}{number:05}",
            "StudyDescription": "Colonoscopy",
        }
        sidecar = json.dumps(table, ensure_ascii=False).encode()
        return f"SCOPE_{number:04}.jpg", file.getvalue(), sidecar

    def _pull_the_plug(self, name: str, content: bytes) -> None:
        """Go away in the midst of a picture and come back, having forgotten how far it went."""
        half = Sender(_Short(self._wire, len(content) // 2), chunk_bytes=2048, answer_s=0.5)
        try:
            half.send(name, content)
        except (NotDelivered, OSError):
            self._pty.unplug()
            self._pause(self._away_s)
            self._pty.plug()


class _Short:
    """A wire that ends after so many bytes."""

    def __init__(self, wire: Wire, left_bytes: int) -> None:
        self._wire = wire
        self._left = left_bytes

    def read(self, timeout_s: float) -> bytes:
        return self._wire.read(timeout_s)

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            msg = "pulled out"
            raise OSError(msg)
        self._wire.write(data)
