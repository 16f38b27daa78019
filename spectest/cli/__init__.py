"""`spectest explore|sweep|replay|confirm|sample FILE::NAME`: the search without pytest.
`spectest replay-log LOG FILE::NAME`: an invocation of production again, by its record.
`spectest advise RECORDS --control FILE`: does speculating pay, by the records of production?

FILE::NAME, or package.module:name, names a function without parameters in a Python file: a
coroutine function, or one that does its own waiting. A test marked for exploration is one, if it
needs no fixtures; the keywords of its marker or decorator count as defaults.

Exit codes:
  0  explore, sweep: no failure found; replay: no failure shown; confirm: stock asyncio shows it
     too; sample: always; advise: enable it
  1  explore, sweep: a failure was found; replay: the failure was shown; advise: disable it
  2  the command, the file, the name or the token is of no use
  3  confirm: stock asyncio does not show the failure; advise: inconclusive
  130  it was interrupted
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spectest.cli.addresses import load
from spectest.cli.parser import RULES, SEARCH, parser_of
from spectest.errors import UsageError

if TYPE_CHECKING:
    from spectest.exploration.results import Report
    from spectest.exploration.search import Search
    from spectest.exploration.settings import Settings

__all__ = [
    "CLEAN",
    "DISABLE",
    "ENABLE",
    "FAILED",
    "INCONCLUSIVE",
    "INTERRUPTED",
    "NOT_CONFIRMED",
    "UNUSABLE",
    "main",
]

CLEAN, FAILED, UNUSABLE, NOT_CONFIRMED = range(4)
ENABLE, DISABLE, INCONCLUSIVE = CLEAN, FAILED, NOT_CONFIRMED
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    assert __doc__ is not None
    run = {
        "explore": _explore,
        "sweep": _sweep,
        "replay": _replay,
        "confirm": _confirm,
        "sample": _sample,
        "replay-log": _replay_log,
        "advise": _advise,
    }
    options = parser_of(__doc__, run).parse_args(arguments)
    try:
        code: int = options.command(options)
    except UsageError as error:
        print(f"spectest: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt as interrupt:
        print(f"spectest: interrupted{interrupt}", file=sys.stderr)
        return INTERRUPTED
    return code


# The commands.


def _explore(options: argparse.Namespace) -> int:
    from spectest.exploration.search import Search
    from spectest.reporting import text

    program, marked = load(options.program)
    settings = _settings(marked, options)
    search = Search(program, settings, name=options.program)
    try:
        report = search.report()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_until_then(search, settings)) from None
    shown = _shown(report, options) if report.failure else text.summary(report)
    print(json.dumps(_facts(report), indent=2) if options.json else shown)
    if options.report is not None:
        _write(options.report, shown)
    return FAILED if report.failure else CLEAN


def _sweep(options: argparse.Namespace) -> int:
    from spectest.exploration.sweep import Sweeper
    from spectest.reporting import matrix

    program, marked = load(options.program)
    chosen = _asked(options, ("tasks", "kinds"))
    sweeper = Sweeper(program, _settings(marked, options), name=options.program, **chosen)
    sweep = sweeper.sweep()
    failure = sweep.failure
    hint = None if failure is None else _replay_hint(options, failure.token)
    shown = matrix.render(sweep, replay_hint=hint)
    print(shown)
    if options.report is not None:
        _write(options.report, shown)
    return CLEAN if failure is None else FAILED


def _replay(options: argparse.Namespace) -> int:
    _, report = _replayed(options)
    if report.failure is None:
        return CLEAN
    print(_shown(report, options))
    return FAILED


def _confirm(options: argparse.Namespace) -> int:
    from spectest.testing import confirmed

    program, report = _replayed(options)
    if report.failure is None:
        return NOT_CONFIRMED
    failure = confirmed(program, report).failure
    assert failure is not None
    answer = failure.confirmation
    assert answer is not None
    word = "confirmed" if answer.confirmed else "not confirmed"
    print(f"{options.program}: {word} in real time: {answer.reason}")
    return CLEAN if answer.confirmed else NOT_CONFIRMED


def _sample(options: argparse.Namespace) -> int:
    from spectest.exploration.sampling import sample
    from spectest.reporting import text

    program, marked = load(options.program)
    rules = {name: value for name, value in marked.items() if name in (*RULES, "faults", "seed")}
    settings = {**rules, **_asked(options, (*RULES, "seed"))}
    print(text.render(sample(program, requests=options.requests, **settings)))
    return CLEAN


def _replay_log(options: argparse.Namespace) -> int:
    from spectest.cli.recording import facts_of, page_of, record_of, with_record
    from spectest.exploration.execution import needed_parameters
    from spectest.exploration.recorded import replay_record

    record = record_of(options).to_json()
    function, marked = load(options.program, arguments=1)
    rules = {name: value for name, value in marked.items() if name in (*RULES, "faults", "seed")}
    replay = replay_record(
        with_record(function, record),
        record,
        tolerance_ms=options.tolerance_ms,
        **{**rules, **_asked(options, RULES)},
    )
    facts = json.dumps(facts_of(replay), indent=2) if options.json else ""
    alone = None if needed_parameters(function) else options.program
    print(facts or page_of(replay, alone))
    return FAILED if replay.differences else CLEAN


def _advise(options: argparse.Namespace) -> int:
    from spectest.cli.advising import advice_of, page_of

    advice = advice_of(options)
    print(page_of(advice, options))
    codes = {"enable": ENABLE, "disable": DISABLE, "inconclusive": INCONCLUSIVE}
    return codes[advice.verdict]


def _replayed(options: argparse.Namespace) -> tuple[Callable[[], Any], Report]:
    """The program and what the token shows of it; says so if that is nothing."""
    from spectest.testing import replayed

    program, marked = load(options.program)
    settings = _settings(marked, options)
    report = replayed(program, options.token, settings, name=options.program)
    if report.failure is None:
        print(f"{options.program}: nothing fails at the durations of this token")
    return program, report


def _settings(marked: dict[str, Any], options: argparse.Namespace) -> Settings:
    from spectest.exploration.settings import Settings

    return Settings.of({**marked, **_asked(options, RULES + SEARCH)})


def _asked(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The settings that stand on the command line."""
    asked = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in asked.items() if value is not None}


