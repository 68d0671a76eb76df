"""The ledger with a thousand rows and with a million, and how long it takes to open."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from bench.measure import OURS, Bench, Figure
from passerelle.model import AcquisitionState, DeliveryState, Origin
from passerelle.spool import Spool, entry
from passerelle.spool.database import Database
from passerelle.spool.layout import Layout
from passerelle.spool.records import ObjectRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bench.measure import Contender, Plan, Values

_SMALL = "the same of 1,000"
_SMALL_ROWS = 1000
_BATCH = 100  # within a savepoint, a larger one makes each of its statements slower
_FIRST_AT = 1_700_000_000.0
_PAGE = 200
#: What is asked of a ledger, each as quick with a million rows as with a thousand.
_QUESTIONS: Mapping[str, Callable[[Spool], object]] = {
    "counts": lambda spool: spool.counts(),
    "next_due": lambda spool: spool.next_due("pacs"),
    "unknown": lambda spool: spool.unknown("pacs", 50),
    "awaiting_proof": lambda spool: spool.awaiting_proof("pacs", 100),
    "a page of rows": lambda spool: next(spool.rows()),
    "oldest_unproven": lambda spool: spool.oldest_unproven(),
    "removable, nothing old": lambda spool: spool.removable(_FIRST_AT - 1, _PAGE),
    "removable, nothing proven": lambda spool: spool.removable(time.time() - 3600, _PAGE),
}


def record(number: int) -> ObjectRecord:
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    origin = Origin(agent="box", source="export", name=f"{number}.png", sha256=sha256)
    return ObjectRecord(
        origin=origin,
        instances=1,
        acquisition_size=300_000,
        number=0,
        sop_instance_uid=origin.uid(0),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7",
        study_instance_uid="2.25.1",
        series_instance_uid="2.25.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        sha256=sha256,
        size=300_000,
        destinations=("pacs",),
        created_at=_FIRST_AT + number,
        identity={"attributes": {"PatientID": "00042"}, "resolver": "sidecar"},
    )


def filled(folder: Path, rows: int, pending: int) -> None:
    """Enter so many instances, a few of them owed still, half of the others proven just now."""
    database = Database.opened(Layout(folder).database)
    for start in range(0, rows, _BATCH):
        with database.transaction():
            for number in range(start, min(rows, start + _BATCH)):
                _enter(database, record(number), _state(number, rows - pending))
    database.close()


def _state(number: int, settled: int) -> DeliveryState:
    if number >= settled:
        return DeliveryState.PENDING
    return DeliveryState.COMMITTED if number % 2 else DeliveryState.STORED


def _enter(database: Database, record: ObjectRecord, state: DeliveryState) -> None:
    now = time.time()
    entry.enter_acquisition(database, record)
    database.run(
        "acquisition_moved", id=record.origin.id, state=AcquisitionState.WRAPPED, reason=""
    )
    entry.enter_object(database, record, state=state, now=now)
    entry.note(database, record.origin.id, "wrapped", now=now)
    if state is not DeliveryState.PENDING:
        entry.note(database, record.sop_instance_uid, "stored", now=now, detail="pacs")


def _claimed_and_completed(spool: Spool, count: int) -> None:
    """One at a time: a batch would share what each costs."""
    for _ in range(count):
        (delivery,) = spool.lease("pacs")
        spool.stored(delivery)


@contextmanager
def _grown(folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    rows = plan.dose.of(1_000_000, 100_000, 2_000)
    each = min(100, _SMALL_ROWS // 2 // plan.runs)
    with Spool.open(folder / "small") as small, Spool.open(folder / "large") as large:
        filled(folder / "small", _SMALL_ROWS, each * plan.runs)
        filled(folder / "large", rows, each * plan.runs)
        yield {OURS: partial(_asked, large, each), _SMALL: partial(_asked, small, each)}


def _asked(spool: Spool, each: int) -> Values:
    values = {}
    for name, question in _QUESTIONS.items():
        question(spool)  # its pages are read
        values[name] = 1e3 * _seconds(partial(question, spool))
    values["claim"] = 1e3 * _seconds(partial(_claimed_and_completed, spool, each)) / each
    return values


@contextmanager
def _opened(folder: Path, plan: Plan) -> Iterator[Mapping[str, Contender]]:
    count = plan.dose.of(100_000, 20_000, 500)
    Spool.open(folder / "data").close()
    filled(folder / "data", count, 100)
    layout = Layout(folder / "data")
    for number in range(count):
        laid(layout, record(number))

    def open_it(*, after_a_kill: bool) -> float:
        layout.lock.write_bytes(b"open\n" if after_a_kill else b"")
        began = time.perf_counter()
        with Spool.open(folder / "data") as spool:
            took = time.perf_counter() - began
            assert spool.findings == [], spool.findings
        return took

    def ours() -> Values:
        # The log of the last commits, which a kill leaves, makes the rows current.
        return {"clean": open_it(after_a_kill=False)}

    yield {OURS: ours}


def laid(layout: Layout, record: ObjectRecord) -> None:
    """An object and its record, as `admit` leaves them, but not synchronised one by one."""
    path = layout.object(record.sop_instance_uid)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"an object")
    body = json.dumps(asdict(record), sort_keys=True)
    sealed = {"record": body, "sha256": hashlib.sha256(body.encode()).hexdigest()}
    layout.record(record.sop_instance_uid).write_text(json.dumps(sealed), "ascii")


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _figures() -> Iterator[Figure]:
    milliseconds = partial(Figure, unit="ms", against=_SMALL, more_is_better=False)
    yield milliseconds(name="claim and complete", metric="claim", aim=1.2)
    for name in _QUESTIONS:
        yield milliseconds(name=name, metric=name)


BENCHES = (
    Bench(name="ledger.1000000", figures=tuple(_figures()), contenders=_grown),
    Bench(
        name="ledger.open",
        figures=(
            Figure(
                name="opening with 100,000 objects",
                metric="clean",
                unit="s",
                aim=5,
                more_is_better=False,
            ),
        ),
        contenders=_opened,
    ),
)
