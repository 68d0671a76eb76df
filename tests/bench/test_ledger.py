"""The benches of the ledger run, with a few thousand rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.ledger import BENCHES, filled, laid, record
from bench.measure import Dose, Plan, measured
from passerelle.spool import Spool
from passerelle.spool.layout import Layout
from passerelle.spool.records import read_object_record

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Bench


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_the_bench_of_the_ledger_measures_every_figure(bench: Bench) -> None:
    for row in measured(bench, Plan(runs=1, dose=Dose.TINY)):
        assert row.ours[0] > 0, row.key
        assert row.peer or not row.figure.against, row.key


def test_what_is_filled_in_haste_is_what_the_ledger_would_have_written(tmp_path: Path) -> None:
    with Spool.open(tmp_path):
        filled(tmp_path, 10, 4)
    layout = Layout(tmp_path)
    for number in range(10):
        laid(layout, record(number))
        assert read_object_record(layout.record(record(number).sop_instance_uid)) == record(number)
    with Spool.open(tmp_path) as spool:
        assert spool.findings == []
        counted = spool.counts().by_destination["pacs"]
        assert (counted["PENDING"], counted["STORED"], counted["COMMITTED"]) == (4, 3, 3)
