"""Checksums over rows and over the schema: a flipped bit is told from what was written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

#: The newest version of the ledger that this code reads and writes.
VERSION: Final = 4


def seal(*values: object) -> int:
    """A 64-bit checksum of a row: the name of its table, then its columns in their order."""
    digest = hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


def register(connection: sqlite3.Connection) -> None:
    """Let SQL compute seals; without it no row of a sealed table can be written."""
    connection.create_function("seal", -1, seal, deterministic=True)


def sealed_columns(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """The columns under each table's seal."""
    found: dict[str, tuple[str, ...]] = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        columns = [
            row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", [table])
        ]
        if "seal" in columns:
            found[table] = tuple(column for column in columns if column != "seal")
    return found


def expression(table: str, columns: tuple[str, ...], row: str) -> str:
    """The SQL that computes the seal of `row`: the table's name, `OLD` or `NEW`."""
    # Text goes as its bytes: those that a flipped bit has made no UTF-8 could not be passed.
    values = (
        f"CASE typeof({row}.{column}) WHEN 'text' THEN CAST({row}.{column} AS BLOB)"
        f" ELSE {row}.{column} END"
        for column in columns
    )
    return f"seal('{table}', {', '.join(values)})"


def intact(table: str, columns: tuple[str, ...]) -> str:
    """The SQL that says whether the seal of a row of this table holds."""
    return f"({table}.seal IS {expression(table, columns, table)})"


def schema_digest(connection: sqlite3.Connection) -> str:
    """What tells whether tables, indexes and triggers are those that a migration made."""
    parts = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return hashlib.sha256(repr([tuple(part) for part in parts]).encode()).hexdigest()
