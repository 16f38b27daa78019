"""README and docs are run, and print what they say. The tables say what the code says."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.pages import (
    ROOT,
    Page,
    agrees,
    blocks_of,
    commands_of,
    elided,
    furnish,
    pages,
)


def complaints(markdown: str, folder: Path, name: str = "page.md") -> list[str]:
    return [str(difference) for difference in Page(markdown, folder, name).differences()]


@pytest.fixture
def levels() -> Iterator[None]:
    """A page may switch loggers on, and says nothing of switching them off."""
    names = ["spectest.patterns.steps", *logging.root.manager.loggerDict]
    known = [logging.getLogger(), *map(logging.getLogger, names)]
    before = [(logger, logger.level, list(logger.handlers)) for logger in known]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.usefixtures("levels")
@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_prints_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(tmp_path, path)
    monkeypatch.chdir(tmp_path)
    name = str(path.relative_to(ROOT))
    found = complaints(path.read_text("utf-8"), tmp_path, name)
    assert not found, "\n\n".join(found)


# The checks can fail.


def test_what_a_block_prints_is_compared(tmp_path: Path) -> None:
    right = "```python\nx = 1\n```\n\n```python\nprint(x)\n```\n```text\n1\n```\n"
    assert complaints(right, tmp_path) == []
    (complaint,) = complaints(right.replace("```text\n1", "```text\n2"), tmp_path)
    assert complaint.startswith("the block at line 9 does not print what it says")


def test_what_a_block_raises_is_raised_at_the_line_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        complaints("Text.\n\n```python\n1 / 0\n```\n", tmp_path)
    assert caught.traceback[-1].lineno == 3  # pytest counts from 0


def test_await_may_stand_at_the_top(tmp_path: Path) -> None:
    page = (
        "```python\nimport asyncio\nprint(await asyncio.sleep(0, 'woken'))\n```\n```text\n{}\n```"
    )
    assert complaints(page.format("woken"), tmp_path) == []
    assert complaints(page.format("asleep"), tmp_path) != []


def test_a_console_runs_the_files_of_the_page(tmp_path: Path) -> None:
    page = "```python hello.py\nprint('hello')\n```\n```console\n$ python hello.py\n{}\n```"
    assert complaints(page.format("hello"), tmp_path) == []
    assert "--- it prints\n$ python hello.py\nhello" in complaints(page.format("bye"), tmp_path)[0]


def test_a_console_does_not_run_everything(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be run here"):
        complaints("```console\n$ rm nothing\n```", tmp_path)


@pytest.mark.parametrize(
    "expected, actual",
    [
        ("1 passed in 0.12s", "1 passed in 3.40s"),
        ("=== FAILURES ===", "======== FAILURES ========"),
        ("--spectest-replay=st1-AAAAAAAA", "--spectest-replay=st1-BBBB_B-BBBB"),
        ("first\n...\nlast", "first\nsecond\nthird\nlast"),
        ("first\n...\nlast", "first\nlast"),
    ],
)
def test_what_varies_agrees(expected: str, actual: str) -> None:
    assert agrees(expected, actual)


@pytest.mark.parametrize(
    "expected, actual",
    [
        ("1 passed in 0.12s", "2 passed in 0.12s"),
        ("1 passed", "1 passed\nand more"),
        ("first\n...\nlast", "first\nsecond"),
        ("--spectest-replay=st1-AAAAAAAA", "--spectest-replay="),
        ("", "something"),
    ],
)
def test_what_differs_does_not_agree(expected: str, actual: str) -> None:
    assert not agrees(expected, actual)


def test_what_is_left_out_stays_left_out() -> None:
    said = "first\n...\nthird in 0.1s\n"
    actual = "first\nsecond\nsecond\nthird in 0.2s\nlast\n"
    assert elided(said, actual) == "first\n...\nthird in 0.2s\nlast\n"
    assert elided("...\nabsent\n", "first\nsecond\n") == "first\nsecond\n"


def test_blocks_and_commands_are_found() -> None:
    page = "```ini pytest.ini\n[pytest]\n```\n\n```console\n$ pytest\nfine\n$ pytest -q\n```\n"
    ini, console = blocks_of(page)
    assert (ini.line, ini.language, ini.file, ini.text) == (2, "ini", "pytest.ini", "[pytest]\n")
    assert commands_of(console.text) == [("pytest", "fine\n"), ("pytest -q", "")]


def test_no_page_is_forgotten() -> None:
    assert {path.name for path in pages()} >= {"README.md", "index.md", "tutorial.md"}
