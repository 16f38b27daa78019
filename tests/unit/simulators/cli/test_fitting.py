"""`fit`: a log, what it means, and the scenario that it says."""

from pathlib import Path
from random import Random

import pytest

from simulators import cli, files
from spectest.latency import Empirical, LogNormal
from spectest.patterns.policies import EagerRace, Hedge
from tests.unit.patterns.made_groups import races
from tests.unit.simulators.conftest import Command

WIDE = ("--branches", "llm,rules", "--latency", "{branch}_ms", "--unit", "ms")


@pytest.fixture
def log(command: Command) -> str:
    """200 requests, with the milliseconds of both branches."""
    draws = Random(1)
    rows = ["at,region,llm_ms,rules_ms,how"]
    for second in range(200):
        llm, rules = draws.lognormvariate(5, 0.6), draws.lognormvariate(5.2, 0.4)
        rows.append(f"{100 + second / 2},{'eu' if second % 4 else 'us'},{llm:.3f},{rules:.3f},ok")
    Path("log.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return "log.csv"


def test_a_scenario_that_runs(command: Command, log: str) -> None:
    left = command("fit", log, "-o", "out.toml", *WIDE, "--policy", "Hedge:delay=p95")
    assert (left.code, left.err) == (0, "")
    assert "200 rows read, 200 used, 200 requests" in left.out
    scenario = files.read("out.toml")
    assert isinstance(scenario.racing[0].latency, Empirical)
    assert scenario.policy == Hedge(scenario.racing[0].latency.quantile(0.95))
    assert command("run", "out.toml", "--n", 100).code == 0


def test_the_file_says_where_it_is_from(command: Command, log: str) -> None:
    out = command("fit", log, "-o", "out.toml", *WIDE, "--policy", "EagerRace").out
    first = Path("out.toml").read_text("utf-8").splitlines()[0]
    scenario = files.read("out.toml")
    assert first.startswith(f"# log.csv: scenario {scenario.hash[:12]}, engine fit, seed 0, n 200")
    assert f"provenance   scenario {scenario.hash[:12]}, engine fit, seed 0, n 200" in out


def test_json_is_plain(command: Command, log: str) -> None:
    command("fit", log, "-o", "out.json", *WIDE, "--policy", "EagerRace")
    assert files.read("out.json").policy == EagerRace()


def test_options_reach_the_reader_and_the_fit(command: Command, log: str) -> None:
    left = command(
        *("fit", log, "-o", "out.toml", *WIDE, "--policy", "Hedge:delay=0.2,most=2"),
        *("--model", "LogNormal", "--start", "at", "--start-unit", "s", "--arrivals", "poisson"),
        *("--where", "region=eu", "--where", "rules_ms=0..1e9", "--timeout", "llm=9"),
        *("--timeout", "rules=none", "--outcome", "how", "--word", "ok=valid", "--most", 50),
    )
    assert left.code == 0, left.err
    scenario = files.read("out.toml")
    assert scenario.policy == Hedge(0.2, most=2)
    assert scenario.arrivals is not None
    assert [type(branch.latency) for branch in scenario.racing] == [LogNormal, LogNormal]
    assert [branch.timeout for branch in scenario.racing] == [9.0, None]
    assert "200 rows read, 150 used" in left.out


def test_records_say_the_policy_themselves(command: Command) -> None:
    lines = [record.to_line() for record in races([50.0, 70.0, 90.0])]
    Path("app.log").write_text("\n".join(lines) + "\n", "utf-8")
    left = command("fit", "app.log", "-o", "out.toml", "--upto", 0.5)
    assert (left.code, left.err) == (0, "")
    assert files.read("out.toml").policy == EagerRace()


def test_branches_may_be_called_otherwise(command: Command, log: str) -> None:
    named = ("--branches", "model=llm,static=rules", "--latency", "{branch}_ms", "--unit", "ms")
    assert command("fit", log, "-o", "out.toml", *named, "--policy", "EagerRace").code == 0
    assert [branch.name for branch in files.read("out.toml").racing] == ["model", "static"]


@pytest.mark.parametrize(
    "options, told",
    [
        ("", "--policy is None, which is not in the log; use one such as --policy Hedge:delay=p95"),
        ("--policy Hedge:dely=1", "policy.dely is 1, which is no field; did you mean 'delay'?"),
        ("--policy Hegde:delay=1", "policy.kind is 'Hegde', which is no policy; did you mean"),
        ("--policy Hedge:delay", "--policy is 'delay', which does not read NAME=VALUE"),
        ("--policy EagerRace --timeout llm=soon", "--timeout is 'soon', which is no duration"),
        ("--policy EagerRace --timeout llm=-1", "--timeout is '-1', which is no duration"),
        ("--policy EagerRace --timeout llm=1 --timeout llm=2", "--timeout is 'llm=2', which names"),
        ("--policy EagerRace --model Normal", "model of 'llm' is 'Normal', which is no model"),
        ("--policy EagerRace --format xml", "--format is 'xml', which is not known"),
    ],
)
def test_what_makes_no_sense(command: Command, log: str, options: str, told: str) -> None:
    left = command("fit", log, "-o", "out.toml", *WIDE, *options.split())
    assert (left.code, left.out) == (cli.INVALID, "")
    assert left.err.removeprefix("simulators: ").startswith(told)
    assert not Path("out.toml").exists()


@pytest.mark.parametrize(
    "options, remedy",
    [
        ("", "use --branches llm,rules, or --branch 'the column that has their names'"),
        ("--branch how", "use --request 'the column that all attempts of a request share'"),
        ("--branches a,b", "use --unit ms, or 's', 'us' or 'ns'"),
        (
            "--branches llm,rules --latency {branch}_ms --unit ms --outcome how",
            "means no outcome; use --word ok=cancelled, or not launched, valid, invalid, failed, ",
        ),
        (
            "--branches llm,rules --latency region --unit ms",
            "correct that line, or use --malformed dropped",
        ),
        (
            "--branches llm,rules --latency {branch}_ms --unit ms --outcome how --word ok=valid",
            "--model LogNormal or another, or --upto 0.9708: the rest takes the longest time",
        ),
    ],
)
def test_remedies_are_options(command: Command, log: str, options: str, remedy: str) -> None:
    rows = Path(log).read_text("utf-8").splitlines()
    slow = [f"{100 + second},eu,5000,5000,cancelled" for second in range(6)]
    Path(log).write_text("\n".join([*rows, *slow]) + "\n", "utf-8")
    left = command("fit", log, "-o", "out.toml", *options.split(), "--policy", "EagerRace")
    assert left.code == cli.INVALID
    assert remedy in left.err


def test_a_log_with_nothing_in_it(command: Command) -> None:
    Path("empty.csv").write_text("", "utf-8")
    left = command("fit", "empty.csv", "-o", "out.toml", *WIDE, "--policy", "EagerRace")
    assert (left.code, left.out) == (cli.INVALID, "")
    assert left.err.startswith("simulators: the file is 'empty.csv', which is empty; use")
    left = command("fit", "absent.csv", "-o", "out.toml", *WIDE, "--policy", "EagerRace")
    assert left.err.startswith("simulators: LOG is 'absent.csv', which cannot be read")
