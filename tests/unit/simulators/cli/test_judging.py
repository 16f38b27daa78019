"""`verdict`: the answer is the exit code."""

import json
from pathlib import Path

import pytest

from simulators.cli.judging import DISABLE, ENABLE, INCONCLUSIVE
from tests.unit.simulators.conftest import Command
from tests.unit.simulators.scenario_files import FREE


@pytest.fixture
def worth_it(command: Command) -> str:
    """A hedge after the median: p99 is much better."""
    Path("early.toml").write_text(FREE.replace("quantile = 0.95", "quantile = 0.5"), "utf-8")
    return "early.toml"


def test_enable(command: Command, worth_it: str) -> None:
    left = command("verdict", worth_it, "--n", 5_000)
    assert (left.code, left.err) == (ENABLE, "")
    assert ": enable (5,000 requests" in left.out


def test_disable(command: Command) -> None:
    Path("late.toml").write_text(FREE.replace("quantile = 0.95", "quantile = 0.99"), "utf-8")
    left = command("verdict", "late.toml", "--n", 5_000)
    assert left.code == DISABLE
    assert "disable: against it is p99 improvement" in left.out


def test_inconclusive(command: Command, worth_it: str) -> None:
    left = command("verdict", worth_it, "--n", 60, "--engine", "fast")
    assert left.code == INCONCLUSIVE
    assert "inconclusive" in left.out


def test_json_says_the_same(command: Command, worth_it: str) -> None:
    left = command("verdict", worth_it, "--n", 5_000, "--output", "json")
    facts = json.loads(left.out)
    assert (left.code, facts["answer"]) == (ENABLE, "enable")
    written = command("verdict", worth_it, "--n", 5_000, "--output", "json", "--output-file", "v")
    assert (written.code, written.out) == (ENABLE, "")
    assert json.loads(Path("v").read_text("utf-8")) == facts


def test_json_has_no_infinity(command: Command) -> None:
    options = ("--n", 2_000, "--output", "json")
    for name in ("collapsing.toml", "pooled.toml"):
        text = command("verdict", name, *options).out
        assert json.loads(text, parse_constant=pytest.fail)


def test_lines_and_percentiles_reach_the_judge(command: Command) -> None:
    options = ("--n", 5_000, "--threshold", 0.01, "--percentiles", "p95,p99.5")
    out = command("verdict", "free.toml", *options).out
    assert "p99.5 improvement" in out
    assert "1 % is the line" in out
