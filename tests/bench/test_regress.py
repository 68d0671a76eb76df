"""Whether a figure got worse since its ratio was recorded: on demand, on a quiet machine."""

from __future__ import annotations

import pytest

from bench import catalogue, table
from bench.measure import Bench, Dose, Plan, measured


@pytest.mark.regress
@pytest.mark.parametrize("bench", tuple(catalogue.benches()), ids=lambda bench: bench.name)
def test_no_ratio_is_a_fifth_worse_than_recorded(bench: Bench) -> None:
    recorded = table.recorded()
    rows = [row for row in measured(bench, Plan(runs=3, dose=Dose.SHORT)) if row.key in recorded]
    if not rows:
        pytest.skip("nothing is recorded of it")
    worse = {
        row.key: f"{row.ratio:.3g}, recorded {recorded[row.key]:.3g}"
        for row in rows
        if row.is_worse_than(recorded[row.key])
    }
    absent = {row.key: row.absent for row in rows if row.ratio is None}
    assert (worse, absent) == ({}, {})
