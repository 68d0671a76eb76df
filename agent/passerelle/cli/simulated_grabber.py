"""The camera `test` with its faults, pressed now and then, into a folder."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from passerelle_hw.camera.report import StationSettings
from passerelle_hw.camera.station import Report, Station
from passerelle_hw.trigger.interval import IntervalSettings
from passerelle_hw.trigger.opening import open_trigger

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle_hw.camera.captured import Captured


def play(into: Path, device: str, *, every: float, count: int, clip_s: float) -> None:
    """Press `count` times, and tell what came of each."""
    into.mkdir(parents=True, exist_ok=True)
    stop, over = threading.Event(), threading.Event()
    presses = 0

    def captured(one: Captured) -> None:
        size = one.file.stat().st_size / 1024
        click.echo(f"captured  {one.file.name}  {one.frames} frames  {size:.0f} KiB")
        counted()

    def told(report: Report) -> None:
        nonlocal presses
        click.echo(f"{report.state}  {report.reason}".rstrip())
        for _ in range(report.refused - presses):
            click.echo(f"nothing captured: {report.refused_why}")
            counted()
        presses = report.refused

    left = count

    def counted() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            over.set()

    settings = StationSettings(device=device, capture="clip" if clip_s else "still", clip_s=clip_s)
    trigger = open_trigger(IntervalSettings(every_s=every))
    station = Station(settings, into, [trigger], captured=captured, told=told)
    runs = threading.Thread(target=station.run, args=(stop,))
    runs.start()
    try:
        over.wait()
    finally:
        stop.set()
        runs.join()
    for facts in into.glob("*.facts"):  # they are for an agent's inbox
        facts.unlink()
