from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.tidy.prose import (
    decision_record,
    lengths,
    line_references,
    machine_paths,
    roadmap_words,
    text_files,
)

Rule = Callable[[str], list[str]]


def complaints(rule: Rule, paths: Iterable[Path]) -> list[str]:
    return [f"{path}: {complaint}" for path in paths for complaint in rule(path.read_text("utf-8"))]


@pytest.mark.parametrize("rule", [roadmap_words, machine_paths])
def test_every_text_file(repository: Path, rule: Rule) -> None:
    assert complaints(rule, text_files(repository)) == []


def test_no_line_numbers_in_prose(repository: Path) -> None:
    pages = (path for path in text_files(repository) if path.suffix == ".md")
    assert complaints(line_references, pages) == []


@pytest.mark.parametrize("package", ["spectest", "simulators"])
def test_files_and_functions_are_short(repository: Path, package: str) -> None:
    assert complaints(lengths, (repository / package).rglob("*.py")) == []


def test_decision_records_are_short_and_enforced(repository: Path) -> None:
    assert complaints(decision_record, (repository / "docs/adr").glob("[0-9]*.md")) == []


def test_the_walk_meets_the_files_that_matter(repository: Path) -> None:
    found = {str(path.relative_to(repository)) for path in text_files(repository)}
    assert {"Makefile", "LICENSE", ".ci/run", "pyproject.toml", "spectest/errors.py"} <= found
    assert not {path for path in found if path.startswith((".git/", ".venv"))}


@pytest.mark.parametrize(
    "phrase",
    [
        "for now",
        "phase B",
        "Phase 2",
        "TODO",
        "FIXME",
        "not yet implemented",
        "coming soon",
        "in a future version",
    ],
)
def test_a_roadmap_is_found(phrase: str) -> None:
    assert roadmap_words(f"One line.\nThis holds {phrase}.") != []
    assert roadmap_words(f'No "{phrase}" and no `{phrase}` here.') == []


def test_time_is_not_a_roadmap() -> None:
    assert roadmap_words("moments = [now + 1 for now in clock]") == []


@pytest.mark.parametrize("folder", ["root", "home", "work", "Users"])
def test_a_path_of_one_machine_is_found(folder: str) -> None:
    assert machine_paths(f"cache = '/{folder}/someone/cache'") != []
    assert machine_paths(f"see https://example.org/{folder}/page, src/{folder}/file") == []


def test_a_line_number_is_found_in_prose_and_allowed_in_a_fenced_block() -> None:
    prose = "As clock{}:12 shows, time stands still.".format(".py")
    block = f"Before.\n\n```text\n{prose}\n```\n\nAfter.\n"
    assert line_references(prose) != []
    assert line_references(block) == []
    assert line_references(f"{block}\n{prose}")[0].startswith("line 9 ")


def test_a_long_file_is_found() -> None:
    assert lengths("x = 1\n" * 400) == []
    assert lengths("x = 1\n" * 401) != []


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_long_function_is_found(keyword: str) -> None:
    assert lengths(f"{keyword} f():\n" + "    x = 1\n" * 59) == []
    assert lengths(f"{keyword} f():\n" + "    x = 1\n" * 60) != []


def test_a_decision_that_nothing_enforces_is_found() -> None:
    assert decision_record("# 0001: Title\n\nEnforced by: review\n") == []
    assert decision_record("# 0001: Title\n") != []
    assert decision_record("Line.\n" * 60 + "Enforced by: review\n") != []
