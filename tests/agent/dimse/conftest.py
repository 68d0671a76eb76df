"""An embedded archive, and an association with it or with a real one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from passerelle.dimse.archive import Archive
from passerelle.dimse.association import EXPLICIT, Association, associate
from passerelle.dimse.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from passerelle.dimse.primitive import Primitive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(folder=tmp_path / "archive")
    archive.start()
    yield archive
    archive.stop()


@pytest.fixture
def opened() -> Callable[..., AbstractContextManager[Association]]:
    """An association, released at the end: `opened(node, abstract syntaxes, on_event)`."""

    @contextmanager
    def opened(
        node: dict[str, Any],
        *abstracts: str,
        on_event: Callable[[Primitive, str], int] = lambda _event, _syntax: 0,
    ) -> Iterator[Association]:
        pairs = [(abstract, EXPLICIT) for abstract in abstracts]
        association = associate(Node(**node), pairs, on_event)
        yield association
        association.release()

    return opened
