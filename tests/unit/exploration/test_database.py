import json
from pathlib import Path
from typing import Any

import pytest

from spectest.exploration.database import Database
from spectest.kernel.plan import Hold, Plan
from spectest.kernel.token import encode

PROGRAM = "tests.pipeline:test_hedge"
ONE, TWO = Plan({"a#1": Hold(1)}), Plan({"b#1": Hold(2)})


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)


def files(database: Database) -> list[str]:
    found = [path for path in database.folder.rglob("*") if path.is_file()]
    return sorted(path.relative_to(database.folder).as_posix() for path in found)


def test_nothing_is_written_until_there_is_a_failure(database: Database, tmp_path: Path) -> None:
    assert database.plans(PROGRAM) == []
    database.forget(PROGRAM, ONE)
    assert list(tmp_path.iterdir()) == []


def test_what_was_saved_is_there_newest_first(database: Database, tmp_path: Path) -> None:
    database.save(PROGRAM, ONE)
    database.save(PROGRAM, TWO)
    assert Database(tmp_path).plans(PROGRAM) == [TWO, ONE]
    database.save(PROGRAM, ONE)
    assert database.plans(PROGRAM) == [ONE, TWO]
    assert database.plans("another:program") == []


def test_only_the_newest_are_kept(database: Database) -> None:
    plans = [Plan({"a#1": Hold(n)}) for n in range(1, 31)]
    for plan in plans:
        database.save(PROGRAM, plan)
    kept = database.plans(PROGRAM)
    assert kept == plans[:-11:-1]


def test_a_failure_that_is_one_no_longer_is_forgotten(database: Database) -> None:
    database.save(PROGRAM, ONE)
    database.save(PROGRAM, TWO)
    database.forget(PROGRAM, TWO)
    assert database.plans(PROGRAM) == [ONE]
    database.forget(PROGRAM, ONE)
    assert files(database) == [".gitignore"]


def test_the_folder_keeps_itself_out_of_repositories(database: Database) -> None:
    database.save(PROGRAM, ONE)
    ignore = database.folder / ".gitignore"
    assert ignore.read_text() == "*\n"
    ignore.write_text("failures\n")
    database.save(PROGRAM, TWO)
    assert ignore.read_text() == "failures\n", "what the user wrote stays"


def test_the_file_says_whose_failures_these_are(database: Database) -> None:
    database.save(PROGRAM, ONE)
    assert json.loads(database.path(PROGRAM).read_text()) == {
        "program": PROGRAM,
        "tokens": [encode(ONE)],
    }
    assert len(files(database)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"7",
        b'{"tokens": 7}',
        b'{"tokens": null}',
        b'{"x": []}',
        b'{"tokens": ["no token", "st1-AAAA", 7, null]}',
    ],
)
def test_an_unreadable_file_is_no_failures_and_is_replaced_by_the_next(
    database: Database, content: bytes
) -> None:
    path = database.path(PROGRAM)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert database.plans(PROGRAM) == []
    database.save(PROGRAM, ONE)
    assert database.plans(PROGRAM) == [ONE]


def test_a_token_of_a_newer_version_is_passed_over_and_kept(database: Database) -> None:
    path = database.path(PROGRAM)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"tokens": ["st2-newer", encode(ONE)]}))
    assert database.plans(PROGRAM) == [ONE]
    database.save(PROGRAM, TWO)
    assert "st2-newer" in path.read_text()


def test_a_write_that_breaks_off_leaves_what_was_there(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.save(PROGRAM, ONE)

    def broken(document: Any, file: Any, **options: Any) -> None:
        file.write('{"tokens": [')
        file.flush()
        raise OSError("disk full")

    monkeypatch.setattr(json, "dump", broken)
    with pytest.raises(OSError, match="disk full"):
        database.save(PROGRAM, TWO)
    monkeypatch.undo()
    assert database.plans(PROGRAM) == [ONE]
    assert len(files(database)) == 2, "no half-written file stays behind"


def test_without_a_folder_it_is_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Database().save(PROGRAM, ONE)
    assert [path.name for path in tmp_path.iterdir()] == [".spectest"]
