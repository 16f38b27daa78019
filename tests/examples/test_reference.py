"""The tables of the reference say what the code says, links lead somewhere, decisions hold."""

import ast
import dataclasses
import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import spectest
from simulators import arrivals, sweeps
from simulators import cli as simulate
from simulators.cli import judging
from simulators.fit import Account, BranchAccount, Observations, fit, reading
from simulators.results import Requests
from simulators.scenario import Branch, Cost, Limiter, Memory, Pool, Scenario
from spectest import cli, errors, patterns
from spectest.cli.parser import parser_of
from spectest.eventloop.closed_world import REFUSED
from spectest.exploration.results import (
    Confirmation,
    Coverage,
    CoveredFile,
    Failure,
    Margin,
    Point,
    Report,
    Sweep,
    SweepCoverage,
    UnusualLine,
)
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan
from spectest.kernel.trace import TraceEvent
from spectest.patterns.policies import Sequential
from spectest.patterns.record_checks import FIELDS
from spectest.pytest_plugin import options
from spectest.strategies import NAMES
from tests.examples.pages import FENCE, ROOT, pages

REFERENCE = ROOT / "docs" / "reference"
REPORTS = (
    Report,
    Failure,
    Confirmation,
    Margin,
    Coverage,
    CoveredFile,
    UnusualLine,
    Sweep,
    Point,
    SweepCoverage,
)
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
EMITTING = ("emit", "_emit", "_lost", "tell")
ENFORCED_BY = re.compile(r"^Enforced by: test `([^`:]+)::(\w+)`$")


def text(page: str) -> str:
    return (REFERENCE / page).read_text("utf-8")


def rows(markdown: str, heading: str | None = None) -> list[list[str]]:
    """The cells of the table rows below a heading, those of the head left out."""
    if heading is not None:
        _, _, rest = markdown.partition(f"\n## {heading}\n")
        markdown = rest.partition("\n## ")[0]
    lines = [line for line in markdown.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names(markdown: str, heading: str | None = None) -> list[str]:
    """The names in the first column."""
    return [name for row in rows(markdown, heading) for name in re.findall(r"`([^`]+)`", row[0])]


class Parser:
    """Collects what the plugin declares."""

    def __init__(self) -> None:
        self.options: list[str] = []
        self.inis: list[str] = []

    def getgroup(self, *_: str) -> "Parser":
        return self

    def addoption(self, name: str, **_: Any) -> None:
        self.options.append(name)

    def addini(self, name: str, *_: Any, **__: Any) -> None:
        self.inis.append(name)


def test_settings() -> None:
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(text("settings.md"))}
    defaults = {field.name: repr(field.default) for field in dataclasses.fields(Settings)}
    assert {name: table.get(name) for name in defaults} == defaults


def test_strategies() -> None:
    assert sorted(names(text("settings.md"), "Strategies")) == sorted(NAMES)


def test_pytest_options_and_ini() -> None:
    parser = Parser()
    options.add_options(parser)  # type: ignore[arg-type]
    told = [name.partition("=")[0] for name in names(text("pytest.md"), "Options")]
    assert sorted(told) == sorted(parser.options)
    assert sorted(names(text("pytest.md"), "Ini")) == sorted(parser.inis)


def test_exit_codes() -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) ", text("command.md"), re.MULTILINE)]
    assert codes == sorted(
        {cli.CLEAN, cli.FAILED, cli.UNUSABLE, cli.NOT_CONFIRMED, cli.INTERRUPTED}
    )


OF_EXPLORE = ("Options of `explore`", "Rules of an execution")


@pytest.mark.parametrize(
    "command, headings", [("explore", OF_EXPLORE), ("advise", ["Options of `advise`"])]
)
def test_options_of_the_command(command: str, headings: Sequence[str]) -> None:
    page = text("command.md")
    rows_of = [name for heading in headings for name in names(page, heading)]
    told = [name.partition(" ")[0] for name in rows_of if name.startswith("--")]
    nothing: dict[str, object] = defaultdict(lambda: None)
    (commands,) = parser_of("", nothing)._subparsers._group_actions  # type: ignore[union-attr]
    parser: Any = commands
    taken = {name for name in parser.choices[command]._option_string_actions if name[:2] == "--"}
    assert sorted(told) == sorted(taken - {"--help"})


