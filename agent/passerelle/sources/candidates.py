"""What lies in a folder and how long it has stood still."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passerelle.sources.pairing import Pairing, is_sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from passerelle.model import Fingerprint
    from passerelle.sources.scan import Findings

#: Not to be looked at until something happens to it.
NEVER: Final = math.inf


@dataclass(slots=True)
class Candidate:
    """One file, as it was last seen; all times are those of the source's monotonic clock."""

    name: str
    fingerprint: Fingerprint
    arrived: float  #: when the name was first seen
    since: float  #: when it was first seen as it is
    due: float  #: when it is worth looking at again
    done: bool = False  #: stays where it is, and is not offered again while it is the same
    complete: bool = False  #: its structure was found whole
    readable: bool = True
    tries: int = 0  #: how often it was offered and given back
    sidecar: Fingerprint | None = None  #: of the sidecar that it was last offered with

    @property
    def file(self) -> tuple[str, Fingerprint]:
        """What is one file, and no later one of its name."""
        return self.name, self.fingerprint


class Candidates:
    """The files of one folder.

    A file that changes in any way starts anew; one that is gone is forgotten, but not because
    its sub-folder could not be read.
    """

    def __init__(self, settle_s: float, is_done: Callable[[str, Fingerprint], bool]) -> None:
        self._settle_s = settle_s
        self._is_done = is_done
        self._pictures: dict[str, Candidate] = {}
        self._sidecars: dict[str, Candidate] = {}
        self.pairing = Pairing(())

    def update(self, findings: Findings, now: float) -> list[Candidate]:
        """Take note of a scan; the pictures that came or changed and are to be offered."""
        changed = [name for name, seen in findings.files.items() if self.see(name, seen, now)]
        if not findings.unreadable:
            for table in (self._pictures, self._sidecars):
                for name in table.keys() - findings.files.keys():
                    self.forget(name)
        self._nudge((name for name in changed if is_sidecar(name)), now)
        found = (self._pictures.get(name) for name in changed)
        return [one for one in found if one and not one.done]

    def see(self, name: str, fingerprint: Fingerprint, now: float) -> bool:
        """Take note of one file; whether that was news."""
        known = self._pictures.get(name) or self._sidecars.get(name)
        if known and known.fingerprint == fingerprint:
            return False
        if known is None:
            self.pairing.add(name)
        table = self._sidecars if is_sidecar(name) else self._pictures
        table[name] = Candidate(
            name,
            fingerprint,
            arrived=known.arrived if known and _grew(known.fingerprint, fingerprint) else now,
            since=now,
            due=now + self._settle_s,
        )
        if table is self._pictures and self._is_done(name, fingerprint):
            self.finish(table[name])
        return True

    def resume(self, *, busy: Container[tuple[str, Fingerprint]], now: float) -> None:
        """Offer again whatever was offered and neither let go of nor given back."""
        for candidate in self.pending():
            if candidate.due == NEVER and candidate.file not in busy:
                candidate.due = now

    def forget(self, name: str) -> None:
        """The file is gone."""
        if self._pictures.pop(name, None) or self._sidecars.pop(name, None):
            self.pairing.remove(name)

    def finish(self, candidate: Candidate) -> None:
        """Leave the file alone while it stays as it is."""
        candidate.done, candidate.due = True, NEVER

    def spend(self, sidecar: str) -> None:
        """The sidecar served its last picture: no later one of the same name may have it."""
        spent = self._sidecars.get(sidecar)
        if spent:
            self.finish(spent)

    def settled(self, candidate: Candidate, now: float) -> bool:
        """Whether it has stood still for long enough."""
        return now >= candidate.since + self._settle_s

    def picture(self, name: str) -> Candidate | None:
        """The candidate of that name."""
        return self._pictures.get(name)

    def sidecar(self, picture: str) -> Candidate | None:
        """The sidecar of the picture of that name."""
        name = self.pairing.sidecar_of(picture)
        sidecar = self._sidecars.get(name) if name else None
        return sidecar if sidecar and not sidecar.done else None

    def sharing(self, sidecar: str, picture: str) -> bool:
        """Whether another picture that is still here has the same sidecar."""
        others = self.pairing.pictures_of(sidecar)
        return any(name != picture and name in self._pictures for name in others)

    def due(self, now: float) -> list[Candidate]:
        """Whatever is worth looking at, oldest first, ties by name."""
        ready = [candidate for candidate in self._pictures.values() if candidate.due <= now]
        return sorted(ready, key=lambda one: (one.fingerprint.mtime_ns, one.name))

    def next_due(self) -> float:
        """When the next one is."""
        return min((candidate.due for candidate in self._pictures.values()), default=NEVER)

    def pending(self) -> list[Candidate]:
        """The pictures that are not let go of yet; may be called from any thread."""
        return [candidate for candidate in list(self._pictures.values()) if not candidate.done]

    def lonely(self, now: float, wait_s: float) -> Iterator[Candidate]:
        """The sidecars that have waited `wait_s` for a picture."""
        for name in self.pairing.without_picture():
            sidecar = self._sidecars.get(name)
            if sidecar and now >= sidecar.since + wait_s:
                yield sidecar

    def _nudge(self, sidecars: Iterable[str], now: float) -> None:
        for sidecar in sidecars:
            for name in self.pairing.pictures_of(sidecar):
                picture = self._pictures.get(name)
                if picture and picture.due != NEVER:
                    picture.due = max(now, picture.since + self._settle_s)


def _grew(before: Fingerprint, after: Fingerprint) -> bool:
    """Whether it is still the same file being written, and not another one of its name."""
    return before.inode == after.inode and before.size <= after.size
