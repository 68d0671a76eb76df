"""What lies in a folder now."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from passerelle.errors import SourceError
from passerelle.model import Fingerprint

if TYPE_CHECKING:
    from pathlib import Path

#: How names end while someone still writes under them; a rename shows the file when it is whole.
TEMPORARY_SUFFIXES: Final = (
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".filepart",
    ".lock",
    ".lck",
    ".swp",
    "~",
)
#: How they begin: hidden files, LibreOffice's locks (.~lock) and rsync's copies; Office's locks.
TEMPORARY_PREFIXES: Final = (".", "~$")
#: What an operating system leaves in a folder that somebody looked into.
LITTER: Final = frozenset(("thumbs.db", "desktop.ini", "system volume information", "$recycle.bin"))

_SPECIAL: Final = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


@dataclass(slots=True)
class Findings:
    """The regular files of a folder, and why the rest was left alone."""

    files: dict[str, Fingerprint] = field(default_factory=dict)  #: by name, relative to the folder
    skipped: Counter[str] = field(default_factory=Counter)  #: what kind, how many
    unreadable: int = 0  #: sub-folders; what they hold is unknown, not gone


def scan(folder: Path, *, source: str, recursive: bool) -> Findings:
    """Every regular file; links are never followed (O(files), one `lstat` each).

    Raises:
        SourceError: The folder itself cannot be read.
    """
    found = Findings()
    pending = [""]
    while pending:
        prefix = pending.pop()
        # scandir, not glob: a glob shows a folder that is gone as an empty one (CPython 3.11).
        try:
            with os.scandir(folder / prefix) as entries:
                pending += [
                    below for entry in entries if (below := _sort(entry, prefix, found, recursive))
                ]
        except FileNotFoundError as error:
            if not prefix:
                raise _gone(source, folder, error) from error
        except OSError as error:
            if not prefix:
                raise _gone(source, folder, error) from error
            found.unreadable += 1
    return found


def is_temporary(name: str) -> bool:
    """Whether a name (without folders) says that its file is not for others yet."""
    folded = name.casefold()
    return folded.startswith(TEMPORARY_PREFIXES) or folded.endswith(TEMPORARY_SUFFIXES)


def _sort(entry: os.DirEntry[str], prefix: str, found: Findings, recursive: bool) -> str | None:  # noqa: FBT001 - private
    """Put one entry where it belongs; the prefix of what lies in it, if it is to be entered."""
    if is_temporary(entry.name):
        found.skipped["temporary name"] += 1
    elif entry.name.casefold() in LITTER:
        found.skipped["file of the operating system"] += 1
    elif entry.is_dir(follow_symlinks=False):
        return f"{prefix}{entry.name}/" if recursive else None
    else:
        _note(entry, prefix + entry.name, found)
    return None


def _note(entry: os.DirEntry[str], name: str, found: Findings) -> None:
    try:
        status = _status(entry)
    except FileNotFoundError:
        return  # taken away since it was listed
    if stat.S_ISREG(status.st_mode):
        found.files[name] = Fingerprint.of(status)
    else:
        found.skipped[_SPECIAL.get(stat.S_IFMT(status.st_mode), "special file")] += 1


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    # On Windows the entry's own has no inode, and sizes of open files are stale.
    return os.lstat(entry.path) if sys.platform == "win32" else entry.stat(follow_symlinks=False)


def _gone(source: str, folder: Path, error: OSError) -> SourceError:
    return SourceError(f"{source}: cannot read the folder {folder}: {error.strerror}")
