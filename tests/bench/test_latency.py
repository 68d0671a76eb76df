"""The bench over a long line runs, with a handful of objects, where namespaces can be had."""

from __future__ import annotations

import pytest

from bench.latency import BENCHES
from bench.measure import Dose, Plan, measured
from support import need


def test_the_bench_over_a_long_line_feels_its_round_trip() -> None:
    need("storescp", "dcmsend")
    (bench,) = (one for one in BENCHES if one.name == "latency.20KB")
    rows = measured(bench, Plan(runs=1, dose=Dose.TINY))
    if rows[0].absent:
        pytest.skip(rows[0].absent)
    for row in rows:
        assert 0 < row.peer[0] < 20, row.key  # 50 ms an object
        assert row.ours[0] > 0, row.key
