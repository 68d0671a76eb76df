"""The one door to SQLite: opens the ledger, checks it, runs the named statements of `sql/`."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from passerelle.errors import LedgerError, SpoolFull
from passerelle.spool.seal import VERSION, expression, register, schema_digest, sealed_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUSY_MS: Final = 10_000
_MIGRATION_S: Final = 600.0
_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
#: What SQLite says of a file that somebody else wrote into; a broken schema is SQLITE_ERROR.
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_INTACT: Final = re.compile(r"\{intact:(\w+)\}")


class Database:
    """A connection that threads take turns on, and the statements it runs.

    A row that a statement returns with `{intact:table}` says whether its seal holds; an UPDATE
    of a row whose seal is broken fails, by a trigger.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open connection; `opened` and `read_only` make one."""
        connection.row_factory = sqlite3.Row
        connection.text_factory = _text
        register(connection)
        self._connection = connection
        self._turn = threading.RLock()
        self.sealed = sealed_columns(connection)
        self._statements = {
            name: _INTACT.sub(lambda found: self._intact(found[1]), sql)
            for name, sql in _statements().items()
        }

    @classmethod
    def opened(cls, path: Path) -> Self:
        """The ledger for writing, migrated; the caller holds the lock and has judged it.

        Raises:
            LedgerError: It cannot be opened.
            SpoolFull: There is no room for it.
        """
        with _told():
            if not path.exists() or _version(path) < VERSION:
                _migrate(path)
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            try:
                for pragma in (
                    f"busy_timeout = {_BUSY_MS}",
                    "journal_mode = WAL",
                    "synchronous = FULL",
                    "foreign_keys = ON",
                    "cell_size_check = ON",
                ):
                    connection.execute(f"PRAGMA {pragma}")
                return cls(connection)
            except BaseException:
                connection.close()
                raise

    @classmethod
    def read_only(cls, path: Path) -> Self:
        """The ledger for reading, beside a running agent or without one.

        Raises:
            LedgerError: It is missing, no database, or of another version.
        """
        with _told():
            address = f"{path.absolute().as_uri()}?mode=ro"
            if not path.with_name(f"{path.name}-wal").exists():
                address += (
                    "&immutable=1"  # nobody writes; a folder that we may not write to will do
                )
            connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            try:
                connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
                _readable(connection)
                return cls(connection)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Checkpoint and close."""
        with self._turn:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Durable when it ends, undone when an exception ends it.

        Raises:
            LedgerError: A row or the database is damaged.
            SpoolFull: There is no room.
        """
        with self._turn, _told():
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, **values: Any) -> list[sqlite3.Row]:  # noqa: ANN401 - SQL's types
        """All that a named statement returns."""
        with self._turn, _told():
            return self._connection.execute(self._statements[statement], values).fetchall()

    def row(self, statement: str, **values: Any) -> sqlite3.Row | None:  # noqa: ANN401 - SQL's types
        """The first row that a named statement returns."""
        return next(iter(self.rows(statement, **values)), None)

    def run(self, statement: str, **values: Any) -> int:  # noqa: ANN401 - SQL's types
        """Run a named statement; how many rows it changed."""
        with self._turn, _told():
            return self._connection.execute(self._statements[statement], values).rowcount

    def broken(self) -> dict[str, list[int]]:
        """The rows of each table whose seal is broken."""
        with self._turn, _told():
            return {
                table: [
                    row[0]
                    for row in self._connection.execute(
                        f"SELECT rowid FROM {table} WHERE NOT {self._intact(table)}"  # noqa: S608 - names of tables
                    )
                ]
                for table in self.sealed
            }

    def delete(self, table: str, rowids: list[int]) -> None:
        """Delete rows by their place."""
        with self._turn, _told():
            self._connection.executemany(
                f"DELETE FROM {table} WHERE rowid = ?",  # noqa: S608 - a table's name
                [(rowid,) for rowid in rowids],
            )

    def _intact(self, table: str) -> str:
        return f"({table}.seal IS {expression(table, self.sealed[table], table)})"


def _text(encoded: bytes) -> str:
    return encoded.decode("utf-8", "replace")  # a flipped bit is told by the seal


def _readable(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        msg = f"ledger: version {version}, this program reads {VERSION}"
        raise LedgerError(msg)


class Verdict(Enum):
    """What a look at the file says."""

    SOUND = auto()
    INDEX = auto()  #: an index differs from its table, and can be made anew
    DAMAGED = auto()


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
        if _version(path) != number:
            return
    if number > VERSION:
        msg = f"ledger: version {number} was written by a newer agent; this one knows {VERSION}"
        raise LedgerError(msg)


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _migrate(path: Path) -> None:
    command = [sys.executable, "-P", "-m", "passerelle.spool.migrate", str(path)]
    done = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, timeout=_MIGRATION_S, check=False
    )
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        full = "disk is full" in complaint
        msg = f"ledger: cannot be brought to version {VERSION}: {complaint}"
        raise SpoolFull(msg) if full else LedgerError(msg)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            msg = "ledger: the disk of the data_dir takes no more"
            raise SpoolFull(msg) from error
        msg = f"ledger: {error}"
        raise LedgerError(msg) from error
    except UnicodeDecodeError as error:
        msg = "ledger: its schema is damaged"
        raise LedgerError(msg) from error


@cache
def _statements() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).with_name("sql").glob("*.sql")):
        parts = _NAME.split(path.read_text("ascii"))[1:]
        found.update(zip(parts[::2], parts[1::2], strict=True))
    return found
