"""The cameras of this machine, by names that stay."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera.frame import CameraGone
from passerelle_hw.camera.v4l2 import abi
from passerelle_hw.camera.v4l2.choosing import formats
from passerelle_hw.camera.v4l2.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.camera.frame import Pixels

_DEV: Final = Path("/dev")


@dataclass(frozen=True, slots=True)
class SeenFormat:
    """A format with its sizes, each with the highest rate."""

    pixels: Pixels
    sizes: tuple[tuple[int, int, float], ...]  #: columns, rows, frames a second (0: not told)


@dataclass(frozen=True, slots=True)
class SeenCamera:
    """A device that captures."""

    name: str  #: below /dev/v4l where there is one: it stays when it is plugged in elsewhere
    card: str
    bus: str
    formats: tuple[SeenFormat, ...]


def cameras(dev: Path = _DEV) -> list[SeenCamera]:
    """Those that capture and may be opened by this user, by name."""
    stable = {
        link.resolve(): link
        for folder in ("by-path", "by-id")  # the latter wins: it follows the device
        for link in sorted((dev / "v4l" / folder).glob("*"))
    }
    found = []
    for path in sorted(dev.glob("video*")):
        with suppress(CameraGone):
            found.append(_seen(path, stable.get(path.resolve(), path)))
    return found


def _seen(path: Path, name: Path) -> SeenCamera:
    node = Node(str(path))
    try:
        return SeenCamera(
            name=str(name),
            card=node.capability.card.decode("utf-8", "replace"),
            bus=node.capability.bus_info.decode("utf-8", "replace"),
            formats=tuple(
                SeenFormat(pixels, tuple(_sizes(node, number)))
                for pixels, number in formats(node).items()
            ),
        )
    finally:
        node.close()


def _sizes(node: Node, pixelformat: int) -> Iterator[tuple[int, int, float]]:
    one = abi.FrameSize(pixelformat=pixelformat)
    for _ in node.each(abi.ENUM_FRAMESIZES, one):
        if one.type != abi.DISCRETE:  # any size up to these
            yield one.size[1], one.size[4], 0.0
            return
        yield one.size[0], one.size[1], _rate(node, pixelformat, one.size[0], one.size[1])


def _rate(node: Node, pixelformat: int, columns: int, rows: int) -> float:
    one = abi.FrameInterval(pixelformat=pixelformat, width=columns, height=rows)
    rates = [
        one.interval[1] / one.interval[0]
        for _ in node.each(abi.ENUM_FRAMEINTERVALS, one)
        if one.interval[0]
    ]
    return max(rates, default=0.0)
