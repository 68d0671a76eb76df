"""All benches there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import burst, capture, endtoend, latency, ledger, rest, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measure import Bench


def benches() -> Iterator[Bench]:
    for topic in (store, latency, endtoend, burst, ledger, rest, capture):
        yield from topic.BENCHES
