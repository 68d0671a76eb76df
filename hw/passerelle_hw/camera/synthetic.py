"""A camera that does not exist, under the name `test`; its faults are set by that name.

`test:?seed=7&drop=5%&stall=3s@20s`: what follows the question mark is joined by `&`.

| | |
| --- | --- |
| `seed=N` | chance begins here: equal names give equal faults (default 0) |
| `drop=P%` | a frame is lost, which shows as a gap in the frames' count |
| `truncate=P%` | a frame arrives cut off, and nobody says so, as with UVC |
| `damage=P%` | a frame that the driver says is damaged |
| `stall=T@E` | no frame comes, and nothing else happens |
| `unplug=T@E` | it is gone, and comes back |
| `freeze=T@E` | the same picture again and again |
| `nosignal=T@E` | blue pictures, and the driver says that there is no signal |
| `resize=T@E` | what is plugged in has half the size |
| `mute=1` | the driver says nothing of the signal, as cheap grabbers' do |

`T@E`: for the last T of every E, counted from the first opening; E is 30 s, or 2 T if that is more.
T and E are seconds: `3`, `3s`, `0.5s`. Another E is another fault's own.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from passerelle_hw.camera import drawn
from passerelle_hw.camera.frame import CameraGone, Format, Frame, SourceChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle_hw.camera.frame import DriverSignal, Wanted

_SHARES: Final = ("drop", "truncate", "damage")
_SPELLS: Final = ("stall", "unplug", "freeze", "nosignal", "resize")
_EVERY_S: Final = 30.0
_BEHIND_FRAMES: Final = 4
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?)%")
_SPELL: Final = re.compile(r"(\d+(?:\.\d+)?)s?(?:@(\d+(?:\.\d+)?)s?)?")


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault that comes and goes: for the last `for_s` of every `every_s`."""

    for_s: float = 0.0
    every_s: float = _EVERY_S

    def is_on(self, seconds: float) -> bool:
        """Whether it is there so long after the first opening."""
        return seconds % self.every_s >= self.every_s - self.for_s

    def left_s(self, seconds: float) -> float:
        """How long it stays yet."""
        return self.every_s - seconds % self.every_s


@dataclass(frozen=True, slots=True)
class Faults:
    """What a synthetic camera does wrong."""

    seed: int = 0
    mute: bool = False
    shares: dict[str, float] = field(default_factory=dict)
    spells: dict[str, Spell] = field(default_factory=dict)

    def share(self, name: str) -> float:
        """How often it happens to a frame, 0 to 1."""
        return self.shares.get(name, 0.0)

    def spell(self, name: str) -> Spell:
        """When it is there."""
        return self.spells.get(name, Spell())


def faults_in(device: str) -> Faults:
    """The faults that a name sets.

    Raises:
        CameraGone: It sets something that there is not.
    """
    _, _, asked = device.partition("?")
    faults = Faults()
    for name, value in parse_qsl(asked, keep_blank_values=True):
        share, spell = _SHARE.fullmatch(value), _SPELL.fullmatch(value)
        if name in _SHARES and share:
            faults.shares[name] = float(share[1]) / 100
        elif name in _SPELLS and spell:
            for_s = float(spell[1])
            faults.spells[name] = Spell(for_s, float(spell[2] or max(_EVERY_S, 2 * for_s)))
        elif name == "seed" and value.isdecimal():
            faults = replace(faults, seed=int(value))
        elif name == "mute" and value in {"0", "1"}:
            faults = replace(faults, mute=value == "1")
        else:
            msg = f"{device}: {name}={value} is no fault that the test camera has"
            raise CameraGone(msg)
    return faults


def open_camera(device: str, wanted: Wanted) -> SyntheticCamera:
    """Open the one of this name, which goes on where it was when it was closed.

    Raises:
        CameraGone: It is unplugged at the moment, or its name sets unknown faults.
    """
    return _device(device, wanted).open()


