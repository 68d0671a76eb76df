"""Letting go of originals that are durable here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from passerelle.errors import SpoolFull
from passerelle.model import Fingerprint
from passerelle.sources.candidates import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from passerelle.model import Acquisition
    from passerelle.sources.candidates import Candidates

After = Literal["archive", "delete", "keep"]

_SHORTEST_S: Final = 5.0
_LONGEST_S: Final = 600.0


class Memory(Protocol):
    """Remembers, across restarts, which originals stay although they are durable here."""

    def remembers(self, source: str, name: str, fingerprint: Fingerprint) -> bool:
        """Whether exactly this file was remembered."""

    def remember(self, source: str, name: str, fingerprint: Fingerprint) -> None:
        """Remember it, durably."""


@dataclass(slots=True)
class _Owed:
    """An original that is to go."""

    acquisition: Acquisition
    kept: bool
    sidecar: Fingerprint | None  #: of the sidecar that was offered with it
    due: float
    tries: int = 0
    is_gone: bool = False  #: the original; only its sidecar is left

    @property
    def file(self) -> tuple[str, Fingerprint]:
        return self.acquisition.name, self.acquisition.fingerprint


class Releases:
    """Archives, removes or remembers originals; what fails is tried again, not offered again."""

    def __init__(
        self,
        candidates: Candidates,
        *,
        after: After,
        archive: Callable[[Path], object],
        memory: Memory,
    ) -> None:
        self._candidates = candidates
        self._after = after
        self._archive = archive
        self._memory = memory
        self._owed: dict[tuple[str, Fingerprint], _Owed] = {}
        self._reason = ""

    def release(self, acquisition: Acquisition, *, kept: bool, now: float) -> None:
        """Let go of the original, now or as soon as it can be done."""
        candidate = self._candidates.picture(acquisition.name)
        offered = candidate.sidecar if candidate else None
        self._try(_Owed(acquisition, kept, offered, due=now), now)

    def again(self, now: float) -> None:
        """Try again what failed, when it is due."""
        for owed in [owed for owed in self._owed.values() if owed.due <= now]:
            self._try(owed, now)

    def next_due(self) -> float:
        """When to try again."""
        return min((owed.due for owed in self._owed.values()), default=NEVER)

    @property
    def owed(self) -> frozenset[tuple[str, Fingerprint]]:
        """The originals that could not be let go of yet."""
        return frozenset(self._owed)

    @property
    def problem(self) -> str:
        """What an operator should know, or ""."""
        count = len(self._owed)
        return (
            f"originals that are safe here but cannot be taken away: {count} ({self._reason}); "
            "tried again by itself"
            if count
            else ""
        )

    def _try(self, owed: _Owed, now: float) -> None:
        try:
            if not owed.is_gone:
                owed.is_gone = self._let_go(owed, now)
            if owed.is_gone and owed.acquisition.sidecar and owed.sidecar:
                self._let_go_of_sidecar(owed.acquisition.sidecar, owed)
        except (OSError, SpoolFull) as error:
            self._reason = getattr(error, "strerror", None) or type(error).__name__
            owed.due = now + min(_SHORTEST_S * 2 ** min(owed.tries, 10), _LONGEST_S)
            owed.tries += 1
            self._owed[owed.file] = owed
        else:
            self._owed.pop(owed.file, None)

    def _let_go(self, owed: _Owed, now: float) -> bool:
        """Whether the original is gone; False when it stays, as it should."""
        acquisition = owed.acquisition
        seen = _fingerprint(acquisition.media)
        if seen is not None and seen != acquisition.fingerprint:
            self._candidates.see(acquisition.name, seen, now)  # another one: offered in its turn
            return False
        # A device that was interrupted may go on writing: what it adds must not be lost.
        if seen and (self._after == "keep" or acquisition.complaint):
            self._memory.remember(acquisition.source, acquisition.name, seen)
            candidate = self._candidates.picture(acquisition.name)
            if candidate:
                self._candidates.finish(candidate)
            return False
        if seen:
            self._remove(acquisition.media, kept=owed.kept)
        self._candidates.forget(acquisition.name)
        return True

    def _let_go_of_sidecar(self, sidecar: Path, owed: _Owed) -> None:
        name = owed.acquisition.name.rpartition("/")[0]
        name = f"{name}/{sidecar.name}" if name else sidecar.name
        if self._candidates.sharing(name, owed.acquisition.name):
            return  # it goes with the last of its pictures
        self._candidates.spend(name)
        if _fingerprint(sidecar) == owed.sidecar:
            self._remove(sidecar, kept=owed.kept)
            self._candidates.forget(name)

    def _remove(self, path: Path, *, kept: bool) -> None:
        if self._after == "archive" and not kept:
            self._archive(path)
        else:
            path.unlink(missing_ok=True)


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        return Fingerprint.of(os.lstat(path))
    except FileNotFoundError:
        return None
