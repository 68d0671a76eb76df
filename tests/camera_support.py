"""Frames, pictures and clips for the tests of cameras."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from passerelle_hw.camera.frame import Format, Frame
from passerelle_hw.trigger.press import Press

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from passerelle_hw.camera.recorder import Recorder
    from passerelle_hw.camera.wish import Step

MJPG = Format(pixels="MJPG", columns=64, rows=48, rate=25.0)
GREY = Format(pixels="GREY", columns=64, rows=48, stride=64, rate=25.0)


@cache
def jpeg(number: int, columns: int = 64, rows: int = 48) -> bytes:
    """A small picture that differs from number to number."""
    file = io.BytesIO()
    shades = Image.linear_gradient("L").resize((columns, rows)).rotate(number * 7 % 360)
    Image.merge("RGB", (shades, shades, Image.new("L", shades.size, number * 37 % 256))).save(
        file, "JPEG", quality=90
    )
    return file.getvalue()


def frame(at_s: float, sequence: int, given: Format = MJPG, data: bytes = b"") -> Frame:
    return Frame(data=data or jpeg(sequence), format=given, at_s=at_s, sequence=sequence)


def frames(count: int, *, rate: float = 25.0, begin_s: float = 100.0) -> list[Frame]:
    """Frames at an even pace, the first of them at `begin_s`."""
    given = replace(MJPG, rate=rate)
    return [frame(begin_s + number / rate, number, given) for number in range(count)]


def down(at_s: float) -> Press:
    return Press(at_s=at_s)


def up(at_s: float) -> Press:
    return Press(at_s=at_s, down=False)


def played(recorder: Recorder, shown: Iterable[Frame], presses: Sequence[Press] = ()) -> list[Step]:
    """What comes of frames when each press is told of just after the frame before it."""
    steps: list[Step] = []
    waiting = sorted(presses, key=lambda press: press.at_s)
    for one in shown:
        while waiting and waiting[0].at_s < one.at_s:
            steps += recorder.press(waiting.pop(0))
        steps += recorder.frame(one)
    for press in waiting:
        steps += recorder.press(press)
    return steps
