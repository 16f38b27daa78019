"""`python -m simulators report`: one page of HTML that needs nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from simulators.cli.parser import Commands, add_draws, add_scenario, plots_installed, read, writable
from simulators.errors import ScenarioError

if TYPE_CHECKING:
    from simulators.curves import Curve
    from simulators.output.pages import Picture
    from simulators.scenario import Scenario
    from simulators.what_if import WhatIf

__all__ = ["add"]

T = TypeVar("T")

_OF_CURVES = 20_000


def add(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser("report", help="write all of it on one page of HTML, with plots")
    add_scenario(parser)
    parser.add_argument(
        "-o", "--output-file", metavar="FILE", type=Path, required=True, help="where, FILE.html"
    )
    add_draws(parser, "100,000; for each point of a curve 20,000 or fewer")
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> int:
    scenario = read(options)
    writable("--output-file", options.output_file, (".html", ".htm"))
    from simulators import curves, what_if
    from simulators.output import pages
    from simulators.output.writing import write

    found = what_if.ask(scenario, "fast", options.n, options.seed)
    n = min(found.provenance.n, _OF_CURVES)
    along = [curves.hedge_delays(scenario, n=n, seed=options.seed)]
    along.append(curves.loads(scenario, n=n, seed=options.seed))
    plots = plots_installed()
    page = pages.render(
        found,
        options.scenario.name,
        verdict=_verdict(scenario, options),
        survival=_drawn(_survival, found) if plots else None,
        curves=[(curve, _drawn(_picture, curve) if plots else None) for curve in along if curve],
        plots=plots,
    )
    write(options.output_file, page)
    return 0


def _verdict(scenario: Scenario, options: argparse.Namespace) -> tuple[str, str]:
    """The answer in a word, and all of it; or why there is none."""
    from simulators.verdict import judge

    try:
        verdict = judge(scenario, n=options.n, seed=options.seed)
    except ScenarioError as error:
        return "none", str(error)
    return verdict.answer, str(verdict)


def _drawn(draw: Callable[[T], Picture], what: T) -> Picture | None:
    """The picture; None where nobody was answered, so that there is nothing to draw."""
    try:
        return draw(what)
    except ScenarioError:
        return None


def _survival(found: WhatIf) -> Picture:
    from simulators import plots
    from simulators.output.pages import Picture

    alt = "Share of requests that take longer than t, speculative and control, on log scale"
    return Picture(plots.drawn(plots.survival(found)), alt)


def _picture(curve: Curve) -> Picture:
    from simulators import plots
    from simulators.output.pages import Picture

    if curve.axis == "hedge":
        return Picture(plots.drawn(plots.tradeoff(curve)), "p99 of each hedge delay by extra work")
    return Picture(plots.drawn(plots.load(curve)), "p99 by load, speculative and control")
