"""A queue on a clock that is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from queue_support import Clock, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.spool import Spool


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(tmp_path: Path, clock: Clock) -> Iterator[Spool]:
    spool = opened(tmp_path, clock)
    yield spool
    spool.close()
