"""The benches of memory, CPU and writing run, for a moment."""

from __future__ import annotations

import pytest

from bench.measure import Dose, Plan, measured
from bench.rest import BENCHES
from support import need


@pytest.mark.parametrize("name", ["rest.idle", "rest.written"])
def test_the_bench_of_what_an_agent_costs_measures_every_figure(name: str) -> None:
    need("storescp", "Orthanc")
    (bench,) = (one for one in BENCHES if one.name == name)
    for row in measured(bench, Plan(runs=1, dose=Dose.TINY)):
        assert row.ours, row.key
        assert row.peer or "not installed" in row.absent, row.key
        assert row.figure.unit == "% of a core" or row.ours[0] > 0, row.key
