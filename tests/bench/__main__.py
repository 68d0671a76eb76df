"""`python3 run.py bench [NAME…]`: figures against peers, as a table."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import catalogue, table
from bench.measure import Dose, Plan, Row, measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Bench


def main(arguments: list[str], known: Sequence[Bench]) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bench, or how its name begins")
    parser.add_argument("--list", action="store_true", help="name the benches and stop")
    parser.add_argument("--runs", type=int, default=5, help="pairs of ours and peer's (5)")
    parser.add_argument("--dose", choices=[dose.name.lower() for dose in Dose], help="full")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--markdown", action="store_true", help="print the table of the README")
    parser.add_argument(
        "--record", action="store_true", help="note the ratios of the short dose in recorded.json"
    )
    chosen = parser.parse_args(arguments)
    dose = chosen.dose or ("short" if chosen.record else "full")
    if chosen.record and dose != "short":
        parser.error("--record is of the short dose, with which `pytest -m regress` compares")
    benches = [
        bench
        for bench in known
        if not chosen.names or any(bench.name.startswith(name) for name in chosen.names)
    ]
    if chosen.list or not benches:
        print("\n".join(bench.name for bench in benches or known))
        return 0 if chosen.list else 2
    plan = Plan(runs=chosen.runs, dose=Dose[dose.upper()])
    rows: list[Row] = []
    failures = 0
    for bench in benches:
        print(f"measuring {bench.name} …", file=sys.stderr, flush=True)
        try:
            rows += measured(bench, plan)
        except (AssertionError, subprocess.CalledProcessError) as failure:
            failures += 1
            rows += [
                Row(bench=bench.name, figure=figure, absent=f"failed: {failure}")
                for figure in bench.figures
            ]
        if chosen.json:  # after each: hours of measuring must not go with one failure
            chosen.json.write_text(json.dumps(table.as_json(rows), indent=1, ensure_ascii=False))
    if chosen.markdown:
        print(table.markdown(rows))
    else:
        table.shown(rows)
    if chosen.record:
        table.record(rows)
    return 1 if failures else 0


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):  # what was started must be ended
        signal.signal(number, lambda *_: sys.exit(1))
    sys.exit(main(sys.argv[1:], tuple(catalogue.benches())))
