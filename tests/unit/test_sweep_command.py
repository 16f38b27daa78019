import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spectest import cli

POOL = """
import asyncio

async def swallows():
    try:
        await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        pass

async def passes():
    await asyncio.create_task(asyncio.sleep(0.01), name="sleeper")
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs a command in a folder that holds `swept.py`; exit code, output, complaints."""
    (tmp_path / "swept.py").write_text(POOL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield run
    sys.modules.pop("swept", None)


def test_what_it_finds_is_replayed_and_confirmed(sweep: Run, tmp_path: Path) -> None:
    code, out, err = sweep("sweep", "swept.py::swallows", "--report", "page.txt")
    assert (code, err) == (cli.FAILED, "")
    assert out.startswith("swept.py::swallows: 4 of 4 cancellations fail\n")
    assert "asyncio  confirmed in real time" in out
    assert (tmp_path / "page.txt").read_text("utf-8") == out
    (hint,) = (line for line in out.splitlines() if line.startswith("replay "))
    command = hint.split()[2:]
    assert command[:2] == ["replay", "swept.py::swallows"]
    assert sweep(*command)[0] == cli.FAILED
    assert sweep("confirm", *command[1:])[0] == cli.CLEAN


def test_options_choose(sweep: Run) -> None:
    code, out, _ = sweep("sweep", "swept.py::passes", "--tasks=sle*", "--kinds=at", "--no-confirm")
    assert code == cli.CLEAN
    assert out.startswith("swept.py::passes: none of 1 cancellation fails\n")
    assert "coverage: 1 of 2 awaits" in out


@pytest.mark.parametrize("option", ["--kinds=often", "--tasks=nobody"])
def test_what_means_nothing_is_refused(sweep: Run, option: str) -> None:
    code, out, err = sweep("sweep", "swept.py::passes", option)
    assert (code, out) == (cli.UNUSABLE, "")
    assert option.partition("=")[2] in err
