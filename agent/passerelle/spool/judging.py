"""Judges the file of a ledger before anything relies on it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from passerelle.errors import LedgerError
from passerelle.spool.database import version_of
from passerelle.spool.seal import VERSION, intact, register, schema_digest, sealed_columns

if TYPE_CHECKING:
    from pathlib import Path

#: What SQLite says of a file that somebody else wrote into; a broken schema is SQLITE_ERROR.
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


class Verdict(Enum):
    """What a look at the file says."""

    SOUND = auto()
    INDEX = auto()  #: an index differs from its table, and can be made anew
    DAMAGED = auto()


def examine(path: Path) -> tuple[Verdict, bool]:
    """What `judge` says, and whether the seals of all rows hold; both looked at side by side.

    Raises:
        LedgerError: The file cannot be read at all.
    """
    with ThreadPoolExecutor(1) as beside:
        sealed = beside.submit(_seals_hold, path)  # SQLite checks pages without Python's lock
        return judge(path), sealed.result()


def _seals_hold(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            register(connection)
            return not any(
                connection.execute(
                    f"SELECT 1 FROM {table} WHERE NOT {intact(table, columns)} LIMIT 1"  # noqa: S608 - our tables
                ).fetchall()
                for table, columns in sealed_columns(connection).items()
            )
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return False


def judge(path: Path) -> Verdict:
    """Whether pages, indexes and schema are what was written.

    Raises:
        LedgerError: The file cannot be read at all.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            return _judged(connection)
    except UnicodeDecodeError:
        return Verdict.DAMAGED  # a complaint about the schema, quoting what a bit has flipped in
    except sqlite3.DatabaseError as error:
        # Text that is no UTF-8 is found by the sqlite3 module, which gives no code.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _DAMAGE:
            return Verdict.DAMAGED
        msg = f"ledger: {error}"
        raise LedgerError(msg) from error


def _judged(connection: sqlite3.Connection) -> Verdict:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return Verdict.DAMAGED if version else Verdict.SOUND
    number, digest = connection.execute("SELECT number, digest FROM version").fetchone() or (0, "")
    if version != number or digest != schema_digest(connection):
        return Verdict.DAMAGED
    if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok":
        return Verdict.SOUND
    rows_are_sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    return Verdict.INDEX if rows_are_sound else Verdict.DAMAGED


def refuse_newer(path: Path) -> None:
    """Leave a ledger alone that a newer agent wrote; whatever else is wrong is found later.

    Raises:
        LedgerError: It is newer than this code.
    """
    number = 0
    with (
        suppress(sqlite3.DatabaseError, UnicodeDecodeError),
        closing(sqlite3.connect(path)) as connection,
    ):
        (number,) = connection.execute("SELECT number FROM version").fetchone() or (0,)
        if version_of(path) != number:
            return
    if number > VERSION:
        msg = f"ledger: version {number} was written by a newer agent; this one knows {VERSION}"
        raise LedgerError(msg)
