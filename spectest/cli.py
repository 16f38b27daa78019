"""`spectest explore|replay|confirm FILE::NAME`: the search without pytest.

FILE::NAME, or package.module:name, names a function without parameters in a Python file: a
coroutine function, or one that does its own waiting. A test marked for exploration is one, if it
needs no fixtures; the keywords of its marker or decorator count as defaults.

Exit codes:
  0  explore: no failure found; replay: no failure shown; confirm: stock asyncio shows it too
  1  explore: a failure was found; replay: the failure was shown
  2  the command, the file, the name or the token is of no use
  3  confirm: stock asyncio does not show the failure
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from spectest.errors import UsageError

if TYPE_CHECKING:
    from spectest.exploration.results import Report
    from spectest.exploration.settings import Settings

__all__ = ["CLEAN", "FAILED", "NOT_CONFIRMED", "UNUSABLE", "main"]

CLEAN, FAILED, UNUSABLE, NOT_CONFIRMED = range(4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.command(options)
    except UsageError as error:
        print(f"spectest: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="spectest",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explore = commands.add_parser("explore", help="search the timings for a failure")
    explore.add_argument("program", metavar="FILE::NAME")
    explore.add_argument("--runs", type=int, metavar="N", help="executions at most")
    explore.add_argument("--seed", type=int, metavar="N", help="seed of the search")
    explore.add_argument("--order", choices=("strict", "ties", "any"), help="what may vary")
    explore.add_argument(
        "--elasticity", type=float, metavar="X", help="how far sleeps stretch (0.1: 10 %%)"
    )
    explore.add_argument(
        "--margin", action="store_true", default=None, help="if clean: how far may sleeps stretch?"
    )
    explore.add_argument(
        "--no-confirm",
        dest="confirm",
        action="store_false",
        help="do not try the failure in real time",
    )
    explore.add_argument("--json", action="store_true", help="print facts instead of the report")
    explore.add_argument("--report", metavar="PATH", type=Path, help="write the report there too")
    explore.set_defaults(command=_explore)

    for name, command, purpose in (
        ("replay", _replay, "run once on virtual time, as the token says"),
        ("confirm", _confirm, "the same durations in real time, on stock asyncio and real threads"),
    ):
        one = commands.add_parser(name, help=purpose)
        one.add_argument("program", metavar="FILE::NAME")
        one.add_argument("token", metavar="TOKEN")
        one.set_defaults(command=command)
    return parser


# The commands.


def _explore(options: argparse.Namespace) -> int:
    from spectest.exploration.search import Search
    from spectest.reporting import text

    program, marked = _load(options.program)
    asked = {
        name: getattr(options, name)
        for name in ("runs", "seed", "order", "elasticity", "margin", "confirm")
    }
    settings = _settings({**marked, **{k: v for k, v in asked.items() if v is not None}})
    report = Search(program, settings, name=options.program).report()
    shown = _shown(report, options.program) if report.failure else text.summary(report)
    print(json.dumps(_facts(report), indent=2) if options.json else shown)
    if options.report is not None:
        _write(options.report, shown)
    return FAILED if report.failure else CLEAN


def _replay(options: argparse.Namespace) -> int:
    from spectest.testing import replayed

    program, marked = _load(options.program)
    report = replayed(program, options.token, _settings(marked), name=options.program)
    if report.failure is None:
        print(f"{options.program}: nothing fails at the durations of this token")
        return CLEAN
    print(_shown(report, options.program))
    return FAILED


def _confirm(options: argparse.Namespace) -> int:
    from spectest.testing import confirmed, replayed

    program, marked = _load(options.program)
    report = replayed(program, options.token, _settings(marked), name=options.program)
    if report.failure is None:
        print(f"{options.program}: nothing fails at the durations of this token")
        return NOT_CONFIRMED
    failure = confirmed(program, report).failure
    assert failure is not None
    answer = failure.confirmation
    assert answer is not None
    word = "confirmed" if answer.confirmed else "not confirmed"
    print(f"{options.program}: {word} in real time: {answer.reason}")
    return CLEAN if answer.confirmed else NOT_CONFIRMED


def _settings(given: dict[str, Any]) -> Settings:
    from spectest.exploration.settings import Settings

    return Settings.of(given)


# What is printed.


def _shown(report: Report, program: str) -> str:
    from spectest.reporting import text

    assert report.failure is not None
    command = f"spectest replay {shlex.quote(program)} {report.failure.token}"
    return text.render(report, replay_hint=command)


def _facts(report: Report) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "program": report.program,
        "executions": report.executions,
        "complete": report.complete,
        "failure": None,
        "confidence": list(report.confidence),
    }
    if report.margin is not None:
        facts["holds_up_to"] = report.margin.holds_up_to
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


# FILE::NAME.


def _load(address: str) -> tuple[Callable[[], Any], dict[str, Any]]:
    """The function, and the keywords of its marker or decorator."""
    from spectest.testing import marking_of

    place, separator, name = address.partition("::" if "::" in address else ":")
    if not separator or not place or not name:
        raise UsageError(f"{address!r} does not read FILE::NAME or package.module:name")
    function = _find(_module(place), name, address)
    marked: dict[str, Any] = {}
    for mark in getattr(function, "pytestmark", []):
        if getattr(mark, "name", "") == "spectest":
            marked = {**mark.kwargs, **marked}
    marking = marking_of(function)
    if marking is not None:
        function, marked = marking.function, {**marking.settings, **marked}
    _check_signature(function, address)
    return function, marked


def _find(module: ModuleType, name: str, address: str) -> Callable[..., Any]:
    found: Any = module
    for part in name.replace("::", ".").split("."):
        if not hasattr(found, part):
            raise UsageError(f"{address}: there is no {name!r} in {module.__name__}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"{address}: {name!r} is {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]


def _check_signature(function: Callable[..., Any], address: str) -> None:
    if hasattr(function, "hypothesis"):
        raise UsageError(f"{address} is a Hypothesis test; run it with pytest")
    needed = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise UsageError(
            f"{address} needs {', '.join(needed)}; explore a function without parameters, "
            "or run a test that takes fixtures with pytest"
        )


def _module(place: str) -> ModuleType:
    path = Path(place)
    if place.endswith(".py") and not path.is_file():
        raise UsageError(f"there is no file {place}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        return _imported_file(path.resolve())
    except (Exception, SystemExit) as error:
        raise UsageError(f"cannot import {place}: {type(error).__name__}: {error}") from error


def _imported_file(path: Path) -> ModuleType:
    """The module of a file: as `python FILE` sees it, or as a member of the packages around it."""
    parts = [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    sys.path.insert(0, str(folder))
    if len(parts) > 1:
        return importlib.import_module(".".join(parts))
    # Under a name that no module of the standard library or of a package has taken.
    name = path.stem if path.stem not in sys.modules else f"{path.stem} ({path})"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
