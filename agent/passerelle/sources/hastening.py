"""File system events as a hint to look sooner; nothing depends on them."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_log = logging.getLogger(__name__)


class Hasten(Protocol):
    """What tells a folder source that something has come; see `hastened`."""

    def __call__(
        self, folder: Path, stir: Callable[[], None], /, *, source: str, recursive: bool
    ) -> AbstractContextManager[Callable[[bool], None]]:
        """Call `stir` while the context lasts."""


@contextmanager
def hastened(
    folder: Path, stir: Callable[[], None], *, source: str, recursive: bool
) -> Iterator[Callable[[bool], None]]:
    """Call `stir` whenever something happens in `folder`, where the system tells.

    What is yielded turns it off and on: of a burst each event costs more than a look at its file.

    A share sends no events, a system may have no watches left, and an observer may die without
    a word (watchdog #452, #1065): then `stir` is called less often or never.
    """
    # Imported here: a process without a folder source does not need it.
    from watchdog import events  # noqa: PLC0415
    from watchdog.observers import Observer  # noqa: PLC0415

    class Waker(events.FileSystemEventHandler):
        def on_any_event(self, event: events.FileSystemEvent) -> None:  # noqa: ARG002 - any will do
            stir()

    # Not those of opening and reading: our own looking would stir us (watchdog 7.1). Not those of
    # writing: they come by the thousand, and when it is over the file is closed.
    kinds: list[type[events.FileSystemEvent]] = [
        events.FileCreatedEvent,
        events.FileMovedEvent,
        events.FileClosedEvent,
        events.DirCreatedEvent,
        events.DirMovedEvent,
    ]
    # What it says names files and folders, whose names may name patients; one of its warnings
    # appears whenever folders are made faster than they are noticed, and an error whenever it is
    # told to stop (watchdog 7.1).
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
    observer = Observer()
    watch = None

    def listen(on: bool) -> None:  # noqa: FBT001 - says nothing else
        nonlocal watch
        try:
            if on and watch is None:
                watch = observer.schedule(
                    Waker(), str(folder), recursive=recursive, event_filter=kinds
                )
            elif watch and not on:
                observer.unschedule(watch)
                watch = None
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            _log.warning("%s: no file events (%s), the folder is polled", source, reason)

    observer.start()
    listen(on=True)
    try:
        yield listen
    finally:
        if observer.is_alive():
            observer.stop()
            observer.join(5)
