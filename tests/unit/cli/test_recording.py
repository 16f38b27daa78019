"""`spectest replay-log`, from a log that production wrote to the page."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spectest import cli

PRODUCTION = """
import asyncio
import logging

from spectest.patterns import Branch, FirstValid, speculate


async def quick(inputs):
    await asyncio.sleep(0.01)
    return "quick"


async def thorough(inputs):
    await asyncio.sleep(0.2)
    return "thorough"


async def main():
    for number in (1, 2):
        branches = [Branch("quick", quick), Branch("thorough", thorough)]
        await speculate(branches, {"n": 1}, run_id=f"w/{number}", decision=FirstValid(), sample=1)


logging.basicConfig(filename="app.log", level=logging.INFO, format="%(asctime)s %(message)s")
asyncio.run(main())
"""

REHEARSAL = """
import spectest
from spectest.patterns import Branch, FirstValid, speculate


async def again(record):
    names = record["branch_names"]
    services = [spectest.FakeService(name, latency=(0.0, 1.0), answer=name) for name in names]
    branches = [Branch(name, service) for name, service in zip(names, services)]
    return await speculate(
        branches, {"n": 1}, run_id=record["run_id"], decision=FirstValid(), sample=0
    )


async def second():
    return await again({"branch_names": ["quick", "thorough"], "run_id": "w/2"})


def two(record, more):
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "production.py").write_text(PRODUCTION)
    (tmp_path / "rehearsal.py").write_text(REHEARSAL)
    subprocess.run([sys.executable, "production.py"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["replay-log", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_log_of_production_replays(folder: Path, capsys: Any) -> None:
    code, out, err = run(capsys, "app.log", "rehearsal.py::again", "--run-id=w/1")
    assert (code, err) == (cli.CLEAN, "")
    assert out == (
        "run w/1\n"
        "14 fields are as recorded: `quick` wins\n\n"
        "It takes no more than this:\n"
        "  `quick#1` takes 1 ms shorter than usual\n"
    )


def test_a_program_that_needs_no_record_has_a_token(folder: Path, capsys: Any) -> None:
    code, out, _ = run(capsys, "app.log", "rehearsal.py::second", "--run-id=w/2")
    assert code == cli.CLEAN
    assert out.splitlines()[-1].startswith("replay  spectest replay rehearsal.py::second st1-")


def test_json_has_the_facts(folder: Path, capsys: Any) -> None:
    _, out, _ = run(capsys, "app.log", "rehearsal.py::again", "--run-id=w/1", "--json")
    facts = json.loads(out)
    assert (facts["run_id"], facts["same"], facts["holds_ns"]) == (
        "w/1",
        True,
        {"quick#1": -1_000_000},
    )


def test_a_tampered_record_is_rejected_by_field(folder: Path, capsys: Any) -> None:
    log = folder / "app.log"
    log.write_text(
        log.read_text().replace('"winning_branch_index": 0', '"winning_branch_index": 5')
    )
    code, out, err = run(capsys, "app.log", "rehearsal.py::again", "--run-id=w/1")
    assert (code, out) == (cli.UNUSABLE, "")
    assert "app.log: line 1: winning_branch_index" in err


def test_a_truncated_record_is_rejected_by_line(folder: Path, capsys: Any) -> None:
    log = folder / "app.log"
    log.write_text(log.read_text()[:-40])
    code, _, err = run(capsys, "app.log", "rehearsal.py::again", "--run-id=w/1")
    assert code == cli.UNUSABLE
    assert "app.log: line 2: " in err
    assert "cut off" in err


def test_what_is_plausible_and_wrong_is_told_by_the_replay(folder: Path, capsys: Any) -> None:
    log = folder / "app.log"
    log.write_text(log.read_text().replace('"committed": 0', '"committed": 3'))
    code, out, _ = run(capsys, "app.log", "rehearsal.py::again", "--run-id=w/1")
    assert code == cli.FAILED
    assert "The replay differs from the record:\n  committed: recorded 3, replayed 0\n" in out


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (("app.log", "rehearsal.py::again"), "app.log has 2 records; say --run-id=w/1"),
        (("app.log", "rehearsal.py::again", "--run-id=w/3"), "it has w/1, w/2"),
        (("no.log", "rehearsal.py::again"), "no.log: No such file"),
        (("rehearsal.py", "rehearsal.py::again"), "there are no records of speculations in it"),
        (("app.log", "rehearsal.py::two", "--run-id=w/1"), "needs record, more"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    folder: Path, capsys: Any, arguments: tuple[str, ...], complaint: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (cli.UNUSABLE, "")
    assert complaint in err
