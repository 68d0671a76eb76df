"""What an agent says of itself: the `status` of the command, the page and the API."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from passerelle import __version__
from passerelle.clock import Trust, trust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from passerelle.spool import Counts

_LONG_UNSENT_S: Final = 900.0
_RATE_AFTER_S: Final = 600.0
_HOUR_S: Final = 3600.0

Status = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationView:
    """A destination as its courier and prover see it now."""

    name: str
    reason: str = ""  #: why it is not tried now; "" when it is
    since: float | None = None  #: s since the epoch
    next_attempt_s: float = 0.0
    proof_reason: str = ""  #: why nothing is proven; "" when all is well


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source as its intake sees it now."""

    name: str
    reasons: Sequence[str] = field(default_factory=tuple)
    pending: int = 0  #: seen, and not durable here yet
    last_acquisition_at: float | None = None


def moment(epoch_s: float | None) -> str | None:
    """An instant as ISO 8601 in UTC."""
    if epoch_s is None:
        return None
    instant = dt.datetime.fromtimestamp(epoch_s, tz=dt.UTC)
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def status_of(
    *,
    name: str,
    started_at: float | None,
    counts: Counts,
    data_dir: Path,
    destinations: Sequence[DestinationView],
    sources: Sequence[SourceView],
    faults: Sequence[str],
) -> Status:
    """The `status` of an agent; `started_at` is None when it does not run."""
    now = time.time()
    clock = trust(counts.newest_at or 0.0, now)
    acquisitions = {**counts.acquisitions, "RECEIVED": sum(source.pending for source in sources)}
    problems = [
        *faults,
        *(_outage(view) for view in destinations if view.reason),
        *(view.proof_reason for view in destinations if view.proof_reason),
        *(reason for view in sources for reason in view.reasons),
        *_waiting(counts, now),
    ]
    if clock is Trust.UNTRUSTED:
        problems.append("clock: earlier than what is already recorded; no time server yet?")
    if started_at is None:
        problems.append("agent: not running")
    free = shutil.disk_usage(data_dir).free
    return {
        "agent": {
            "name": name,
            "version": __version__,
            "uptime_s": round(now - started_at) if started_at else 0,
            "running": started_at is not None,
        },
        "healthy": not problems,
        "problems": list(dict.fromkeys(problems)),
        "acquisitions": acquisitions,
        "deliveries": counts.deliveries,
        "destinations": [_destination(view, counts, now) for view in destinations],
        "sources": [_source(view) for view in sources],
        "disk": {"free_bytes": free, "hours_left": _hours_left(free, counts, started_at, now)},
        "clock": str(clock),
    }


def _outage(view: DestinationView) -> str:
    return f"{view.reason}; since {moment(view.since)}, next try in {view.next_attempt_s:.0f} s"


def _waiting(counts: Counts, now: float) -> list[str]:
    texts = []
    for state, text in (
        ("HELD", "held: whose they are must be said (passerelle queue list --state HELD)"),
        ("QUARANTINED", "quarantined: they cannot become DICOM (queue list --state QUARANTINED)"),
    ):
        if counts.acquisitions[state]:
            texts.append(f"{counts.acquisitions[state]} acquisitions {text}")
    if counts.deliveries["REFUSED"]:
        texts.append(f"{counts.deliveries['REFUSED']} deliveries refused: queue list tells why")
    for name, oldest in counts.oldest_unsent.items():
        if now - oldest > _LONG_UNSENT_S:
            texts.append(f"{name}: the oldest instance waits since {moment(oldest)}")
    return texts


def _destination(view: DestinationView, counts: Counts, now: float) -> Status:
    oldest = counts.oldest_unsent.get(view.name)
    return {
        "name": view.name,
        "state": "down" if view.reason else "up",
        "reason": view.reason or view.proof_reason,
        "oldest_unsent_s": round(now - oldest) if oldest else 0,
        "next_attempt_s": round(view.next_attempt_s),
        "tls_expiry_days": None,
    }


def _source(view: SourceView) -> Status:
    return {
        "name": view.name,
        "state": "down" if view.reasons else "up",
        "reason": "; ".join(view.reasons),
        "last_acquisition_at": moment(view.last_acquisition_at),
    }


def _hours_left(free: int, counts: Counts, started_at: float | None, now: float) -> float | None:
    """Hours until the disk is full at the rate of this run; None while that says nothing."""
    if started_at is None or now - started_at < _RATE_AFTER_S or not counts.bytes_since_open:
        return None
    per_hour = counts.bytes_since_open / (now - started_at) * _HOUR_S
    return round(free / per_hour, 1)
