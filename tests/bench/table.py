"""The figures as a table, as JSON, and as what was recorded of them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Row

RECORDED = Path(__file__).with_name("recorded.json")
_HEADINGS = ("figure", "ours", "peer", "ratio (spread)", "aim", "met")


def shown(rows: Sequence[Row]) -> None:
    """Print a table for a person at a terminal."""
    table = Table(*_HEADINGS, title=machine())
    for row in rows:
        table.add_row(*_cells(row))
    Console(width=None if os.isatty(1) else 180).print(table)


def markdown(rows: Sequence[Row]) -> str:
    """The table of the README."""
    lines = [f"Measured on {machine()}:", "", f"| {' | '.join(_HEADINGS)} |", "| --- " * 6 + "|"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every single value."""
    return [
        {
            "figure": row.key,
            "unit": row.figure.unit,
            "ours": row.ours,
            "against": row.figure.against,
            "peer": row.peer,
            "ratio": row.ratio,
            "ratios": row.ratios,
            "aim": row.figure.aim,
            "met": row.is_met,
            "absent": row.absent,
        }
        for row in rows
    ]


def record(rows: Sequence[Row]) -> None:
    """Note the ratios beside those of figures that were not measured now."""
    known = recorded()
    known |= {row.key: round(row.ratio, 4) for row in rows if row.ratio is not None}
    RECORDED.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def recorded() -> dict[str, float]:
    """The ratios last noted."""
    noted: dict[str, float] = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    return noted


def machine() -> str:
    """The class of this machine; nothing tells which one it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return f"{cores} cores of {_cpu()}, {system}, Python {platform.python_version()}"


def _cpu() -> str:
    names = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in names if line.startswith("model name")), ": unknown")
    return f"{platform.machine()} ({model.partition(': ')[2]})"


def _cells(row: Row) -> tuple[str, ...]:
    figure = row.figure
    peer = f"{_number(row.peer)} {figure.unit}" if row.peer else ""
    name = f"{row.bench}: {figure.name}{f' ({figure.remark})' if figure.remark else ''}"
    if row.absent:
        peer = f"not measured: {row.absent}"
    elif figure.against:
        peer = f"{figure.against}: {peer}"
    return (
        name,
        f"{_number(row.ours)} {figure.unit}" if row.ours else "",
        peer,
        _ratio(row.ratios),
        _aim(row),
        {True: "yes", False: "NO", None: ""}[row.is_met],
    )


def _number(values: Sequence[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}"


def _ratio(ratios: Sequence[float]) -> str:
    if not ratios:
        return ""
    middle = statistics.median(ratios)
    return f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _aim(row: Row) -> str:
    figure = row.figure
    if figure.aim is None:
        return ""
    bound = f"{'≥' if figure.more_is_better else '≤'} {figure.aim:g}"
    of_value = figure.aims_at_value or not figure.against
    return f"{bound} {figure.unit}" if of_value else f"ratio {bound}"
