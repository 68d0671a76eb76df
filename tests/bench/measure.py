"""Figures of the agent against a peer's: taken in turn within one run, told as ratios."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Values = Mapping[str, float]
Contender = Callable[[], Values]
OURS = "ours"


class Absent(Exception):
    """A contender cannot take part on this machine; the text says why."""


class Dose(Enum):
    """How much is measured: the issue's numbers, fewer of them, or a handful that shows it runs."""

    FULL = 0
    SHORT = 1
    TINY = 2

    def of(self, full: int, short: int, tiny: int) -> int:
        return (full, short, tiny)[self.value]


@dataclass(frozen=True)
class Plan:
    """How often and how much."""

    runs: int = 5
    dose: Dose = Dose.FULL


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table: a value of one contender, and of the one it is compared with."""

    name: str
    metric: str
    unit: str
    of: str = OURS
    against: str = ""  #: nobody: the aim is then of the value itself
    against_metric: str = ""  #: where it is not called the same there
    aim: float | None = None
    aims_at_value: bool = False  #: the peer is shown, but the aim is of our value
    more_is_better: bool = True
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is set up together and measured in turn."""

    name: str
    figures: tuple[Figure, ...]
    contenders: Callable[[Path, Plan], AbstractContextManager[Mapping[str, Contender]]]


@dataclass(kw_only=True)
class Row:
    """What came out for one figure."""

    bench: str
    figure: Figure
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    absent: str = ""

    @property
    def key(self) -> str:
        against = f" / {self.figure.against}" if self.figure.against else ""
        return f"{self.bench}: {self.figure.name}{against}"

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.ours, self.peer, strict=False)
        return [ours / peer for ours, peer in pairs if peer > 0]

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def value(self) -> float | None:
        return statistics.median(self.ours) if self.ours else None

    @property
    def is_met(self) -> bool | None:
        """None: there is no aim, or nothing to hold against it."""
        of_value = self.figure.aims_at_value or not self.figure.against
        reached = self.value if of_value else self.ratio
        if self.figure.aim is None or reached is None:
            return None
        better = self.figure.more_is_better
        return reached >= self.figure.aim if better else reached <= self.figure.aim

    def is_worse_than(self, recorded: float, tolerance: float = 0.2) -> bool:
        """Whether the ratio is worse than this one by more than the tolerance."""
        if self.ratio is None:
            return False
        if self.figure.more_is_better:
            return self.ratio < recorded * (1 - tolerance)
        return self.ratio > recorded * (1 + tolerance)


def measured(bench: Bench, plan: Plan) -> list[Row]:
    """Every figure of a bench; who cannot take part is named in its rows."""
    rows = [Row(bench=bench.name, figure=figure) for figure in bench.figures]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            with bench.contenders(Path(folder), plan) as contenders:
                taken, absent = _in_turn(contenders, plan.runs)
        except Absent as reason:
            for row in rows:
                row.absent = str(reason)
            return rows
    for row in rows:
        figure = row.figure
        row.absent = absent.get(figure.of, "") or absent.get(figure.against, "")
        row.ours = _series(taken.get(figure.of, []), figure.metric)
        row.peer = _series(taken.get(figure.against, []), figure.against_metric or figure.metric)
    return rows


def _in_turn(
    contenders: Mapping[str, Contender], runs: int
) -> tuple[dict[str, list[Values]], dict[str, str]]:
    taken: dict[str, list[Values]] = {name: [] for name in contenders}
    absent: dict[str, str] = {}
    for number in range(runs):
        # Whoever goes first finds colder caches and a quieter machine: not always the same one.
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            if name not in absent:
                try:
                    taken[name].append(contenders[name]())
                except Absent as reason:
                    absent[name] = str(reason)
    return taken, absent


def _series(taken: list[Values], metric: str) -> list[float]:
    return [values[metric] for values in taken if metric in values]
