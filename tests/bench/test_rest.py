"""The benches of memory, CPU and writing run, for a moment."""

from __future__ import annotations

from bench.measure import Dose, Plan, measured
from bench.rest import BENCHES
from support import need


def test_the_bench_of_an_idle_agent_measures_every_figure() -> None:
    need("Orthanc")
    (bench,) = (one for one in BENCHES if one.name == "rest.idle")
    for row in measured(bench, Plan(runs=1, dose=Dose.TINY)):
        assert row.ours[0] > 0, row.key
        assert row.peer[0] > 0, row.key
