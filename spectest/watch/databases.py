"""The rows of an SQLite database, as they are committed, read beside whoever writes.

The connection is a read-only one of its own that never waits: if the file is locked, the change is
seen at a later look. Nothing is read again before `PRAGMA data_version` says that somebody else has
committed, and the text of a row is the same in every run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from spectest.kernel.values import shown

__all__ = ["Database", "path_of"]

_MOST_ROWS = 10_000
_TABLES = (
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
    "ESCAPE '\\' ORDER BY name"
)


class Database:
    """`name`: what paths begin with. A file that is not there yet, or not any more, has no rows
    to tell of.
    """

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version = -1

    def look(self) -> Mapping[str, str] | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116  # at each line, as a string
        except OSError:
            seen = self._version >= 0
            self.close()
            return None if seen else {}
        if self._file != (status.st_dev, status.st_ino):
            self.close()
            self._file = status.st_dev, status.st_ino
        try:
            return self._read()
        except sqlite3.DatabaseError:
            return None  # It is locked, or half made: later.

    def _read(self) -> Mapping[str, str] | None:
        connection = self._connected()
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return None
        found = dict(self._rows(connection))
        self._version = version
        return found

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            uri = f"file:{quote(self._path)}?mode=ro"
            self._connection = sqlite3.connect(
                uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._version = -1
        return self._connection

    def _rows(self, connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
        connection.execute("BEGIN")
        try:
            for table, sql in connection.execute(_TABLES).fetchall():
                yield f"{self._name}: table {table}", "a table"
                for row, text in _rows_of(connection, table, sql):
                    yield f"{self._name}: table {table} row {row}", text
        finally:
            connection.execute("COMMIT")

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
        self._file = None


def _rows_of(connection: sqlite3.Connection, table: str, sql: str) -> Iterator[tuple[Any, str]]:
    """Each row's number, else its place in the order of the primary key; and its text."""
    quoted = '"' + table.replace('"', '""') + '"'
    try:
        rows = connection.execute(
            f"SELECT rowid, * FROM {quoted} ORDER BY rowid LIMIT {_MOST_ROWS}"  # noqa: S608  # quoted
        )
        numbered = ((row[0], row[1:]) for row in rows)
    except sqlite3.OperationalError:
        if "rowid" not in sql.lower():  # It is busy, and not made WITHOUT ROWID.
            raise
        query = f"SELECT * FROM {quoted} LIMIT {_MOST_ROWS}"  # noqa: S608  # quoted
        numbered = ((shown(row[0]), row) for row in connection.execute(query))
    for number, row in numbered:
        yield number, shown(tuple(row))


def path_of(database: Any) -> str:
    """The file of a path or a connection; "" for a database in memory."""
    if isinstance(database, sqlite3.Connection):
        for _, name, file in database.execute("PRAGMA database_list").fetchall():
            if name == "main":
                return str(file or "")
        return ""
    path = os.fspath(database)
    text = path.decode() if isinstance(path, bytes) else str(path)
    return "" if text == ":memory:" else str(Path(text).absolute())
