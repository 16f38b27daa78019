"""The command, run in a folder with scenario files."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from simulators import cli
from tests.unit.simulators.scenario_files import COLLAPSING, FREE, POOLED


class Left(NamedTuple):
    """What a command left: its exit code, and what it printed and complained of."""

    code: int
    out: str
    err: str


Command = Callable[..., Left]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs `python -m simulators ARGUMENTS` beside free.toml, pooled.toml and collapsing.toml."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("free", FREE), ("pooled", POOLED), ("collapsing", COLLAPSING)):
        Path(f"{name}.toml").write_text(text, "utf-8")

    def run(*arguments: object) -> Left:
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = int(left.code or 0)
        captured = capsys.readouterr()
        return Left(code, captured.out, captured.err)

    return run
