"""`python -m simulators run`: every measure, beside its control and the exact answer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators import checks
from simulators.cli.checking import anew, form_of, pipeline_of
from simulators.cli.parser import (
    Commands,
    add_draws,
    add_output,
    add_scenario,
    emit,
    names_in,
    plottable,
    read,
    writable,
)
from simulators.errors import ScenarioError
from simulators.scenario import Scenario

if TYPE_CHECKING:
    from simulators.appointments import Event
    from simulators.results import Requests
    from simulators.what_if import Simulate, WhatIf

__all__ = ["add"]


def add(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser("run", help="measure a scenario and its control")
    add_scenario(parser)
    option = parser.add_argument
    option(
        "--engine",
        choices=("exact", "events", "fast", "live"),
        default="fast",
        help="who answers: formulas, one event after the other, arrays, or real code (fast)",
    )
    option(
        "--code",
        metavar="MODULE:FUNCTION",
        help="your pipeline for --engine live; without it, spectest.patterns.speculate",
    )
    add_draws(parser, "100,000; of events and live 20,000; with --precision at most 10,000,000")
    option(
        "--precision",
        metavar="[MEASURE=]SHARE",
        help="simulate until half the interval is this share of the value, of the mean unless said",
    )
    option(
        "--measures",
        metavar="NAMES",
        help="some, with commas between: mean, p50, p99.9, cost, ... (all)",
    )
    add_output(parser, "text", "json", "csv")
    option("--plot", metavar="FILE", type=Path, help="draw who waits how long, as SVG or PNG")
    option(
        "--trace",
        type=int,
        metavar="N",
        help="add what happened to the first N requests; --engine events or live",
    )
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    scenario = read(options)
    _check(options)
    precision = None if options.precision is None else _precision(options.precision)
    measures = names_in(options.measures or "")
    from simulators import what_if

    found = what_if.ask(
        scenario,
        options.engine,
        options.n,
        options.seed,
        precision=precision,
        measures=measures,
        simulate=_simulate(options, scenario),
    )
    content = _content(found, options)
    if options.plot is not None:
        from simulators import plots

        plots.save(plots.survival(found), options.plot)
    emit(content, options.output_file)
    return 0


def _check(options: argparse.Namespace) -> None:
    """What can be known to be of no use before anything is simulated."""
    if options.trace is not None:
        checks.count("--trace", options.trace, "number of requests")
        if options.engine not in ("events", "live"):
            why, remedy = "is asked of an engine that writes nothing down", "add --engine events"
            raise ScenarioError("--trace", options.trace, why, remedy)
        if options.output == "csv":
            remedy = "use --output text or json"
            raise ScenarioError("--trace", options.trace, "has no columns in CSV", remedy)
    if options.precision is not None and options.engine == "exact":
        why, remedy = "is asked of what is not simulated", "leave it out, or use another --engine"
        raise ScenarioError("--precision", options.precision, why, remedy)
    if options.code is not None and options.engine != "live":
        why, remedy = "is asked of an engine that runs no code", "add --engine live"
        raise ScenarioError("--code", options.code, why, remedy)
    if options.output_file is not None:
        writable("--output-file", options.output_file)
    if options.plot is not None:
        plottable("--plot", options.plot)
        if options.engine == "exact":
            why, remedy = "shows what was simulated", "use another --engine; it has the exact curve"
            raise ScenarioError("--plot", str(options.plot), why, remedy)


def _precision(text: str) -> tuple[str, float]:
    measure, _, number = text.rpartition("=")
    try:
        return measure or "mean", float(number)
    except ValueError:
        remedy = "use one such as 0.05, or p99=0.05"
        raise ScenarioError("--precision", text, "is no share of a value", remedy) from None


def _simulate(options: argparse.Namespace, scenario: Scenario) -> Simulate | None:
    """What runs the code, or writes down what happens, in the scenario itself; or neither."""
    seed = options.seed
    if options.engine == "live":
        from simulators import live

        code = None if options.code is None else pipeline_of("--code", options.code)
        form = "coroutines" if code is None else form_of(code)

        def run(asked: Scenario, n: int) -> Requests:
            ours = asked is scenario
            trace = ours and bool(options.trace)
            pipeline = anew(code) if ours and code is not None else None
            return live.run(asked, n, seed, pipeline, form=form, trace=trace)

        return run
    if options.trace:
        from simulators import events

        return lambda asked, n: events.run(asked, n, seed, trace=asked is scenario)
    return None


def _content(found: WhatIf, options: argparse.Namespace) -> str:
    from simulators.output import data, text

    logged = _logged(found, options.trace or 0)
    if options.output == "csv":
        return data.csv_of(found)
    if options.output == "json":
        facts = data.data_of(found)
        if options.trace:
            facts["events"] = [event._asdict() for event in logged]
        return data.dumps(facts)
    page = text.render(found, options.scenario.name)
    return "\n".join([page, *(["", *text.log(logged)] if logged else [])]) + "\n"


def _logged(found: WhatIf, first: int) -> Sequence[Event]:
    requests: Any = found.requests
    return [event for event in requests.events if event.request < first] if first else []