@pytest.mark.parametrize("command", ["run", "verdict", "sweep", "check", "fit", "report"])
def test_options_of_the_simulators(command: str) -> None:
    table = rows(text("simulators-command.md"), f"`{command}`")
    told = {name for row in table for name in re.findall(r"`(--[\w-]+)", row[0])}
    (commands,) = simulate.parser_of()._subparsers._group_actions  # type: ignore[union-attr]
    parser: Any = commands
    taken = {name for name in parser.choices[command]._option_string_actions if name[:2] == "--"}
    assert told == taken - {"--help"}


def test_exit_codes_of_the_simulators() -> None:
    page = text("simulators-command.md")
    codes = [int(code) for code in re.findall(r"^\| (\d+) ", page, re.MULTILINE)]
    answers = {judging.ENABLE, judging.DISABLE, judging.INCONCLUSIVE}
    assert codes == sorted(answers | {simulate.INVALID, simulate.INTERRUPTED})


def test_fields_of_a_record() -> None:
    assert names(text("patterns.md"), "The record") == list(FIELDS)


@pytest.mark.parametrize("kind", [Scenario, Branch, Cost, Memory, Pool, Limiter])
def test_fields_of_a_scenario(kind: type[Any]) -> None:
    table = {
        row[0].strip("`"): row[1].strip("`")
        for row in rows(text("scenarios.md"), f"`{kind.__name__}`")
    }
    expected = {
        field.name: "\u2013" if field.default is dataclasses.MISSING else shown(field.default)
        for field in dataclasses.fields(kind)
    }
    assert table == expected


def shown(default: object) -> str:
    """As one writes it: an object that is all defaults has no arguments."""
    kind: Any = type(default)
    if dataclasses.is_dataclass(default) and default == kind():
        return f"{kind.__name__}()"
    return repr(default).replace("'", '"')


def test_arrivals_and_columns_of_the_simulators() -> None:
    page = text("scenarios.md")
    for row in rows(page, "Arrivals"):
        kind = getattr(arrivals, row[0].strip("`"))
        assert re.findall(r"`(\w+)`", row[1]) == [field.name for field in dataclasses.fields(kind)]
    assert len(rows(page, "Arrivals")) == len(arrivals.__all__) - 1
    assert names(page, "Results") == list(Requests.COLUMNS)


@pytest.mark.parametrize("kind", [Observations, Account, BranchAccount])
def test_columns_of_logs_and_their_account(kind: type[Any]) -> None:
    fields = [field.name for field in dataclasses.fields(kind)]
    assert names(text("fit.md"), f"`{kind.__name__}`") == fields


@pytest.mark.parametrize(
    "form, heading",
    [
        ("csv", "CSV and JSON Lines"),
        ("hdr", "HdrHistogram"),
        ("otlp", "OTLP spans"),
        ("records", "Records"),
    ],
)
def test_what_is_said_of_the_columns_of_a_log(form: str, heading: str) -> None:
    assert sorted(names(text("fit.md"), heading)) == sorted(reading.keywords_of(form))


def test_what_a_scenario_is_fitted_with() -> None:
    parameters = list(inspect.signature(fit).parameters)[1:]
    assert names(text("fit.md"), "`fit`") == [one for one in parameters if one != "fields"]


def test_arguments_of_a_sweep() -> None:
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(text("sweeps.md"), "`run`")}
    parameters = list(inspect.signature(sweeps.run).parameters.values())[2:]
    expected = {
        one.name: "\u2013" if one.default is one.empty else repr(one.default) for one in parameters
    }
    assert table == expected


def test_keys_of_a_row_of_a_sweep(tmp_path: Path) -> None:
    scenario = Scenario([Branch("model", 1.0)], Sequential())
    grid = sweeps.Grid(scenario, {"branches.model.failure": [0.0]})
    (row,) = sweeps.run(grid, tmp_path / "sweep.jsonl", n=10, progress=False)
    page = text("sweeps.md")
    told = [name for key in rows(page, "Rows") for name in re.findall(r"`(\w+)`", key[0])]
    assert told == list(row)
    header = json.loads((tmp_path / "sweep.jsonl").read_text().splitlines()[0])
    assert [name for name in header if f"`{name}`" not in page] == []


