"""Which sidecar belongs to which picture."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Final

from passerelle.sources.content import Content, TooLong

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUFFIX: Final = ".json"
#: More than this is no sidecar; whoever reads it will say so.
LIMIT_BYTES: Final = 1 << 20


def is_sidecar(name: str) -> bool:
    """Whether the name is a sidecar's, which is never an acquisition itself."""
    return name.casefold().endswith(SUFFIX)


class Pairing:
    """The sidecars among some names.

    `<file>.json` wins over `<stem>.json`; of names that differ only in Unicode normalisation or
    in the case of their suffix the one spelt like the picture wins.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._sidecars: dict[str, list[str]] = {}
        self._pictures: dict[str, list[str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Take note of a name that was not among them."""
        for table, key in self._places(name):
            table.setdefault(key, []).append(name)

    def remove(self, name: str) -> None:
        """Forget a name that was among them."""
        for table, key in self._places(name):
            table[key].remove(name)
            if not table[key]:
                del table[key]

    def sidecar_of(self, picture: str) -> str | None:
        """The sidecar of a picture."""
        for base in _bases(picture):
            spellings = self._sidecars.get(_key(base))
            if spellings:
                return min(spellings, key=lambda name: (name != base + SUFFIX, name))
        return None

    def pictures_of(self, sidecar: str) -> list[str]:
        """The pictures that a sidecar serves."""
        candidates = self._pictures.get(_key(sidecar[: -len(SUFFIX)]), [])
        return [name for name in candidates if self.sidecar_of(name) == sidecar]

    def without_picture(self) -> list[str]:
        """The sidecars that serve none."""
        names = (name for spellings in self._sidecars.values() for name in spellings)
        return [name for name in names if not self.pictures_of(name)]

    def _places(self, name: str) -> list[tuple[dict[str, list[str]], str]]:
        if is_sidecar(name):
            return [(self._sidecars, _key(name[: -len(SUFFIX)]))]
        return [(self._pictures, _key(base)) for base in _bases(name)]


def reads_as_json(path: Path) -> bool:
    """Whether the sidecar is JSON up to its end; what cannot become so by waiting counts as well.

    Raises:
        OSError: It cannot be opened or read.
    """
    with Content(path) as content:
        if content.size > LIMIT_BYTES:
            return True
        try:
            json.loads(content.head(LIMIT_BYTES).decode("utf-8-sig"))
        except (ValueError, RecursionError, TooLong):
            return False
        return True


def _bases(picture: str) -> list[str]:
    folder, slash, name = picture.rpartition("/")
    stem = name.rpartition(".")[0]
    return [picture, f"{folder}{slash}{stem}"] if stem else [picture]


def _key(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)
