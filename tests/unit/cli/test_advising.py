import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from spectest import cli
from spectest.patterns.records import Record
from tests.unit.patterns.made_groups import race, races

Advise = Callable[..., tuple[int, str, str]]


@pytest.fixture
def advise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Advise:
    """Runs `spectest advise app.log --control control.txt`; exit code, output, complaints."""
    monkeypatch.chdir(tmp_path)

    def run(
        records: Iterable[Record] | None, control: Iterable[object] | None, *options: str
    ) -> tuple[int, str, str]:
        for name, lines in (("app.log", records), ("control.txt", control)):
            if lines is not None:
                text = "".join(f"{_line(line)}\n" for line in lines)
                Path(name).write_text(text, "utf-8")
        try:
            code = cli.main(["advise", "app.log", "--control", "control.txt", *options])
        except SystemExit as left:
            code = int(left.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def _line(line: object) -> str:
    return line.to_line() if isinstance(line, Record) else str(line)


FAST, FEW = races([50.0] * 500), races([50.0] * 100)
CONTROL = [100.0] * 500


@pytest.mark.parametrize(
    "ours, code, verdict",
    [
        (50.0, cli.ENABLE, "enable"),
        (99.0, cli.DISABLE, "disable"),
    ],
)
def test_the_verdict_is_the_exit_code(advise: Advise, ours: float, code: int, verdict: str) -> None:
    left, out, err = advise(races([ours] * 500), CONTROL)
    assert (left, err) == (code, "")
    assert out.startswith(f"EagerRace() of llm, rules: {verdict} (500 records, 500 of control")


def test_too_few_records_are_inconclusive(advise: Advise) -> None:
    code, out, _ = advise(FEW, CONTROL)
    assert code == cli.INCONCLUSIVE == 3
    assert "needed: at least 337 more records and 0 more of control" in out


def test_control_may_be_records(advise: Advise) -> None:
    control = races([100.0] * 500, 1.0, "Sequential()")
    assert advise(FAST, control)[:2] == advise(FAST, CONTROL)[:2]


def test_control_may_have_requests_without_an_answer(advise: Advise) -> None:
    code, out, _ = advise(FAST, [*CONTROL, "", "inf"], "--percentile", "0.5")
    assert code == cli.ENABLE
    assert "501 of control" in out


def test_options_reach_the_advisor(advise: Advise) -> None:
    costs = ("--cost", "llm=1", "--cost", "rules=1", "--control-cost", "1")
    code, out, _ = advise(FAST, CONTROL, *costs)
    assert code == cli.DISABLE
    assert "2 times is the line" in out
    assert advise(FAST, CONTROL, *costs, "--most-cost", "3")[0] == cli.ENABLE
    memory = ("--memory", "llm=12", "--memory", "rules=4")
    assert advise(FAST, CONTROL, *memory, "--device", "8")[0] == cli.DISABLE
    assert advise(FAST, CONTROL, "--least-improvement", "0.51")[0] == cli.DISABLE
    assert advise(FAST, CONTROL, "--most-wins", "0.5")[0] == cli.DISABLE
    assert advise(FAST, CONTROL, "--confidence", "0.99999")[0] == cli.INCONCLUSIVE


def test_facts_are_json(advise: Advise) -> None:
    code, out, _ = advise(FEW, CONTROL, "--json")
    facts: dict[str, Any] = json.loads(out)
    assert (code, facts["verdict"]) == (cli.INCONCLUSIVE, "inconclusive")
    assert (facts["more_records"], facts["more_control"]) == (337, 0)


@pytest.mark.parametrize(
    "records, control, options, complaint",
    [
        (None, CONTROL, (), "app.log: No such file or directory"),
        (FAST, None, (), "control.txt: No such file or directory"),
        ([], CONTROL, (), "app.log: there are no records of speculations in it"),
        (FAST, [], (), "control.txt: there are no records of speculations in it"),
        (FAST, [1.0, "fast"], (), "control.txt: line 2: 'fast' is no latency in milliseconds"),
        (FAST, [1.0, -1], (), "-1.0, which is no latency"),
        ([FAST[0], FAST[1].to_line()[:90]], CONTROL, (), "app.log: line 2: the record is"),
        (FAST, CONTROL, ("--percentile", "99"), "percentile=99.0 must be a part between 0 and 1"),
        (FAST, CONTROL, ("--cost", "llm=1", "--control-cost", "1"), "costs= lacks rules"),
        (FAST, CONTROL, ("--cost", "llm=1", "--cost", "llm=2"), "--cost gives 'llm' twice"),
        (FAST, CONTROL, ("--cost", "llm"), "'llm' does not read NAME=X"),
        (FAST, CONTROL, ("--memory", "llm=much"), "'much' of 'llm=much' is no number"),
        ([*FAST, race(0, 1.0, policy="Hedge(1.0)")], CONTROL, (), "of several pipelines"),
    ],
)
def test_what_is_of_no_use_is_named(
    advise: Advise,
    records: Iterable[Any] | None,
    control: Iterable[object] | None,
    options: tuple[str, ...],
    complaint: str,
) -> None:
    code, out, err = advise(records, control, *options)
    assert (code, out) == (cli.UNUSABLE, "")
    assert complaint in err


def test_a_group_for_control_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["advise", "app.log"])
    assert left.value.code == cli.UNUSABLE
    assert "--control" in capsys.readouterr().err


def test_the_command_imports_no_pattern_for_anything_else() -> None:
    program = (
        "import sys, spectest.cli.parser as parser\n"
        "from collections import defaultdict\n"
        "import spectest\n"
        "parser.parser_of('', defaultdict(lambda: None))\n"
        "print([name for name in sys.modules if name.startswith('spectest.patterns')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
