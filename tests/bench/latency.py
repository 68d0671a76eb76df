"""C-STORE over a line with a round trip of 50 ms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.line import FAR, Line, line
from bench.measure import Bench, Figure
from bench.objects import Load, spooled
from bench.receivers import NodelayStorescp, StockStorescp
from bench.senders import DcmtkSender
from passerelle.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.measure import Contender, Plan, Values

_ROUND_TRIP_S = 0.05
_ONE, _FOUR, _PEER = "1 association", "4 associations", "dcmsend"


@dataclass(frozen=True)
class _Line:
    """What is sent over which line to whom."""

    name: str
    receiver: type[StockStorescp]
    size: int
    bytes_per_s: float
    #: How many for four associations, one, and dcmsend, each so that it takes half a minute.
    counts: tuple[int, int, int]


_LINES = (
    _Line("20KB", NodelayStorescp, 20_000, 0, (600, 200, 100)),
    _Line("300KB-100Mbit", StockStorescp, 300_000, 100e6 / 8, (300, 150, 75)),
)


@contextmanager
def _contenders(over: _Line, folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    four, one, peer = (plan.dose.of(count, count // 2, 4) for count in over.counts)
    runs = [f"run{number}" for number in range(plan.runs)]
    objects: dict[int, list[Path]] = {}
    for associations, count in ((4, four), (1, one)):
        with Spool.open(folder / f"data{associations}") as spool:
            objects[associations] = spooled(spool, Load(count, over.size), runs)
    with line(round_trip_s=_ROUND_TRIP_S, bytes_per_s=over.bytes_per_s) as ends:
        archive = over.receiver(folder, "--fork", within=ends.far)

        def ours(associations: int, count: int, names: Iterator[str]) -> Values:
            archive.emptied()
            destination = {
                "name": next(names),
                "host": FAR,
                "port": archive.port,
                "ae_title": archive.ae_title,
                "associations": associations,
            }
            data_dir = folder / f"data{associations}"
            return _delivered(ends, data_dir, Load(count, over.size), destination)

        with archive:
            sender = DcmtkSender(
                folder / "peer",
                objects[1][:peer],
                host=FAR,
                port=archive.port,
                within=ends.near,
            )
            yield {
                _FOUR: partial(ours, 4, four, iter(runs)),
                _ONE: partial(ours, 1, one, iter(runs)),
                _PEER: sender,
            }


def _delivered(ends: Line, data_dir: Path, load: Load, destination: dict[str, object]) -> Values:
    command = [sys.executable, "-m", "bench.delivery", str(data_dir), str(load.count)]
    command += [str(load.size), json.dumps(destination)]
    done = subprocess.run(
        [*ends.near, *command],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )
    values: Values = json.loads(done.stdout)
    return values


def _figures() -> Iterator[Figure]:
    rate = partial(Figure, metric="instances_s", unit="/s")
    yield rate(name=_FOUR, of=_FOUR, against=_ONE, aim=3.5)
    yield rate(name=_ONE, of=_ONE, against=_PEER, aim=1.4)
    yield rate(name=_FOUR, of=_FOUR, against=_PEER)


BENCHES = tuple(
    Bench(
        name=f"latency.{over.name}",
        figures=tuple(_figures()),
        contenders=partial(_contenders, over),
    )
    for over in _LINES
)