def test_errors_and_their_fields() -> None:
    table = {row[0].strip("`"): re.findall(r"`(\w+)`", row[2]) for row in rows(text("errors.md"))}
    for name in errors.__all__:
        fields = list(inspect.get_annotations(getattr(errors, name)))
        assert (name, table.pop(name, None)) == (name, fields)
    assert table == {}


@pytest.mark.parametrize("kind", [*REPORTS, Plan, Hold], ids=lambda kind: kind.__name__)
def test_fields_of_reports(kind: type[Any]) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}
    computed = {key for key, value in vars(kind).items() if isinstance(value, property)}
    assert set(names(text("reports.md"), f"`{kind.__name__}`")) == fields | computed


def emitted_kinds() -> set[str]:
    """The first argument of every call in the package that emits an event."""
    kinds = set()
    for path in (ROOT / "spectest").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr=name) | ast.Name(id=name),
                    args=[ast.Constant(kind), *_],
                ) if name in EMITTING:
                    kinds.add(str(kind))
    return kinds


def test_kinds_and_fields_of_events() -> None:
    fields = [field.name for field in dataclasses.fields(TraceEvent)]
    told = names(text("traces.md"))
    assert sorted(told) == sorted([*emitted_kinds(), *fields])


def test_refused_calls() -> None:
    told = {
        name: (row[1], row[2])
        for row in rows(text("refused-calls.md"))
        for name in re.findall(r"`(\w+)`", row[0])
    }
    assert told == REFUSED


@pytest.mark.parametrize("package, page", [(spectest, "*.md"), (patterns, "patterns.md")])
def test_every_public_name_has_a_place_in_the_reference(package: Any, page: str) -> None:
    reference = "".join(path.read_text("utf-8") for path in REFERENCE.glob(page))
    assert [name for name in package.__all__ if f"`{name}" not in reference] == []


# Links and decisions.


def dead_links(path: Path, markdown: str) -> list[str]:
    prose = FENCE.sub("", markdown)
    found = []
    for target in LINK.findall(prose):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file) if file else path
        if not page.exists() or (anchor and anchor not in anchors(page)):
            found.append(target)
    return found


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def unenforced(lines: Iterable[str]) -> list[str]:
    """The last lines of records that name a test which does not exist."""
    found = []
    for line in lines:
        match = ENFORCED_BY.match(line)
        if match is None:
            continue
        path = ROOT / match[1]
        if not path.exists() or f"def {match[2]}(" not in path.read_text("utf-8"):
            found.append(line)
    return found


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert dead_links(path, path.read_text("utf-8")) == []


def test_every_page_can_be_reached() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    linked = {(ROOT / "docs" / target).resolve() for target in LINK.findall(index)}
    written = {path for path in pages() if "adr" not in path.parts and path.name != "README.md"}
    assert written - linked == {ROOT / "docs" / "index.md"}


def test_decisions_are_numbered_and_enforced() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
    assert unenforced(path.read_text("utf-8").rstrip().splitlines()[-1] for path in RECORDS) == []


# The checks can fail.


def test_a_dead_link_is_found() -> None:
    page = ROOT / "docs" / "index.md"
    markdown = "[a](tutorial.md) [b](absent.md) [c](#how-to) [d](#absent) [e](https://example.org)"
    assert dead_links(page, markdown) == ["absent.md", "#absent"]


def test_a_decision_without_its_test_is_found() -> None:
    here = "tests/examples/test_reference.py"
    real = f"Enforced by: test `{here}::test_settings`"
    absent = f"Enforced by: test `{here}::test_absent`"
    assert unenforced([real, absent, "Enforced by: review"]) == [absent]


def test_the_cells_of_a_table_are_found() -> None:
    page = "# Page\n\n| `a` | 1 |\n\n## Part\n\n| name | what |\n|---|---|\n| `b`, `c` | 2 |\n"
    assert rows(page) == [["`a`", "1"], ["`b`, `c`", "2"]]
    assert names(page, "Part") == ["b", "c"]
