"""The one door to SQLite: opens the ledger, checks it, runs the named statements of `sql/`."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from passerelle.errors import LedgerError, SpoolFull
from passerelle.spool.commits import Commits
from passerelle.spool.seal import VERSION, intact, register, sealed_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUSY_MS: Final = 10_000
_MIGRATION_S: Final = 600.0
#: No page that SQLite puts aside goes to another disk; what is deleted is overwritten where that
#: costs no further page.
_SAFE: Final = (
    f"busy_timeout = {_BUSY_MS}",
    "foreign_keys = ON",
    "cell_size_check = ON",
    "temp_store = MEMORY",
    "secure_delete = FAST",
)
_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_INTACT: Final = re.compile(r"\{intact:(\w+)\}")


class Database:
    """One connection that writes, on which threads take turns, and one that reads beside it.

    Inside a transaction a thread sees what it and those before it did; outside of one, what is
    durable. A row that a statement returns with `{intact:table}` says whether its seal holds; an
    UPDATE of a row whose seal is broken fails, by a trigger.
    """

    def __init__(self, connection: sqlite3.Connection, reading: sqlite3.Connection) -> None:
        """Use open connections; `opened` and `read_only` make them."""
        for one in (connection, reading):
            one.row_factory = sqlite3.Row
            one.text_factory = _text
            register(one)
        self._connection = connection
        self._commits = Commits(connection)
        self._reading = reading
        self._read_turn = threading.Lock()
        self.sealed = sealed_columns(reading)
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
        with _told(), ExitStack() as opened:
            if not path.exists() or version_of(path) < VERSION:
                _migrate(path)
            writing = _connected(path, ("journal_mode = WAL", "synchronous = FULL", *_SAFE))
            opened.callback(writing.close)
            reading = _connected(path, ("query_only = ON", *_SAFE))
            opened.callback(reading.close)
            database = cls(writing, reading)
            opened.pop_all()
            return database

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
                return cls(connection, connection)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Checkpoint and close."""
        with self._read_turn:
            self._reading.close()
        self._commits.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Durable when the outermost one ends, undone when an exception ends it.

        Raises:
            LedgerError: A row or the database is damaged.
            SpoolFull: There is no room.
        """
        with _told(), self._commits.transaction():
            yield

    def rows(self, statement: str, **values: Any) -> list[sqlite3.Row]:  # noqa: ANN401 - SQL's types
        """All that a named statement returns."""
        sql = self._statements[statement]
        with _told():
            if self._commits.is_mine:
                return self._connection.execute(sql, values).fetchall()
            with self._read_turn:
                return self._reading.execute(sql, values).fetchall()

    def row(self, statement: str, **values: Any) -> sqlite3.Row | None:  # noqa: ANN401 - SQL's types
        """The first row that a named statement returns."""
        return next(iter(self.rows(statement, **values)), None)

    def run(self, statement: str, **values: Any) -> int:  # noqa: ANN401 - SQL's types
        """Run a named statement, in the transaction this thread is in; how many rows it changed."""
        if not self._commits.is_mine:
            with self.transaction():
                return self.run(statement, **values)
        with _told():
            return self._connection.execute(self._statements[statement], values).rowcount

    def broken(self) -> dict[str, list[int]]:
        """The rows of each table whose seal is broken; inside a transaction."""
        with _told():
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
        """Delete rows by their place, inside a transaction."""
        with _told():
            self._connection.executemany(
                f"DELETE FROM {table} WHERE rowid = ?",  # noqa: S608 - a table's name
                [(rowid,) for rowid in rowids],
            )

    def _intact(self, table: str) -> str:
        return intact(table, self.sealed[table])


def _connected(path: Path, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _text(encoded: bytes) -> str:
    return encoded.decode("utf-8", "replace")  # a flipped bit is told by the seal


def _readable(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        msg = f"ledger: version {version}, this program reads {VERSION}"
        raise LedgerError(msg)


def version_of(path: Path) -> int:
    """The version that the file's header tells."""
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
