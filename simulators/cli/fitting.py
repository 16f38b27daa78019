"""`python -m simulators fit`: a scenario from what production has logged."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators import checks
from simulators.cli.parser import Commands, names_in, writable
from simulators.cli.remedies import in_options
from simulators.errors import ScenarioError
from simulators.scenario import Scenario

if TYPE_CHECKING:
    from simulators.fit import Fitted

__all__ = ["add"]

_MAPPING = (
    ("unit", "UNIT", "of times: s, ms, us or ns"),
    ("branch", "COLUMN", "a row is an attempt, and this has the name of its branch"),
    ("request", "COLUMN", "what the attempts of one request have in common"),
    ("latency", "COLUMN", "the time of a branch, such as {branch}_ms (the branch's name; latency)"),
    ("outcome", "COLUMN", "how an attempt ended: valid, failed, timed out, cancelled, ..."),
    ("valid", "COLUMN", "whether its answer was valid"),
    ("launched", "COLUMN", "when it was launched, after the request"),
    ("start", "COLUMN", "the moment of the request"),
    ("start-unit", "UNIT", "of moments: iso, s, ms, us or ns (iso)"),
    ("delimiter", "TEXT", "between the cells of CSV (a comma)"),
    ("parent", "NAME", "the spans that are requests"),
    ("losers", "HOW", "of spans: as logged, or cancelled if they ended after the answer"),
    ("malformed", "HOW", "rows that make no sense are refused or dropped (refused)"),
)
_FITTING = (
    ("dependence", "HOW", "paired or independent (paired where all branches ended)"),
    ("arrivals", "HOW", "trace or poisson, by the moments of the log (none)"),
)
_ALIKE = (
    "branches",
    "format",
    "model",
    "most",
    "upto",
    *(name for name, *_ in _MAPPING + _FITTING),
)
_OPTIONS = {name.replace("-", "_"): f"--{name}" for name in _ALIKE} | {
    "order": "--branches",
    "timeouts": "--timeout",
    "words": "--word",
}
"""The options by the keywords of `fit.read` and `fit.fit`."""


def add(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser("fit", help="make a scenario of a log")
    option = parser.add_argument
    option("log", metavar="LOG", type=Path, help="CSV, JSONL, HdrHistogram, OTLP-JSON, or records")
    option(
        "-o", "--output-file", metavar="FILE", type=Path, required=True, help="FILE.toml or .json"
    )
    option("--format", metavar="NAME", help="csv, jsonl, hdr, otlp or records (as it looks)")
    group = parser.add_argument_group("what the log means")
    group.add_argument(
        "--branches", metavar="NAMES", help="with commas between; NAME=SOURCE if called otherwise"
    )
    for name, metavar, purpose in _MAPPING:
        group.add_argument(f"--{name}", metavar=metavar, help=purpose)
    group.add_argument(
        "--word", action="append", metavar="WORD=OUTCOME", help="what a word of yours means"
    )
    group.add_argument(
        "--where", action="append", metavar="COLUMN=VALUE", help="only such rows; or LOW..HIGH"
    )
    group = parser.add_argument_group("the scenario")
    group.add_argument(
        "--policy",
        metavar="KIND[:FIELD=VALUE,...]",
        help="such as Hedge:delay=p95 or EagerRace (as the records say)",
    )
    group.add_argument(
        "--model",
        metavar="NAMES",
        help="a distribution such as LogNormal, or BRANCH=NAME,... (as measured)",
    )
    for name, metavar, purpose in _FITTING:
        group.add_argument(f"--{name}", metavar=metavar, help=purpose)
    group.add_argument(
        "--timeout", action="append", metavar="BRANCH=S", help="seconds; none for no timeout"
    )
    group.add_argument(
        "--upto", type=float, metavar="P", help="the quantile to which latencies are known (0.99)"
    )
    group.add_argument("--most", type=int, metavar="N", help="rows or times kept (100,000)")
    parser.set_defaults(command=_fit)


@in_options(_OPTIONS)
def _fit(options: argparse.Namespace) -> int:
    writable("--output-file", options.output_file, (".toml", ".json"))
    policy = None if options.policy is None else _policy(options.policy)
    fitting = _fields(options)
    fitted = _fitted(options, policy is not None, fitting)
    scenario = fitted.scenario if policy is None else _with_policy(fitted.scenario, policy)
    from simulators import provenance
    from simulators.output.scenarios import text_of
    from simulators.output.text import origin
    from simulators.output.writing import write

    made = provenance.of(scenario, "fit", 0, fitted.account.requests)
    write(
        options.output_file, text_of(scenario, options.output_file, f"{options.log.name}: {made}")
    )
    print(fitted.account, *origin(made), sep="\n")
    return 0


def _fitted(options: argparse.Namespace, asked: bool, fitting: dict[str, Any]) -> Fitted:
    from simulators import fit
    from spectest.patterns.policies import Sequential

    try:
        log = fit.read(options.log, options.format, **_mapping(options))
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        raise ScenarioError("LOG", str(options.log), why, "name a file that is there") from None
    if log.policy is None and not asked:
        remedy = "use one such as --policy Hedge:delay=p95"
        raise ScenarioError("--policy", None, "is not in the log", remedy)
    return fit.fit(log, Sequential() if asked else None, **fitting)


def _mapping(options: argparse.Namespace) -> dict[str, Any]:
    """What the log means, as `fit.read` takes it."""
    found = {name.replace("-", "_"): getattr(options, name.replace("-", "_")) for name, *_ in
             _MAPPING}  # fmt: skip
    if options.branches is not None:
        names = names_in(options.branches)
        found["branches"] = _named("--branches", names) if "=" in options.branches else names
    if options.word is not None:
        found["words"] = _named("--word", options.word)
    if options.where is not None:
        found["where"] = _named("--where", options.where, _range)
    return {name: value for name, value in found.items() if value is not None}


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    """How the scenario is made, as `fit.fit` takes it."""
    found: dict[str, Any] = {name: getattr(options, name) for name, *_ in _FITTING}
    found |= {"most": options.most, "upto": options.upto}
    if options.model is not None:
        by_branch = "=" in options.model
        found["model"] = _named("--model", names_in(options.model)) if by_branch else options.model
    if options.timeout is not None:
        found["timeouts"] = _named("--timeout", options.timeout, _seconds)
    return {name: value for name, value in found.items() if value is not None}


def _named(option: str, pairs: Sequence[str], read: Callable[[str], Any] = str) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ScenarioError(option, pair, "does not read NAME=VALUE", f"use {pair}=...")
        if name in named:
            raise ScenarioError(option, pair, f"names {name!r} again", "name it once")
        named[name] = read(value)
    return named


def _range(text: str) -> Any:
    low, dots, high = text.partition("..")
    try:
        return [float(low), float(high)] if dots else text
    except ValueError:
        return text


def _seconds(text: str) -> float | None:
    if text == "none":
        return None
    try:
        return checks.seconds("--timeout", float(text))
    except ValueError:
        remedy = "use seconds, such as llm=2.5, or none"
        raise ScenarioError("--timeout", text, "is no duration", remedy) from None


def _policy(text: str) -> dict[str, Any]:
    """`Hedge:delay=p95,most=2` as a scenario has it."""
    from simulators.sweeps.axes import parse
    from simulators.sweeps.derived import with_quantile

    kind, _, rest = text.partition(":")
    fields = _named("--policy", names_in(rest), lambda value: parse("--policy", value).values[0])
    return {"kind": kind, **{name: with_quantile(value) for name, value in fields.items()}}


def _with_policy(scenario: Scenario, policy: dict[str, Any]) -> Scenario:
    from simulators import files

    data = files.to_data(scenario)
    order = {name: value for name, value in data["policy"].items() if name == "branches"}
    return files.from_data({**data, "policy": {**policy, **order}})
