"""`python -m simulators run SCENARIO`: what requests take and cost, with and without speculation.
`python -m simulators verdict SCENARIO`: is speculating worth it here?
`python -m simulators sweep SCENARIO --hedge p50..p99:20 --output FILE.jsonl`: many variants of it.
`python -m simulators check SCENARIO [--code MODULE:FUNCTION]`: do engines, model and code agree?
`python -m simulators fit LOG -o SCENARIO.toml`: a scenario from what production has logged.
`python -m simulators report SCENARIO -o FILE.html`: all of it on one page, with plots.

SCENARIO is a file in TOML or JSON.

Exit codes:
  0    done; verdict: enable; check: all agree
  1    verdict: disable; check: something differs
  2    verdict: inconclusive
  3    the command, the scenario or another file is of no use; stderr has one line that says what
  130  it was interrupted
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from simulators.cli import checking, fitting, judging, reporting, running, sweeping
from simulators.cli.parser import INVALID, Parser
from simulators.errors import ScenarioError

__all__ = ["INTERRUPTED", "INVALID", "main", "parser_of"]

INTERRUPTED = 130

_COMMANDS = (running, judging, sweeping, checking, fitting, reporting)


def parser_of() -> Parser:
    """The parser; `options.command` is the function of the command that is asked for."""
    parser = Parser(prog="python -m simulators", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parser_of().parse_args(arguments)
    try:
        code: int = options.command(options)
    except ScenarioError as error:
        print(f"simulators: {error}", file=sys.stderr)
        return INVALID
    except KeyboardInterrupt as interrupt:
        print(f"simulators: interrupted{interrupt}", file=sys.stderr)
        return INTERRUPTED
    return code
