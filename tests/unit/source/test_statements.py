import sys
from pathlib import Path

import pytest

from spectest.errors import UsageError
from spectest.source.statements import Statements

SOURCE = """\
def total(
    first,
):
    value = [
        first,
        2,
    ]
    if first:  # pragma: no cover
        value.append(
            3,
        )
    return value
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "total.py"
    path.write_text(SOURCE)
    return str(path)


@pytest.mark.parametrize(
    "line, first", [(1, 1), (2, 1), (4, 4), (6, 4), (8, None), (10, None), (12, 12), (13, 12)]
)
def test_a_statement_stands_at_its_first_line(source: str, line: int, first: int | None) -> None:
    assert Statements().of(source, line) == first


def test_the_configuration_of_coverage_says_what_is_excluded(source: str, tmp_path: Path) -> None:
    (tmp_path / ".coveragerc").write_text("[report]\nexclude_lines = return\n")
    assert Statements().of(source, 12) is None
    assert Statements().of(source, 9) == 9


def test_of_a_file_that_cannot_be_read_every_line_is_one(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# A title\n")
    statements = Statements()
    assert statements.of(str(tmp_path / "page.md"), 3) == 3
    assert statements.of(str(tmp_path / "missing.py"), 7) == 7


def test_a_configuration_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".coveragerc").write_text("[run]\nbranch = perhaps\n")
    with pytest.raises(UsageError, match=r"cannot read it: .*perhaps"):
        Statements()


def test_without_coverage_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coverage", None)
    with pytest.raises(UsageError, match="pip install coverage"):
        Statements()
