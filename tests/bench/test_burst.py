"""The bench of a burst runs, with a handful of files."""

from __future__ import annotations

from bench.burst import BENCHES
from bench.measure import Dose, Plan, measured


def test_the_bench_of_a_burst_finds_every_file_and_walks_the_same_ones() -> None:
    (bench,) = BENCHES
    (row,) = measured(bench, Plan(runs=2, dose=Dose.TINY))
    assert len(row.ours) == len(row.peer) == 2
    assert row.peer[0] > 0
