"""Transactions of several threads that one synchronisation of the disk makes durable together."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from passerelle.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Who was to commit may have been interrupted before its turn: then a waiting thread does it.
_PATIENCE_S: Final = 1.0


class _Group:
    """Transactions that become durable together, or not at all."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.error: sqlite3.Error | None = None
        self.has_members = False

    def end(self, error: sqlite3.Error | None) -> None:
        self.error = error
        self.is_over.set()


class Commits:
    """The turns that threads take on the connection that writes.

    Where others are in line a thread leaves the COMMIT to the last of them; none returns before
    that COMMIT. Whoever comes second does its part in a savepoint, and may fail alone.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection in autocommit mode."""
        self._connection = connection
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._in_line = 0
        self._owner: int | None = None
        self._group: _Group | None = None

    @property
    def is_mine(self) -> bool:
        """Whether this thread is inside a transaction."""
        return self._owner == threading.get_ident()

    def close(self) -> None:
        """Close the connection, when nobody has a turn."""
        with self._turn:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Durable when the outermost one ends; undone when an exception ends it.

        Raises:
            sqlite3.Error: What this thread did failed, or the COMMIT.
        """
        if self.is_mine:
            with self._savepoint():
                yield
            return
        group = self._joined()
        try:
            # A savepoint costs the more, the larger the transaction: whoever is first has none.
            with self._savepoint() if group.has_members else self._whole():
                group.has_members = True
                yield
        finally:
            self._leave(group)
        while not group.is_over.wait(_PATIENCE_S):
            self._leave(self._joined())
        if group.error is not None:
            raise group.error

    def _joined(self) -> _Group:
        with self._counting:
            self._in_line += 1
        try:
            self._turn.acquire()
        finally:
            with self._counting:
                self._in_line -= 1
        try:
            if self._group is None:
                self._connection.execute("BEGIN IMMEDIATE")
                self._group = _Group()
        except BaseException:
            self._turn.release()
            raise
        self._owner = threading.get_ident()
        return self._group

    def _leave(self, group: _Group) -> None:
        with self._counting:
            is_last = not self._in_line
        try:
            if group.is_over.is_set():
                self._group = None
            elif is_last:
                self._group = None
                self._commit(group)
        finally:
            self._owner = None
            self._turn.release()

    def _commit(self, group: _Group) -> None:
        failure: sqlite3.Error | None = sqlite3.OperationalError("the commit was interrupted")
        try:
            self._connection.execute("COMMIT")
            failure = None
        except sqlite3.Error as error:
            failure = error
            self._roll_back()
        finally:
            group.end(failure)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._roll_back()
            if self._group is not None:
                self._group.end(None)  # nobody else was in it
            raise

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self._connection.execute("SAVEPOINT own")
        try:
            yield
            self._connection.execute("RELEASE own")
        except BaseException as error:
            self._undo(error)
            raise

    def _undo(self, cause: BaseException) -> None:
        try:
            self._connection.execute("ROLLBACK TO own")
            self._connection.execute("RELEASE own")
        except sqlite3.Error as error:
            # A full disk, and what is worse, makes SQLite undo what the others did as well.
            self._roll_back()
            if self._group is not None and not self._group.is_over.is_set():
                known = cause.__cause__ if isinstance(cause, AgentError) else cause
                self._group.end(known if isinstance(known, sqlite3.Error) else error)

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
