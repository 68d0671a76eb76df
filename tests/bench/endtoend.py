"""From the rename of a file into the folder to the closed object at the archive."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bench.arrivals import Arrivals
from bench.frames import KINDS
from bench.measure import OURS, Absent, Bench, Figure
from bench.process import session_cpu_s
from bench.receivers import StockStorescp
from bench.scripts import OrthancScript, ShellScript
from journey_support import Box, dicom_destination

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from bench.measure import Contender, Plan, Values

_SHELL, _ORTHANC = "script", "Orthanc create-dicom"
_SETTLE_S = 2.0  # as a config has it that says nothing
_BURST_SETTLE_S = 0.2  # the rate is what counts there
_PATIENCE_S = 600.0
_PROFILE = """
summary = "the patient is in the file's name"
filename = '(?P<PatientID>[A-Z0-9]+)_.*'
"""


_Make = Callable[[Path, int], "AbstractContextManager[Watcher]"]


class Watcher(Protocol):
    """Whatever sends on what is dropped into a folder."""

    acquisitions: Path

    @property
    def pid(self) -> int:
        """The leader of its session."""


@dataclass(frozen=True)
class _Load:
    """How many files come one by one, and how many at once."""

    singles: int
    burst: int
    pace_s: float = 1.0


_OURS = (_Load(12, 200), _Load(10, 75), _Load(1, 5, 0.1))
#: A peer takes one file after the other, so that fewer show its rate.
_PEERS = (_Load(4, 40), _Load(5, 15), _Load(1, 1, 0.1))


@contextmanager
def agent(folder: Path, port: int, *, settle_s: float = _SETTLE_S) -> Iterator[Watcher]:
    """The agent, to whom a file's name says whose it is."""
    destination = dicom_destination(port, ae_title="STORESCP")
    destination = destination.replace('mode = "preferred"', 'mode = "off"')
    box = Box(
        folder,
        destination,
        source='profile = "named"',
        more='[identity]\nresolvers = ["filename"]',
    )
    told = box.config.read_text().replace("sidecar_wait_s = 1.0", "sidecar_wait_s = 0.0")
    box.config.write_text(told.replace("settle_s = 0.2", f"settle_s = {settle_s}"))
    (box.folder / "profiles").mkdir()
    (box.folder / "profiles" / "named.toml").write_text(_PROFILE)
    box.start()
    try:
        yield box
    finally:
        if box.is_running:
            box.stop()


def script(folder: Path, port: int, make: Callable[[Path, Path, int], Any]) -> Any:  # noqa: ANN401 - one of two scripts
    """What a hospital would script."""
    return make(folder, folder / "acquisitions", port)


@contextmanager
def _contenders(kind: str, folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    ours, peers = _OURS[plan.dose.value], _PEERS[plan.dose.value]
    ending, draw = KINDS[kind]
    (folder / "drop").mkdir()
    drop = []
    for number, content in enumerate(draw(1 + ours.singles + ours.burst)):
        drop.append(folder / "drop" / f"P{number:04}_export.{ending}")
        drop[-1].write_bytes(content)
    numbers = iter(range(10_000))

    def watched(make: _Make, measure: Callable[[Watcher, Arrivals], Values]) -> Values:
        here = folder / f"run{next(numbers)}"
        with (
            StockStorescp(here / "archive", "+xa", "--fork") as archive,
            Arrivals(archive.folder) as arrivals,
            make(here / "agent", archive.port) as watcher,
        ):
            drop_into(watcher, drop[0])  # wakes everything up
            assert arrivals.wait(1, 60), "the first file never arrived"
            return measure(watcher, arrivals)

    def taken(load: _Load, one_by_one: _Make, at_once: _Make | None = None) -> Values:
        singles = drop[1 : 1 + load.singles]
        return {
            **watched(one_by_one, partial(_singles, files=singles, pace_s=load.pace_s)),
            **watched(at_once or one_by_one, partial(_burst, files=drop[-load.burst :])),
        }

    def no_sixteen_bits() -> Values:
        msg = "img2dcm takes no picture of 16 bits"
        raise Absent(msg)

    yield {
        OURS: partial(taken, ours, agent, partial(agent, settle_s=_BURST_SETTLE_S)),
        _SHELL: no_sixteen_bits
        if kind == "png16"
        else partial(taken, peers, partial(script, make=ShellScript)),
        _ORTHANC: partial(taken, peers, partial(script, make=OrthancScript)),
    }


def _singles(watcher: Watcher, arrivals: Arrivals, files: Sequence[Path], pace_s: float) -> Values:
    latencies = []
    for done, file in enumerate(files, 1):
        time.sleep(pace_s)
        dropped_at = time.monotonic()
        drop_into(watcher, file)
        came = arrivals.wait(done + 1, 60)
        assert len(came) == done + 1, f"{file.name} never arrived"
        latencies.append(1000 * (came[-1] - dropped_at))
    latencies.sort()
    p50 = statistics.median(latencies)
    p99 = latencies[int(0.99 * (len(latencies) - 1) + 0.5)]
    return {
        "p50_ms": p50,
        "p99_ms": p99,
        "p50_beyond_ms": p50 - 1000 * _SETTLE_S,
        "p99_beyond_ms": p99 - 1000 * _SETTLE_S,
    }


def _burst(watcher: Watcher, arrivals: Arrivals, files: Sequence[Path]) -> Values:
    before, began = session_cpu_s(watcher.pid), time.monotonic()
    for file in files:
        drop_into(watcher, file)
    came = arrivals.wait(1 + len(files), _PATIENCE_S)
    assert len(came) == 1 + len(files), f"{len(came)} arrived"
    return {
        "images_s": len(files) / (came[-1] - began),
        "cpu_s_each": (session_cpu_s(watcher.pid) - before) / len(files),
    }


def drop_into(watcher: Watcher, file: Path) -> None:
    """Rename another name of the file, which costs nothing, into the folder."""
    beside = watcher.acquisitions.parent / file.name
    beside.hardlink_to(file)
    beside.rename(watcher.acquisitions / file.name)


def _figures(aim: float) -> Iterator[Figure]:
    remark = "peers: a fifth as many"
    rate = partial(Figure, metric="images_s", unit="images/s", aim=aim, remark=remark)
    yield rate(name="burst", against=_SHELL)
    yield rate(name="burst", against=_ORTHANC)
    for name, limit in (("p50", 150), ("p99", 400)):
        yield Figure(
            name=f"single image, {name} beyond {1000 * _SETTLE_S:.0f} ms to settle",
            metric=f"{name}_beyond_ms",
            against=_ORTHANC,
            against_metric=f"{name}_ms",
            unit="ms",
            aim=limit,
            aims_at_value=True,
            more_is_better=False,
        )
    yield Figure(
        name="CPU", metric="cpu_s_each", unit="s an image", against=_SHELL, more_is_better=False
    )


BENCHES = tuple(
    Bench(
        name=f"endtoend.{kind}",
        figures=tuple(_figures(5 if kind == "jpeg" else 3)),
        contenders=partial(_contenders, kind),
    )
    for kind in KINDS
)
