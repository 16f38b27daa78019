"""The options of the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from spectest.cli.advising import add_advice
from spectest.cli.recording import add_replay

__all__ = ["RULES", "SEARCH", "parser_of"]

RULES = (
    "exact",
    "lines",
    "oracles",
    "leaks",
    "drain_s",
    "wall_start",
    "max_steps",
    "max_steps_at_once",
    "max_virtual_s",
)
"""Settings that a replay needs, too."""

SEARCH = (
    "runs",
    "seed",
    "strategy",
    "order",
    "elasticity",
    "stall_s",
    "confirm",
    "margin",
    "database",
    "coverage",
)
"""Those that a search needs only; how long sleeps and stalls take stands in the token."""


def parser_of(description: str, run: Mapping[str, object]) -> argparse.ArgumentParser:
    """The parser. `run`: the function for each command; `options.command` is the one asked for."""
    parser = argparse.ArgumentParser(
        prog="spectest",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = vars(sys.modules["spectest"])["__version__"]
    parser.add_argument("--version", action="version", version=f"spectest {version}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rules = _rules()

    one = commands.add_parser("explore", parents=[rules], help="search the timings for a failure")
    one.add_argument("program", metavar="FILE::NAME")
    _add_search(one)
    one.set_defaults(command=run["explore"])

    one = commands.add_parser("sweep", parents=[rules], help="cancel each task at each await")
    one.add_argument("program", metavar="FILE::NAME")
    _add_sweep(one)
    one.set_defaults(command=run["sweep"])

    for name, purpose in (
        ("replay", "run once on virtual time, as the token says"),
        ("confirm", "the same durations in real time, on stock asyncio and real threads"),
    ):
        one = commands.add_parser(name, parents=[rules], help=purpose)
        one.add_argument("program", metavar="FILE::NAME")
        one.add_argument("token", metavar="TOKEN")
        one.set_defaults(command=run[name])

    one = commands.add_parser("sample", parents=[rules], help="many requests, latencies drawn")
    one.add_argument("program", metavar="FILE::NAME")
    one.add_argument("--requests", type=int, metavar="N", default=10_000, help="how many (10000)")
    one.add_argument("--seed", type=int, metavar="N", help="seed of the draws")
    one.set_defaults(command=run["sample"])

    one = commands.add_parser(
        "replay-log", parents=[rules], help="run an invocation of production again, by its record"
    )
    add_replay(one)
    one.set_defaults(command=run["replay-log"])

    one = commands.add_parser("advise", help="does speculating pay, by records of production?")
    add_advice(one)
    one.set_defaults(command=run["advise"])
    return parser


def _add_search(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--runs", type=int, metavar="N", help="executions at most")
    add("--seed", type=int, metavar="N", help="seed of the search")
    add("--order", choices=("strict", "ties", "any"), help="what may vary")
    add("--strategy", metavar="NAME", help="who chooses (portfolio)")
    add("--elasticity", type=float, metavar="X", help="how far sleeps stretch (0.1: 10 %%)")
    add("--stall-s", type=float, metavar="S", help="how late threads may wake, in all")
    add("--margin", action="store_true", default=None, help="if clean: how far may sleeps stretch?")
    add(
        "--database",
        action="store_true",
        default=None,
        help="keep failures in .spectest/ and try them first",
    )
    add(
        "--coverage",
        action="store_true",
        default=None,
        help="which lines run only under an unusual order?",
    )
    add("--json", action="store_true", help="print facts instead of the report")
    _add_output(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--no-confirm",
        dest="confirm",
        action="store_false",
        help="do not try the failure in real time",
    )
    add("--report", metavar="PATH", type=Path, help="write the report there too")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--tasks",
        action="append",
        metavar="NAME",
        help="only at the awaits of these, a name or pattern; may be given several times",
    )
    add(
        "--kinds",
        action="append",
        metavar="KIND",
        help="before, at, after, caller or timeout; may be given several times",
    )
    add("--seed", type=int, metavar="N", help="seed of the program's own random numbers")
    _add_output(parser)


def _rules() -> argparse.ArgumentParser:
    rules = argparse.ArgumentParser(add_help=False)
    add = rules.add_argument_group("rules of an execution").add_argument
    add(
        "--exact",
        action="append",
        metavar="MODULE",
        help="its sleeps never stretch; may be given several times",
    )
    add(
        "--lines",
        action="append",
        metavar="MODULE",
        help="each of its lines is a choice point; may be given several times",
    )
    add(
        "--oracles",
        action="append",
        metavar="NAME",
        help="judges each execution; may be given several times",
    )
    add("--leaks", choices=("error", "ignore"), help="whether leaving tasks behind is a failure")
    add("--drain-s", type=float, metavar="S", help="how long tasks may go on after the return")
    add("--wall-start", metavar="INSTANT", help="where the wall clock begins, in ISO 8601")
    add("--max-steps", type=int, metavar="N", help="callbacks and choice points at most")
    add("--max-steps-at-once", type=int, metavar="N", help="the same within one instant")
    add("--max-virtual-s", type=float, metavar="S", help="virtual seconds at most")
    return rules
