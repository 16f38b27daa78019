"""Input of no use: one line with field, value and remedy, exit code 3, and no file is left."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulators import cli
from tests.unit.simulators.conftest import Command
from tests.unit.simulators.scenario_files import WRONG

COMMANDS = {
    "run": ("run", "wrong.toml", "--output-file", "out.json", "--plot", "out.svg"),
    "report": ("report", "wrong.toml", "-o", "out.html"),
    "verdict": ("verdict", "wrong.toml", "--output-file", "out.txt"),
    "check": ("check", "wrong.toml", "--output-file", "out.txt"),
    "sweep": ("sweep", "wrong.toml", "--output", "out.jsonl", "--axis", "timer=arrival"),
}


def refused(command: Command, *arguments: object) -> str:
    """The one line that is left of this command."""
    before = sorted(Path().iterdir())
    left = command(*arguments)
    assert (left.code, left.out) == (cli.INVALID, ""), left
    assert left.err.endswith("\n")
    (line,) = left.err.splitlines()
    assert sorted(Path().iterdir()) == before
    return line.removeprefix("simulators: ")


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("text, told", WRONG.values(), ids=WRONG)
def test_a_wrong_scenario(
    command: Command, arguments: tuple[str, ...], text: str, told: str
) -> None:
    Path("wrong.toml").write_text(text, "utf-8")
    line = refused(command, *arguments)
    if arguments[0] == "sweep":
        line = line.replace(" at the point timer=arrival", "")
    assert line.startswith(told)
    assert re.fullmatch(r".+ is .+, which .+; .+", line)


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    "name, why",
    [
        ("absent.toml", "cannot be read: No such file or directory"),
        (".", "is neither TOML nor JSON"),
        ("folder.toml", "cannot be read: Is a directory"),
    ],
)
def test_a_scenario_that_is_no_file(
    command: Command, arguments: tuple[str, ...], name: str, why: str
) -> None:
    Path("folder.toml").mkdir()
    line = refused(command, *(name if word == "wrong.toml" else word for word in arguments))
    assert why in line


def test_a_scenario_that_nests_too_deeply(command: Command) -> None:
    Path("deep.json").write_text("[" * 100_000, "utf-8")
    assert refused(command, "run", "deep.json").startswith("the file is 'deep.json', which is no")


@pytest.mark.parametrize(
    "options, told",
    [
        ("--n 0", "--n is 0, which is no number of requests"),
        ("--seed -1", "--seed is -1, which is no seed"),
        ("--precision much", "--precision is 'much', which is no share"),
        ("--precision 2", "precision is 2.0, which is no share"),
        ("--precision p101=0.1", "measures is 'p101', which is no measure"),
        ("--measures mean,speed", "measures is 'speed', which is no measure"),
        ("--engine exact", "engine is 'exact', which does not answer this scenario"),
        ("--engine exact --precision 0.1", "--precision is '0.1', which is asked of what is not"),
        ("--code app:main", "--code is 'app:main', which is asked of an engine that runs no code"),
        ("--engine exact --plot out.svg", "--plot is 'out.svg', which shows what was simulated"),
        ("--trace 3", "--trace is 3, which is asked of an engine that writes nothing down"),
        ("--trace 0 --engine events", "--trace is 0, which is no number of requests"),
        ("--trace 3 --engine events --output csv", "--trace is 3, which has no columns in CSV"),
        ("--plot out.pdf", "--plot is 'out.pdf', which has another ending"),
        ("--output-file no/out.csv", "--output-file is 'no/out.csv', which is in a folder that"),
        ("--output-file .", "--output-file is '.', which is a folder"),
    ],
)
def test_options_of_run(command: Command, options: str, told: str) -> None:
    assert refused(command, "run", "pooled.toml", *options.split()).startswith(told)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "lost.toml", "--n", 50, "--plot", "out.svg"),
        (
            "sweep",
            "lost.toml",
            "--n",
            50,
            "--hedge",
            "0.1",
            "--output",
            "out.jsonl",
            "--plot",
            "a.svg",
        ),
    ],
)
def test_nothing_to_draw(command: Command, arguments: tuple[object, ...]) -> None:
    text = Path("free.toml").read_text("utf-8").replace("failure = 0.01", "failure = 1.0")
    Path("lost.toml").write_text(text.replace("timeout = 6.0", "failure = 1.0"), "utf-8")
    left = command(*arguments)
    assert (left.code, left.out) == (cli.INVALID, "")
    assert re.search("which (leaves no latency|has no point) to draw; ", left.err)
    assert not list(Path().glob("*.svg"))
    assert command("report", "lost.toml", "-o", "out.html", "--n", 50).code == 0


def test_options_of_report(command: Command) -> None:
    assert refused(command, "report", "free.toml", "-o", "a.pdf").startswith("--output-file is")
    assert refused(command, "report", "free.toml", "-o", "no/a.html").startswith("--output-file is")
    told = "the following arguments are required: -o/--output-file; see"
    assert refused(command, "report", "free.toml").startswith(told)


@pytest.mark.parametrize(
    "options, told",
    [
        ("", "--axis is None, which is missing; add --axis, --hedge, --load or --pool"),
        ("--axis timer", "--axis is 'timer', which is no PATH=VALUES"),
        ("--axis timr=arrival", "axis is 'timr', which begins with 'timr', which is no field"),
        ("--axis branches.llm.cancel=later", "branches['llm'].cancel at the point"),
        ("--load much", "load"),
        ("--hedge p50-p99", "axis 'hedge' is 'p50-p99', which is no value; use p50..p99:8 for 8"),
        ("--load 0.3..0.9", "axis 'load' is '0.3..0.9', which does not say how many values"),
        ("--hedge 0.1 --workers 0", "--workers is 0, which is no number of processes"),
        ("--hedge 0.1 --workers 2 --engine-pool none", "--workers is 2, which is not for none"),
        ("--hedge 0.1 --engine-pool threads", "--engine-pool is 'threads', which is not known"),
        ("--hedge 0.1 --csv out.txt", "--csv is 'out.txt', which has another ending"),
        ("--hedge 0.1 --output out.csv", "--output is 'out.csv', which has another ending"),
        ("--axis timer=arrival --plot out.svg", "--plot is 'out.svg', which shows p99 and work"),
        ("--hedge 0.1 --measures mean --plot out.svg", "--plot is 'out.svg', which shows p99"),
        ("--hedge 0.1 --measures speed", "measures is 'speed', which is no measure"),
        ("--hedge 0.1 --replications 0", "--replications is 0, which is no number of runs"),
        ("--hedge 0.1 --n 0", "--n is 0, which is no number of requests"),
    ],
)
def test_options_of_sweep(command: Command, options: str, told: str) -> None:
    arguments = ("sweep", "pooled.toml", "--output", "out.jsonl", "--no-progress")
    assert refused(command, *arguments, *options.split()).startswith(told)


def test_a_policy_without_fields(command: Command) -> None:
    options = ("--axis", "policy.kind=Hedge,EagerRace", "--output", "out.jsonl")
    line = refused(command, "sweep", "pooled.toml", *options)
    assert line.startswith("policy.delay at the point policy.kind=EagerRace is 1.87")
    assert line.endswith("which is no field; leave it out: EagerRace has no fields")


def test_the_pool_of_a_scenario_without_one(command: Command) -> None:
    line = refused(command, "sweep", "free.toml", "--output", "out.jsonl", "--pool", "1,2")
    assert line.startswith("--pool is '1,2', which is for the only pool, and the scenario has 0")


@pytest.mark.parametrize(
    "options, told",
    [
        ("--threshold 2", "threshold is 2.0, which is no probability"),
        ("--percentiles mean", "percentiles is 'mean', which is no percentile"),
        ("--level 1", "level is 1.0, which is no level"),
        ("--most-cost -1", "most_cost is -1.0, which is not above 0"),
    ],
)
def test_options_of_verdict(command: Command, options: str, told: str) -> None:
    assert refused(command, "verdict", "pooled.toml", *options.split()).startswith(told)


@pytest.mark.parametrize(
    "options, told",
    [
        ("--seeds a", "--seeds is 'a', which is no list of seeds"),
        ("--code app", "--code is 'app', which is no MODULE:FUNCTION"),
        (
            "--code absent_app:main",
            (
                "--code is 'absent_app:main', which cannot be imported: ModuleNotFoundError: No "
                "module named 'absent_app'; name a module of this folder or an installed one"
            ),
        ),
        (
            "--code broken:main",
            (
                "--code is 'broken:main', which cannot be imported: ZeroDivisionError: division by "
                "zero, at broken.py:2; mend that line"
            ),
        ),
        (
            "--code unread:main",
            (
                "--code is 'unread:main', which cannot be imported: SyntaxError: invalid syntax, "
                "at unread.py:3; mend that line"
            ),
        ),
        ("--code json:JSONDecodeErrors", "--code is 'json:JSONDecodeErrors', which is nothing"),
    ],
)
def test_options_of_check(command: Command, options: str, told: str) -> None:
    Path("broken.py").write_text("import math\n1 / 0", "utf-8")
    Path("unread.py").write_text("import math\n\nx = = 1\n", "utf-8")
    assert refused(command, "check", "pooled.toml", *options.split()).startswith(told)


@pytest.mark.parametrize(
    "arguments",
    ["", "walk", "run", "run free.toml --engine quick", "run free.toml --n ten", "run a b"],
)
def test_a_command_that_is_none(command: Command, arguments: str) -> None:
    assert "--help" in refused(command, *arguments.split())


@pytest.mark.parametrize(
    "arguments, told",
    [
        ("run free.toml --enigne fast", "--enigne fast; did you mean --engine?"),
        ("sweep free.toml --output a.jsonl --axes=timer=arrival", "did you mean --axis?"),
        ("verdict free.toml --zzz", "--zzz"),
    ],
)
def test_an_option_that_is_none(command: Command, arguments: str, told: str) -> None:
    line = refused(command, *arguments.split())
    assert line.startswith("unrecognized arguments: ")
    name = arguments.partition(" ")[0]
    assert line.endswith(f"{told}; see python -m simulators {name} --help")


@pytest.mark.parametrize("n", ["1e4", "10000", "1.0e+4"])
def test_whole_numbers(n: str) -> None:
    assert cli.parser_of().parse_args(["run", "free.toml", "--n", n]).n == 10_000


@pytest.mark.parametrize("n", ["1.5", "nan", "inf", "ten"])
def test_what_is_no_whole_number(command: Command, n: str) -> None:
    line = refused(command, "run", "free.toml", "--n", n)
    assert line.startswith(f"argument --n: invalid integer value: '{n}'")


def test_more_requests_than_a_trace_has(command: Command) -> None:
    text = Path("pooled.toml").read_text("utf-8")
    moments = 'kind = "Trace"\ntimes = [0.0, 1.0, 3.0]'
    Path("trace.toml").write_text(text.replace('kind = "Poisson"\nrate = 15', moments), "utf-8")
    assert refused(command, "run", "trace.toml", "--n", 4).startswith("n is 4, which is more than")
    assert command("run", "trace.toml").out.splitlines()[1].startswith("3 requests by")


def test_a_file_that_cannot_be_replaced_is_left_alone(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("out.json").write_text("before", "utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    line = refused(
        command, "run", "free.toml", "--n", 10, "--output", "json", "--output-file", "out.json"
    )
    assert "cannot be written: No space left on device" in line
    assert Path("out.json").read_text("utf-8") == "before"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "simulators", "run", "absent.toml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == cli.INVALID
    assert finished.stdout == ""
    assert finished.stderr.startswith("simulators: SCENARIO is 'absent.toml', which cannot be read")
