"""Acquisitions that a device or a person drops into a folder."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from contextlib import ExitStack, suppress
from threading import Event
from typing import TYPE_CHECKING, Final

from passerelle.errors import SourceError
from passerelle.model import Acquisition, Fingerprint
from passerelle.sources.cadence import Cadence
from passerelle.sources.candidates import NEVER, Candidate, Candidates
from passerelle.sources.hastening import hastened
from passerelle.sources.pairing import reads_as_json
from passerelle.sources.releasing import Releases
from passerelle.sources.scan import Findings, scan
from passerelle.sources.structure import complaint

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from passerelle.sources.hastening import Hasten
    from passerelle.sources.releasing import After, Memory

_RETRY_S: Final = 2.0
_LONGEST_RETRY_S: Final = 300.0

_log = logging.getLogger(__name__)


class FolderSource:
    """Offers each file once it stands still and its structure has an end.

    Over a share no event says that a file was closed, so size and mtime must hold still for
    `settle_s` on our own clock. The scan alone finds every file; events only hasten it.
    One thread iterates, releases and retries; `wake` may be called from any, and the properties
    may be read.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        archive: Callable[[Path], object],
        memory: Memory,
        recursive: bool = True,
        settle_s: float = 2.0,
        poll_s: float = 5.0,
        after: After = "archive",
        sidecar_wait_s: float = 10.0,
        incomplete_s: float = 60.0,
        raw_suffixes: Collection[str] = (),
        on_found: Callable[[], None] = lambda: None,
        on_whole: Callable[[Path], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        is_mount: Callable[[Path], bool] = os.path.ismount,
        hasten: Hasten = hastened,
    ) -> None:
        self.name = name
        self.path = path
        self.skipped: Counter[str] = Findings().skipped
        self.last_acquisition_at: float | None = None
        self._recursive = recursive
        self._settle_s = settle_s
        self._poll_s = poll_s
        self._sidecar_wait_s = sidecar_wait_s
        self._incomplete_s = incomplete_s
        self._raw_suffixes = raw_suffixes
        self._on_found = on_found
        self._on_whole = on_whole
        self._clock = clock
        self._wall_clock = wall_clock
        self._is_mount = is_mount
        self._hasten = hasten
        self._was_mount = False
        self._candidates = Candidates(settle_s, lambda *file: memory.remembers(name, *file))
        self._releases = Releases(self._candidates, after=after, archive=archive, memory=memory)
        self._bell = Event()  # rung after this was set, or the folder stirred
        self._is_called = False
        self._cadence = Cadence(poll_s)
        self._listen: Callable[[bool], None] = lambda _on: None
        self._unreadable_folders = self._lonely = 0
        self._ahead: deque[Candidate] = deque()  # to be looked into before they are due
        self._told: set[str] = set()

    def acquisitions(self, stop: Event) -> Iterator[Acquisition | None]:
        """Yield whole files, oldest first, until `stop` is set; None after each `wake`.

        Raises:
            SourceError: The folder cannot be read now; what is known of its files is kept.
        """
        self._candidates.resume(busy=self._releases.owed, now=self._clock())
        with ExitStack() as events:
            self._look()
            self._listen = events.enter_context(
                self._hasten(self.path, self._stir, source=self.name, recursive=self._recursive)
            )
            self._listen(not self._cadence.in_burst)
            self._cadence.stir()  # something may have come before anybody listened
            due = -NEVER
            while not stop.is_set():
                if self._is_called:
                    self._is_called = False
                    yield None
                elif (until := self._cadence.next_look(due)) > self._clock():
                    self._wait(until)
                    continue
                else:
                    for acquisition in self.ready():
                        yield acquisition
                        if stop.is_set():
                            return
                due = min(self._candidates.next_due(), self._releases.next_due())

    def wake(self) -> None:
        """End a wait of `acquisitions`; see `Source.wake`."""
        self._is_called = True
        self._bell.set()

    def ready(self) -> Iterator[Acquisition]:
        """Look once, and yield what can be offered, until it is time to look again.

        Raises:
            SourceError: The folder cannot be read now.
        """
        self._look()
        self._releases.again(self._clock())
        for candidate in self._candidates.due(self._clock()):
            if self._candidates.picture(candidate.name) is not candidate:
                continue  # something happened to it while others were taken care of
            acquisition = self._offer(candidate, self._clock())
            if acquisition:
                candidate.due = NEVER
                self.last_acquisition_at = self._wall_clock()
                yield acquisition
            if self._cadence.interrupts(self._clock()):
                return

    def release(self, acquisition: Acquisition, *, kept: bool) -> None:
        """Archive, remove or remember the original, with its sidecar; see `Source.release`.

        One that had a complaint stays in its place and is offered again if it changes.
        """
        self._releases.release(acquisition, kept=kept, now=self._clock())
        self._cadence.moved_away(self._clock())

    def retry(self, acquisition: Acquisition) -> None:
        """Offer the acquisition again after a while, longer each time."""
        candidate = self._candidates.picture(acquisition.name)
        if candidate and candidate.fingerprint == acquisition.fingerprint:
            wait_s = min(_RETRY_S * 2 ** min(candidate.tries, 10), _LONGEST_RETRY_S)
            candidate.due = self._clock() + wait_s
            candidate.tries += 1

    @property
    def pending(self) -> int:
        """How many pictures lie in the folder and are not durable here yet."""
        return len({one.file for one in self._candidates.pending()} - self._releases.owed)

    def problems(self) -> list[str]:
        """What an operator should know; no file is named."""
        unreadable = sum(not one.readable for one in self._candidates.pending())
        folders = self._unreadable_folders
        found = (
            f"files that cannot be read: {unreadable}; check their permissions"
            if unreadable
            else "",
            f"sub-folders that cannot be read: {folders}; check their permissions"
            if folders
            else "",
            f"sidecars without a picture: {self._lonely}" if self._lonely else "",
            self._releases.problem,
        )
        return [f"{self.name}: {problem}" for problem in found if problem]

    def _look(self) -> None:
        self._cadence.begin(self._clock())
        findings = scan(self.path, source=self.name, recursive=self._recursive)
        # A share that was unmounted leaves an empty folder behind.
        mounted = self._is_mount(self.path)
        if self._was_mount and not mounted:
            msg = f"{self.name}: nothing is mounted on {self.path} any more"
            raise SourceError(msg)
        self._was_mount = mounted
        now = self._clock()
        found = self._candidates.update(findings, now)
        self._unreadable_folders = findings.unreadable
        self._lonely = sum(1 for _ in self._candidates.lonely(now, self._window_s))
        self._tell(findings.skipped)
        if found:
            self._on_found()
            self._ahead.extend(found)
        was_in_burst = self._cadence.in_burst
        self._cadence.end(self._clock(), found=len(found))
        if self._cadence.in_burst != was_in_burst:
            self._listen(was_in_burst)

    def _tell(self, skipped: Counter[str]) -> None:
        self.skipped = skipped
        for kind in skipped.keys() - self._told:
            self._told.add(kind)
            _log.info("%s: skipped, and from now on silently: %s", self.name, kind)

    def _stir(self) -> None:
        if self._cadence.stir():
            self._bell.set()

    def _wait(self, until: float) -> None:
        """Until then, or the bell, follow the structure of files that settle; then sleep."""
        now = self._clock()
        if self._ahead and (ripe := self._ahead[0].since + self._settle_s / 2) <= now:
            candidate = self._ahead.popleft()
            if self._candidates.picture(candidate.name) is candidate:
                with suppress(OSError):  # told when it is due
                    candidate.complete = not self._fault(candidate)
                    if candidate.complete:
                        self._on_whole(self.path / candidate.name)
            return
        self._bell.wait(min(until, ripe if self._ahead else NEVER) - now)
        self._bell.clear()

    def _fault(self, candidate: Candidate) -> str:
        """Why it cannot be whole; "" when nothing speaks against it."""
        return (
            "" if candidate.complete else complaint(self.path / candidate.name, self._raw_suffixes)
        )

    def _offer(self, candidate: Candidate, now: float) -> Acquisition | None:
        """The candidate as an acquisition; if it is not ready, when to look again is noted."""
        media = self.path / candidate.name
        try:
            if self._candidates.see(candidate.name, Fingerprint.of(os.lstat(media)), now):
                return None
            fault = self._fault(candidate)
            sidecar, wait_until = self._sidecar(candidate, now)
        except FileNotFoundError:
            self._candidates.forget(candidate.name)
            return None
        except OSError:
            candidate.readable, candidate.due = False, now + self._poll_s
            return None
        candidate.readable, candidate.complete = True, not fault
        if fault:
            wait_until = max(wait_until, self._patience(candidate, now))
        if wait_until > now:
            candidate.due = wait_until
            return None
        candidate.sidecar = sidecar.fingerprint if sidecar else None
        return Acquisition(
            source=self.name,
            media=media,
            name=candidate.name,
            fingerprint=candidate.fingerprint,
            sidecar=self.path / sidecar.name if sidecar else None,
            complaint=fault,
        )

    def _patience(self, candidate: Candidate, now: float) -> float:
        """When to look again at a file that is not whole."""
        # Its mtime may stand still while it is being filled (memory maps, shares' caches).
        end = candidate.since + self._incomplete_s
        return min(end, now + max(self._settle_s, self._poll_s))

    @property
    def _window_s(self) -> float:
        """How far apart a picture and its sidecar may arrive, as precisely as scans can tell."""
        return self._sidecar_wait_s + self._settle_s + self._poll_s

    def _sidecar(self, candidate: Candidate, now: float) -> tuple[Candidate | None, float]:
        """The sidecar to go with it, and until when to wait for a better answer.

        Raises:
            OSError: There is one, but it cannot be read; without it nothing may be offered.
        """
        deadline = candidate.since + self._settle_s + self._sidecar_wait_s
        sidecar = self._candidates.sidecar(candidate.name)
        if sidecar is None or candidate.arrived - sidecar.since > self._window_s:
            # An old one is of an earlier picture of this name: devices reuse names.
            return None, deadline if self._cadence.scanned_at < deadline else now
        if not self._candidates.settled(sidecar, now):
            return sidecar, sidecar.since + self._settle_s
        path = self.path / sidecar.name
        try:
            whole = reads_as_json(path)
            changed = self._candidates.see(sidecar.name, Fingerprint.of(os.lstat(path)), now)
        except FileNotFoundError:
            self._candidates.forget(sidecar.name)
            return None, max(now, deadline)
        if changed:
            return None, now + self._settle_s
        settled_at = sidecar.since + self._settle_s
        return sidecar, now if whole else max(deadline, settled_at + self._sidecar_wait_s)
