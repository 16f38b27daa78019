"""`python -m simulators verdict`: enable, disable or inconclusive, with what every rule says."""

from __future__ import annotations

import argparse

from simulators.cli.parser import (
    Commands,
    add_draws,
    add_output,
    add_scenario,
    emit,
    names_in,
    read,
    writable,
)

__all__ = ["DISABLE", "ENABLE", "INCONCLUSIVE", "add"]

ENABLE, DISABLE, INCONCLUSIVE = range(3)

_LINES = (
    ("threshold", "P", "a smaller improvement is too little, as a part of 1 (0.15)"),
    ("most-wins", "P", "a branch of an eager race that is first more often wastes others (0.85)"),
    ("most-cost", "X", "so many times the cost of control is too dear (2)"),
    ("level", "P", "how sure the intervals are (0.95)"),
)


def add(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser("verdict", help="is speculating worth it here?")
    add_scenario(parser)
    add_draws(parser, "100,000")
    option = parser.add_argument
    option(
        "--percentiles",
        metavar="NAMES",
        help="where the improvement is shown; the last one decides (p50,p99)",
    )
    for name, metavar, purpose in _LINES:
        option(f"--{name}", type=float, metavar=metavar, help=purpose)
    option(
        "--engine",
        choices=("auto", "fast", "events"),
        default="auto",
        help="auto: formulas where there are some, and simulation by fast (auto)",
    )
    add_output(parser, "text", "json")
    parser.set_defaults(command=_verdict)


def _verdict(options: argparse.Namespace) -> int:
    scenario = read(options)
    if options.output_file is not None:
        writable("--output-file", options.output_file)
    from simulators.output import data
    from simulators.verdict import judge

    lines = [name.replace("-", "_") for name, *_ in _LINES]
    asked = {name: getattr(options, name) for name in lines if getattr(options, name) is not None}
    if options.percentiles is not None:
        asked["percentiles"] = names_in(options.percentiles)
    verdict = judge(scenario, n=options.n, seed=options.seed, engine=options.engine, **asked)
    as_json = options.output == "json"
    emit(data.dumps(verdict.to_data()) if as_json else f"{verdict}\n", options.output_file)
    return {"enable": ENABLE, "disable": DISABLE, "inconclusive": INCONCLUSIVE}[verdict.answer]
