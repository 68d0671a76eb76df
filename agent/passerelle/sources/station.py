"""What the config says of a camera, as its child takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle.trigger_settings import HandTriggerSettings

if TYPE_CHECKING:
    from passerelle.children.program import Body
    from passerelle.source_settings import GrabberSourceSettings


def station_of(settings: GrabberSourceSettings) -> Body:
    """`station` and `trigger` of the child's request `run`."""
    columns, rows = (int(part) for part in (settings.size or "0x0").split("x"))
    same = settings.model_dump(
        include={
            "device",
            "capture",
            "pre_trigger_s",
            "clip_s",
            "longest_s",
            "clip_format",
            "ring_mb",
            "latency_s",
            "frozen_s",
        }
    )
    station = {
        **same,
        "burst_count": settings.burst.count,
        "burst_interval_s": settings.burst.interval_s,
        "wanted": {
            "columns": columns,
            "rows": rows,
            "rate": settings.rate or 0.0,
            "pixels": settings.pixels,
        },
    }
    is_by_hand = isinstance(settings.trigger, HandTriggerSettings)
    return {"station": station, "trigger": None if is_by_hand else settings.trigger.model_dump()}
