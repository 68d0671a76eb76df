"""The benches of this topic run, with a handful of objects."""

from __future__ import annotations

import pytest

from bench.measure import Dose, Plan, measured
from bench.store import BENCHES
from support import need

ONE_EACH = ("store.300KB.orthanc", "store.20KB.sink", "store.200MB.storescp-nodelay")


@pytest.mark.parametrize("name", ONE_EACH)
def test_the_bench_of_sending_measures_every_figure(name: str) -> None:
    need("dcmsend", "storescp", "Orthanc")
    (bench,) = (one for one in BENCHES if one.name == name)
    for row in measured(bench, Plan(runs=1, dose=Dose.TINY)):
        assert row.ours[0] > 0, row.key
        assert row.peer, row.key
        assert row.absent == ""
