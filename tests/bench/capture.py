"""A station of 1080p30 MJPG with a ring of 10 s: frames lost, CPU and memory of its processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import OURS, Bench, Figure
from bench.process import cpu_s, peak_bytes, program, session
from passerelle_hw.camera import drawn
from passerelle_hw.camera.frame import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bench.measure import Contender, Plan, Values

_MB = 1e6
_HD = Wanted(columns=1920, rows=1080, rate=30.0)


def _device_of_ffmpeg(folder: Path) -> str:
    program("ffmpeg")
    file = folder / "scope.mjpeg"
    file.write_bytes(b"".join(drawn.Loop.of(drawn.format_for(_HD)).frames))
    return f"file:{file}"


def _synthetic(_: Path) -> str:
    return "test"


@contextmanager
def _contenders(
    device: Callable[[Path], str], folder: Path, plan: Plan
) -> Iterator[Mapping[str, Contender]]:
    seconds = plan.dose.of(60, 20, 2)
    name = device(folder)
    numbers = iter(range(1000))

    def ours() -> Values:
        into = folder / str(next(numbers))
        into.mkdir()
        return _measured(name, into, seconds)

    yield {OURS: ours}


def _measured(device: str, into: Path, seconds: int) -> Values:
    tests = Path(__file__).parents[1]
    paths = [str(tests), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.station_process", device, str(into), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "OK\n"
        pids = list(session(process.pid))
        before = {pid: cpu_s(pid) for pid in pids}
        assert process.stdout.readline() == "MEASURED\n"
        used = {pid: cpu_s(pid) - before[pid] for pid in pids}
        peaks = {pid: peak_bytes(pid) for pid in pids}
        told = json.loads(process.stdout.read())
    assert process.returncode == 0
    assert told["frames"], "the clip did not come"
    own = process.pid
    return {
        "lost": told["missing"] + told["clip_missing"] + told["reopened"],
        "own_percent": 100 * used[own] / seconds,
        "all_percent": 100 * sum(used.values()) / seconds,
        "own_MB": peaks[own] / _MB,
        "all_MB": sum(peaks.values()) / _MB,
    }


_value = partial(Figure, aims_at_value=True, more_is_better=False)
_FIGURES = (
    _value(name="frames lost", metric="lost", unit="frames", aim=0),
    _value(name="CPU, device process", metric="own_percent", unit="% of a core", aim=15),
    _value(name="CPU, with ffmpeg", metric="all_percent", unit="% of a core"),
    _value(name="peak RSS, device process", metric="own_MB", unit="MB", aim=80),
    _value(name="peak RSS, with ffmpeg", metric="all_MB", unit="MB"),
)

BENCHES = (
    Bench(
        name="capture.ffmpeg", figures=_FIGURES, contenders=partial(_contenders, _device_of_ffmpeg)
    ),
    Bench(name="capture.test", figures=_FIGURES, contenders=partial(_contenders, _synthetic)),
)