def _until_then(search: Search, settings: Settings) -> str:
    found = (
        "it failed, and the report was in the making" if search.failed else "no failure until then"
    )
    return f" in execution {search.executions:,} of {settings.runs:,}; {found}"


# What is printed.


def _shown(report: Report, options: argparse.Namespace) -> str:
    from spectest.reporting import text

    assert report.failure is not None
    return text.render(report, replay_hint=_replay_hint(options, report.failure.token))


def _replay_hint(options: argparse.Namespace, token: str) -> str:
    words = ["spectest", "replay", options.program, token]
    for name, value in _asked(options, RULES).items():
        option = f"--{name.replace('_', '-')}"
        words += [f"{option}={one}" for one in (value if isinstance(value, list) else [value])]
    return shlex.join(words)


def _facts(report: Report) -> dict[str, Any]:
    from spectest.reporting import covered
    from spectest.reporting.holdups import all_notes

    facts: dict[str, Any] = {
        "program": report.program,
        "executions": report.executions,
        "complete": report.complete,
        "failure": None,
        "confidence": list(report.confidence),
        "notes": list(all_notes(report)),
    }
    if report.margin is not None:
        facts["holds_up_to"] = report.margin.holds_up_to
    if report.coverage is not None:
        facts["coverage"] = covered.record(report.coverage)
    failure = report.failure
    if failure is not None:
        answer = failure.confirmation
        facts["failure"] = {
            "error": type(failure.error).__name__,
            "message": str(failure.error),
            "token": failure.token,
            "order_model": failure.order_model,
            "holds_ns": {name: hold.by_ns for name, hold in failure.plan.holds.items()},
            "found_at": failure.found_at,
            "strategy": failure.strategy,
            "confirmed": None if answer is None else answer.confirmed,
        }
    return facts


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text.rstrip() + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write the report: {error}") from error
