"""What an agent costs while nothing happens, and what one acquisition costs of memory and disk."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench.arrivals import Arrivals
from bench.endtoend import agent, drop_into, script
from bench.frames import jpeg
from bench.measure import OURS, Bench, Figure
from bench.process import (
    cpu_s,
    resident_bytes,
    session,
    session_resident_bytes,
    session_written_bytes,
)
from bench.receivers import StockOrthanc, StockStorescp
from bench.scripts import ShellScript
from journey_support import Box, dicom_destination
from journeys.test_large import FRAME_BYTES, PROFILE, wait, write_frames
from mixed_files import mixed_files
from support import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.endtoend import Watcher
    from bench.measure import Contender, Plan, Values

_MB = 1e6
_ORTHANC, _SHELL = "Orthanc", "script"
#: After this long without work every child is let go of.
_AT_REST_S = 40
_LOOK_S = 0.05


@contextmanager
def _idle(folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    seconds = plan.dose.of(30, 10, 1)
    rests = plan.dose.of(_AT_REST_S, _AT_REST_S, 1)
    numbers = iter(range(1000))

    def ours() -> Values:
        here = folder / str(next(numbers))
        report_port = free_port()
        with StockOrthanc(here, commit_port=report_port) as orthanc:
            destination = dicom_destination(
                orthanc.port, ae_title=orthanc.ae_title, report_port=report_port
            )
            box = Box(here / "box", destination)
            box.config.write_text(box.config.read_text().replace("poll_s = 0.5", "poll_s = 5.0"))
            box.start()
            file = next(mixed_files(1))
            box.drop(file.name, file.content, {"PatientID": "1"})
            box.wait_for("COMMITTED", 1)
            time.sleep(rests)
            values = _resting(lambda: list(session(box.pid)), seconds)
            box.stop()
        return values

    def orthanc() -> Values:
        with StockOrthanc(folder / str(next(numbers))) as server:
            time.sleep(min(rests, 2))
            return _resting(lambda: [server.pid], seconds)

    yield {OURS: ours, _ORTHANC: orthanc}


def _resting(processes: Callable[[], list[int]], seconds: float) -> Values:
    here = processes()
    before = sum(map(cpu_s, here))
    time.sleep(seconds)
    assert processes() == here, "it was not at rest"
    used = sum(map(cpu_s, here)) - before
    return {"MB": sum(map(resident_bytes, here)) / _MB, "percent": 100 * used / seconds}


@contextmanager
def _large(folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    frames = plan.dose.of(1024, 64, 4)
    raw = folder / "run.raw"
    write_frames(raw, frames)
    numbers = iter(range(1000))

    def ours() -> Values:
        here = folder / str(next(numbers))
        with StockStorescp(here, "+xa") as archive:
            destination = dicom_destination(archive.port, ae_title=archive.ae_title)
            destination = destination.replace('mode = "preferred"', 'mode = "off"')
            box = Box(here / "box", destination, source='profile = "detector"')
            (box.folder / "profiles").mkdir()
            (box.folder / "profiles" / "detector.toml").write_text(PROFILE)
            (box.acquisitions / "run.raw.json").write_text('{"PatientID": "00042"}')
            (box.acquisitions / "run.raw").hardlink_to(raw)
            began, peak, done = time.monotonic(), 0, threading.Event()
            box.start()
            waiting = threading.Thread(target=wait, args=(box, done, frames))
            waiting.start()
            while not done.wait(_LOOK_S):
                peak = max(peak, session_resident_bytes(box.pid))
            waiting.join()
            took = time.monotonic() - began
            box.stop()
            archive.emptied()
        return {"MB": peak / _MB, "MB_s": frames * FRAME_BYTES / _MB / took}

    yield {OURS: ours}


@contextmanager
def _written(folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    count = plan.dose.of(20, 10, 1)
    drop = []
    for number, content in enumerate(jpeg(1 + count)):
        drop.append(folder / f"P{number:04}_export.jpg")
        drop[-1].write_bytes(content)
    numbers = iter(range(1000))

    def taken(make: Callable[[Path, int], AbstractContextManager[Watcher]]) -> Values:
        here = folder / str(next(numbers))
        with (
            StockStorescp(here / "archive", "+xa", "--fork") as archive,
            Arrivals(archive.folder) as arrivals,
            make(here / "agent", archive.port) as watcher,
        ):
            drop_into(watcher, drop[0])
            assert arrivals.wait(1, 60)
            before = session_written_bytes(watcher.pid)
            for done, file in enumerate(drop[1:], 1):
                # One by one: many at once would share what is written for each.
                drop_into(watcher, file)
                assert len(arrivals.wait(done + 1, 60)) == done + 1
                time.sleep(0.3)
            written = session_written_bytes(watcher.pid) - before
        size = sum(file.stat().st_size for file in drop[1:])
        return {"kB": written / count / 1000, "times": written / size}

    yield {OURS: partial(taken, agent), _SHELL: partial(taken, partial(script, make=ShellScript))}


_value = partial(Figure, aims_at_value=True, more_is_better=False)

BENCHES = (
    Bench(
        name="rest.idle",
        figures=(
            _value(
                name="resident, all processes", metric="MB", unit="MB", against=_ORTHANC, aim=45
            ),
            _value(name="CPU", metric="percent", unit="% of a core", against=_ORTHANC, aim=0.3),
        ),
        contenders=_idle,
    ),
    Bench(
        name="rest.large",
        figures=(
            _value(name="peak of all processes, 2 GB multi-frame", metric="MB", unit="MB", aim=250),
            Figure(name="2 GB multi-frame wrapped and sent", metric="MB_s", unit="MB/s"),
        ),
        contenders=_large,
    ),
    Bench(
        name="rest.written",
        figures=(
            _value(name="written for a 1080p JPEG", metric="kB", unit="kB", against=_SHELL),
            _value(name="the same, times its size", metric="times", unit="times", against=_SHELL),
        ),
        contenders=_written,
    ),
)