class SyntheticDevice:
    """What stays while such a camera is closed and opened again."""

    def __init__(
        self,
        name: str,
        wanted: Wanted,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Draw its pictures.

        Raises:
            CameraGone: Its name sets unknown faults.
        """
        self.faults = faults_in(name)
        self.clock = clock
        self.pause = pause
        self.chance = Random(self.faults.seed)  # noqa: S311 - faults, not keys
        self.format = drawn.format_for(wanted)
        self._began_s: float | None = None
        self._pictures: dict[tuple[int, int], drawn.Loop] = {}

    def open(self) -> SyntheticCamera:
        """Open it.

        Raises:
            CameraGone: It is unplugged at the moment.
        """
        now = self.clock()
        if self._began_s is None:
            self.pictures(self.format)  # before time begins: drawing takes some
            now = self._began_s = self.clock()
        return SyntheticCamera(self, now)

    def elapsed_s(self, at_s: float) -> float:
        """How long it was there then."""
        return at_s - (self._began_s or 0.0)

    def has(self, fault: str, at_s: float) -> bool:
        """Whether this fault is there then."""
        return self.faults.spell(fault).is_on(self.elapsed_s(at_s))

    def format_at(self, at_s: float) -> Format:
        """The format of what is plugged in then."""
        return drawn.halved(self.format) if self.has("resize", at_s) else self.format

    def pictures(self, given: Format) -> drawn.Loop:
        """Its pictures in this format, drawn once."""
        size = (given.columns, given.rows)
        if size not in self._pictures:
            self._pictures[size] = drawn.Loop.of(given, self.faults.seed)
        return self._pictures[size]


class SyntheticCamera:
    """A camera with a picture that moves, and a number in it that grows."""

    def __init__(self, device: SyntheticDevice, now_s: float) -> None:
        """Begin at the next frame.

        Raises:
            CameraGone: It is unplugged at the moment.
        """
        self._device = device
        self._check_plug(now_s)
        self.format = device.format_at(now_s)
        self._pictures = device.pictures(self.format)
        self._period_s = 1 / self.format.rate
        self._opened_s = device.clock()
        self._next = 1
        self._frozen: bytes | None = None

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, once it is due; None when it is not within the time.

        Raises:
            CameraGone: It was unplugged.
            SourceChanged: What is plugged in has another size now.
        """
        device = self._device
        until_s = device.clock() + timeout_s
        while True:
            now = device.clock()
            self._check_plug(now)
            if device.format_at(now) != self.format:
                msg = "what is plugged into the test camera has another size now"
                raise SourceChanged(msg)
            due_s = self._opened_s + self._next * self._period_s
            if due_s > until_s:
                device.pause(max(until_s - now, 0.0))
                return None
            if due_s > now:
                device.pause(due_s - now)
                continue
            # A driver has few buffers: who comes late has lost the frames between.
            self._next = max(
                self._next, int((now - self._opened_s) / self._period_s) - _BEHIND_FRAMES
            )
            frame = self._frame(self._opened_s + self._next * self._period_s)
            self._next += 1
            if frame is not None:
                return frame

    def signal(self) -> DriverSignal:
        """What the driver says of the signal now.

        Raises:
            CameraGone: It was unplugged.
        """
        now = self._device.clock()
        self._check_plug(now)
        if self._device.faults.mute:
            return None
        return "no signal" if self._device.has("nosignal", now) else "locked"

    def close(self) -> None:
        """Let go of nothing."""

    def _check_plug(self, at_s: float) -> None:
        if self._device.has("unplug", at_s):
            msg = "the test camera is unplugged"
            raise CameraGone(msg)

    def _frame(self, at_s: float) -> Frame | None:
        device, faults = self._device, self._device.faults
        lost, cut, damaged = (device.chance.random() < faults.share(name) for name in _SHARES)
        if lost or device.has("stall", at_s):
            return None
        data = self._picture(at_s)
        if cut:
            data = data[: len(data) // 2]
        return Frame(data=data, format=self.format, at_s=at_s, sequence=self._next, damaged=damaged)

    def _picture(self, at_s: float) -> bytes:
        if self._device.has("nosignal", at_s):
            return self._pictures.blue
        if not self._device.has("freeze", at_s):
            self._frozen = None
            return self._pictures.frames[self._next % len(self._pictures.frames)]
        if self._frozen is None:
            self._frozen = self._pictures.frames[self._next % len(self._pictures.frames)]
        return self._frozen


@lru_cache(maxsize=4)
def _device(name: str, wanted: Wanted) -> SyntheticDevice:
    return SyntheticDevice(name, wanted)
