"""Ratios, aims and tables of the bench itself."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bench import catalogue, table
from bench.__main__ import main
from bench.measure import OURS, Absent, Bench, Figure, Plan, Row, measured
from bench.process import run, session_cpu_s, session_resident_bytes, session_written_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.measure import Contender, Values

RATE = Figure(name="rate", metric="rate", unit="/s", against="peer", aim=2)
CPU = Figure(name="CPU", metric="cpu", unit="s", against="peer", aim=1.2, more_is_better=False)
RSS = Figure(name="RSS", metric="rss", unit="MB", aim=60, more_is_better=False)


def bench(ours: list[Values], peer: list[Values] | None, *figures: Figure) -> Bench:
    def next_of(values: list[Values] | None) -> Values:
        if values is None:
            msg = "peer is not installed"
            raise Absent(msg)
        return values.pop(0)

    @contextmanager
    def contenders(_folder: Path, _plan: Plan) -> Iterator[Mapping[str, Contender]]:
        yield {OURS: lambda: next_of(ours), "peer": lambda: next_of(peer)}

    return Bench(name="a.bench", figures=figures, contenders=contenders)


def row(figure: Figure, ours: list[float], peer: list[float]) -> Row:
    return Row(bench="a.bench", figure=figure, ours=ours, peer=peer)


def test_a_ratio_is_taken_within_a_run_and_its_median_counts() -> None:
    ours: list[Values] = [{"rate": 10.0}, {"rate": 90.0}, {"rate": 40.0}]
    peer: list[Values] = [{"rate": 5.0}, {"rate": 10.0}, {"rate": 10.0}]
    (found,) = measured(bench(ours, peer, RATE), Plan(runs=3))
    assert found.ratios == [2.0, 9.0, 4.0]
    assert found.ratio == 4.0
    assert found.is_met


@pytest.mark.parametrize(
    ("figure", "ours", "peer", "is_met"),
    [
        (RATE, [19.0], [10.0], False),
        (RATE, [20.0], [10.0], True),
        (CPU, [1.2], [1.0], True),
        (CPU, [1.3], [1.0], False),
        (RSS, [60.0], [], True),
        (RSS, [61.0], [], False),
        (RATE, [20.0], [], None),
    ],
)
def test_an_aim_is_of_the_ratio_or_where_nobody_is_compared_of_the_value(
    figure: Figure,
    ours: list[float],
    peer: list[float],
    is_met: object,
) -> None:
    assert row(figure, ours, peer).is_met is is_met


def test_more_than_a_fifth_worse_is_a_regression_whichever_way_is_better() -> None:
    assert row(RATE, [7.9], [1.0]).is_worse_than(10)
    assert not row(RATE, [8.1], [1.0]).is_worse_than(10)
    assert row(CPU, [1.21], [1.0]).is_worse_than(1)
    assert not row(CPU, [1.19], [1.0]).is_worse_than(1)


def test_a_peer_that_is_not_installed_has_a_row_that_says_so() -> None:
    rows = measured(bench([{"rate": 1.0, "rss": 50.0}], None, RATE, RSS), Plan(runs=1))
    assert [one.absent for one in rows] == ["peer is not installed", ""]
    assert "not measured: peer is not installed" in table.markdown(rows)
    assert rows[0].is_met is None


def test_the_table_shows_ratio_spread_and_aim_and_names_no_machine() -> None:
    told = table.markdown([row(RATE, [10.0, 30.0, 20.0], [10.0, 10.0, 10.0])])
    assert "| a.bench: rate | 20 /s | peer: 10 /s | 2.00 (1.00 to 3.00) | ratio ≥ 2 | yes |" in told
    assert os.uname().nodename not in told


def test_a_bench_that_fails_has_rows_that_say_so_and_the_others_are_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lost(_folder: Path, _plan: Plan) -> AbstractContextManager[Mapping[str, Contender]]:
        msg = "an image was lost"
        raise AssertionError(msg)

    broken = Bench(name="broken", figures=(RATE,), contenders=lost)
    code = main(["--markdown", "--runs", "1"], [broken, bench([{"rss": 50.0}], None, RSS)])
    told = capsys.readouterr().out
    assert code == 1
    assert "| broken: rate |  | not measured: failed: an image was lost |" in told
    assert "| a.bench: RSS | 50 MB |" in told


def test_every_figure_has_a_name_of_its_own() -> None:
    keys = [
        Row(bench=one.name, figure=figure).key
        for one in catalogue.benches()
        for figure in one.figures
    ]
    assert len(keys) == len(set(keys))


def test_a_program_is_measured_to_its_end(tmp_path: Path) -> None:
    script = "x = bytearray(60_000_000)\nfor n in range(3_000_000): pass\nprint('done')"
    ended = run([sys.executable, "-c", script], tmp_path)
    assert ended.output == "done\n"
    assert ended.cpu_s > 0.02
    assert ended.peak_bytes > 60_000_000


def test_a_session_counts_what_its_processes_use(tmp_path: Path) -> None:
    here = os.getsid(0)
    before = session_written_bytes(here)
    with (tmp_path / "written").open("wb") as file:
        file.write(os.urandom(3_000_000))
        os.fsync(file.fileno())
    assert session_resident_bytes(here) > 20_000_000
    assert session_cpu_s(here) > 0
    assert session_written_bytes(here) >= before
