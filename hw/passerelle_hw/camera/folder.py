"""The folder that captures go to: unfinished, whole, and what a process that was killed left."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Final

from passerelle_hw.camera.captured import Captured

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PART: Final = ".part"  #: ends the name of what is being written
FACTS: Final = ".facts"  #: ends the name of what is known of the file of the same name
#: A clip is kept as it was taken until it has been encoded: the first of these is the one.
_ENCODED_FIRST: Final = (".mp4", ".mjpeg", ".tif")
_naming: Final = Lock()  # between a file's facts and its name nothing is tidied


def new_name(kind: str) -> str:
    """A name that was never given before; letters only, so that nobody reads a number in it."""
    return f"{kind}-{secrets.token_hex(10).translate(_LETTERS)}"


_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write all of it to a file without a buffer, which may take less at a time.

    Raises:
        OSError: The disk has no room or is gone; some of it may be written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def settle(file: IO[bytes]) -> None:
    """Have the disk keep what was written."""
    file.flush()
    os.fsync(file.fileno())


def publish(part: Path, captured: Captured) -> None:
    """Give a file that is whole its name; what is known of it is there before it.

    Raises:
        OSError: The disk has no room or is gone; nothing has the name then.
    """
    facts = _facts(captured.file)
    unfinished = facts.with_name(facts.name + PART)
    known = asdict(captured) | {"file": captured.file.name}
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(known, file)
        file.flush()
        os.fsync(file.fileno())
    with _naming:
        unfinished.replace(facts)
        part.replace(captured.file)


def withdraw(captured: Captured) -> None:
    """Remove a file and what is known of it, in an order that a kill may interrupt."""
    captured.file.unlink(missing_ok=True)
    _facts(captured.file).unlink(missing_ok=True)


def left_behind(folder: Path) -> list[Captured]:
    """What a process that was killed here finished; its unfinished files are removed.

    To be called while nothing captures into the folder. Whoever takes a file away need not
    care for its facts: they go with the next one or here.

    Raises:
        OSError: The folder cannot be read.
    """
    for part in folder.glob(f"*{PART}"):
        part.unlink(missing_ok=True)
    tidy(folder)
    kept: dict[str, Captured] = {}
    files = sorted(folder.glob(f"*{FACTS}"), key=_rank)
    for facts in files:
        captured = _read(facts)
        if captured is None:
            continue
        if captured.file.stem in kept:  # killed between the encoded clip and the other's end
            withdraw(captured)
        else:
            kept[captured.file.stem] = captured
    return sorted(kept.values(), key=lambda one: one.taken_at)


def tidy(folder: Path) -> None:
    """Remove what is known of files that were taken away."""
    with _naming:
        for facts in folder.glob(f"*{FACTS}"):
            if not facts.with_suffix("").exists():
                facts.unlink(missing_ok=True)


def discard(parts: Iterable[Path]) -> None:
    """Remove unfinished files."""
    for part in parts:
        with suppress(OSError):  # the next start removes it
            part.unlink(missing_ok=True)


def _facts(file: Path) -> Path:
    return file.with_name(file.name + FACTS)


def _rank(facts: Path) -> int:
    suffix = facts.with_suffix("").suffix
    return _ENCODED_FIRST.index(suffix) if suffix in _ENCODED_FIRST else 0


def _read(facts: Path) -> Captured | None:
    """What was known; None when it cannot be read, and the file is left for a person then."""
    try:
        known: dict[str, Any] = json.loads(facts.read_text("utf-8"))
        known["file"] = facts.with_suffix("")
        for name in ("frame_times_ms", "pixel_aspect"):
            known[name] = tuple(known[name])
        return Captured(**known)
    except (ValueError, TypeError, KeyError):
        return None
