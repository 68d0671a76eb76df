"""Acquisitions that a receiver puts into an inbox."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from passerelle.errors import SourceError, SpoolFull
from passerelle.sources.folder import FolderSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from threading import Event

    from passerelle.model import Acquisition
    from passerelle.sources.inbox import Inbox
    from passerelle.sources.releasing import After, Memory

_POLL_S: Final = 60.0  # the receiver tells of each file; a look all the same, for what it cannot


class Receiver(Protocol):
    """Fills the inbox, in a thread of its own."""

    name: str

    def run(self, stop: Event) -> None:
        """Receive until `stop` is set."""

    def wake(self) -> None:
        """Look at `stop`."""

    def problems(self) -> list[str]:
        """What an operator should know."""


class ReceivedSource:
    """Offers what its receiver put into the inbox, by way of a folder source on it."""

    def __init__(
        self,
        name: str,
        inbox: Inbox,
        receiver: Receiver,
        *,
        archive: Callable[[Path], object],
        memory: Memory,
        after: After = "archive",
        raw_suffixes: Collection[str] = (),
        on_found: Callable[[], None] = lambda: None,
    ) -> None:
        """A source that has not started; its `receiver` runs beside it.

        Args:
            name: The source's.
            inbox: What the receiver fills.
            receiver: Runs in a thread of its own.
            archive: What becomes of an original with `after = "archive"`.
            memory: See `FolderSource`.
            after: What becomes of an original that is durable in the spool.
            raw_suffixes: See `FolderSource`.
            on_found: Called when a file has come.
        """
        self.name = name
        self.inbox = inbox
        self.receiver = receiver
        self._stir: Callable[[], None] = lambda: None
        inbox.on_arrival = self._arrived
        self._let_go = Path.unlink if after == "delete" else archive
        self._folder = FolderSource(
            name,
            inbox.folder,
            archive=archive,
            memory=memory,
            settle_s=0.0,
            poll_s=_POLL_S,
            after=after,
            sidecar_wait_s=0.0,  # they come together
            incomplete_s=0.0,  # it will not grow
            raw_suffixes=raw_suffixes,
            on_found=on_found,
            hasten=self._hastened,
        )

    @property
    def last_acquisition_at(self) -> float | None:
        """When something was offered last."""
        return self._folder.last_acquisition_at

    @property
    def pending(self) -> int:
        """How many files were taken and are not in the spool yet."""
        return self._folder.pending

    def acquisitions(self, stop: Event) -> Iterator[Acquisition | None]:
        """See `Source.acquisitions`."""
        try:
            self.inbox.tidy(self._let_go)
        except (OSError, SpoolFull) as error:
            msg = f"{self.name}: the inbox cannot be made: {error}"
            raise SourceError(msg) from error
        for found in self._folder.acquisitions(stop):
            # As the device named it: the folder around it is ours.
            yield found and replace(found, name=found.media.name)

    def release(self, acquisition: Acquisition, *, kept: bool) -> None:
        """See `Source.release`. What is not whole goes too: no device goes on writing it."""
        self._folder.release(replace(self._in_inbox(acquisition), complaint=""), kept=kept)
        with suppress(OSError):  # it could not be let go of yet; the next start removes its folder
            acquisition.media.parent.rmdir()

    def retry(self, acquisition: Acquisition) -> None:
        """See `Source.retry`."""
        self._folder.retry(self._in_inbox(acquisition))

    def wake(self) -> None:
        """See `Source.wake`."""
        self._folder.wake()

    def problems(self) -> list[str]:
        """What an operator should know."""
        return [*self.receiver.problems(), *self._folder.problems()]

    @staticmethod
    def _in_inbox(acquisition: Acquisition) -> Acquisition:
        media = acquisition.media
        return replace(acquisition, name=f"{media.parent.name}/{media.name}")

    @contextmanager
    def _hastened(
        self,
        _folder: Path,
        stir: Callable[[], None],
        *,
        source: str,  # noqa: ARG002 - as `hastened` is called
        recursive: bool,  # noqa: ARG002
    ) -> Iterator[Callable[[bool], None]]:
        self._stir = stir
        yield lambda _on: None

    def _arrived(self) -> None:
        self._stir()
