import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spectest.watch.databases import Database, path_of


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE payments (who TEXT, cents INTEGER)")
        yield connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database("shop", str(tmp_path / "shop.db"))) as database:
        yield database


def test_rows_are_told_by_their_number(writer: sqlite3.Connection, database: Database) -> None:
    assert database.look() == {"shop: table payments": "a table"}
    assert database.look() is None
    writer.execute("INSERT INTO payments VALUES ('llm', 10)")
    assert database.look() == {
        "shop: table payments": "a table",
        "shop: table payments row 1": "('llm', 10)",
    }


def test_what_is_not_committed_is_not_there(writer: sqlite3.Connection, database: Database) -> None:
    before = database.look()
    writer.execute("BEGIN")
    writer.execute("INSERT INTO payments VALUES ('llm', 10)")
    assert database.look() in (None, before)
    writer.execute("ROLLBACK")
    assert database.look() in (None, before)


def test_a_write_ahead_log_is_read(writer: sqlite3.Connection, database: Database) -> None:
    writer.execute("PRAGMA journal_mode = WAL")
    database.look()
    writer.execute("INSERT INTO payments VALUES ('llm', 10)")
    found = database.look()
    assert found is not None
    assert found["shop: table payments row 1"] == "('llm', 10)"


def test_a_locked_database_is_looked_at_later(
    writer: sqlite3.Connection, database: Database
) -> None:
    database.look()
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("INSERT INTO payments VALUES ('llm', 10)")
    assert database.look() is None
    writer.execute("COMMIT")
    found = database.look()
    assert found is not None
    assert "shop: table payments row 1" in found


def test_writers_are_never_locked_out(writer: sqlite3.Connection, database: Database) -> None:
    writer.execute("PRAGMA busy_timeout = 0")
    for cents in range(5):
        database.look()
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("INSERT INTO payments VALUES ('llm', ?)", (cents,))
        writer.execute("COMMIT")
    assert len(database.look() or {}) == 6


def test_a_table_without_row_numbers_goes_by_its_key(
    writer: sqlite3.Connection, database: Database
) -> None:
    writer.execute("CREATE TABLE stock (name TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID")
    writer.execute("INSERT INTO stock VALUES ('pear', 3)")
    found = database.look()
    assert found is not None
    assert found["shop: table stock row 'pear'"] == "('pear', 3)"


def test_a_file_may_come_later_and_its_rows_are_new(tmp_path: Path) -> None:
    with closing(Database("later", str(tmp_path / "later.db"))) as database:
        assert database.look() == {}
        with closing(sqlite3.connect(tmp_path / "later.db")) as connection:
            connection.execute("CREATE TABLE t (x)")
        assert database.look() == {"later: table t": "a table"}
        (tmp_path / "later.db").unlink()
        assert database.look() is None


def test_a_connection_knows_its_file(writer: sqlite3.Connection, tmp_path: Path) -> None:
    assert path_of(writer) == str(tmp_path / "shop.db")
    assert path_of(tmp_path / "shop.db") == str(tmp_path / "shop.db")
    assert path_of(":memory:") == ""
    with closing(sqlite3.connect(":memory:")) as memory:
        assert path_of(memory) == ""
