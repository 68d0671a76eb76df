"""The bench of a station runs, for a moment."""

from __future__ import annotations

import pytest

from bench.capture import BENCHES
from bench.measure import Bench, Dose, Plan, measured
from support import need


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_the_bench_of_a_station_measures_every_figure(bench: Bench) -> None:
    need("ffmpeg")
    rows = {row.figure.metric: row.ours for row in measured(bench, Plan(runs=1, dose=Dose.TINY))}
    assert rows["own_percent"][0] > 0
    assert rows["own_MB"][0] > 10
