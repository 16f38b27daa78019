"""`python -m simulators sweep`: a grid of scenarios, a row for each, in a file that resumes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators import checks
from simulators.cli.parser import (
    Commands,
    add_draws,
    add_scenario,
    checked_draws,
    data_of,
    names_in,
    plottable,
    writable,
)
from simulators.cli.remedies import in_options
from simulators.errors import ScenarioError

if TYPE_CHECKING:
    from simulators.provenance import Provenance
    from simulators.sweeps import Axis, Grid, Row

__all__ = ["add"]

_N = 20_000


def add(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "sweep",
        help="many variants of a scenario",
        epilog="VALUES: 10,20 or immediate,never; 1..5; 0.3..0.95:14 for 14 evenly spaced ones; "
        "p50..p99:20 for quantiles of the latency. The axis that is named last changes fastest, in "
        "the order --axis, --pool, --load, --hedge.",
    )
    add_scenario(parser)
    option = parser.add_argument
    option(
        "--axis",
        action="append",
        default=[],
        metavar="PATH=VALUES",
        help="a field such as branches.llm.cancel; may be given several times",
    )
    option("--hedge", metavar="VALUES", help="the delay of the policy, in seconds or as quantile")
    option("--load", metavar="VALUES", help="work offered to the busiest pool, by the arrivals")
    option("--pool", metavar="VALUES", help="how many servers the pool has")
    option("--output", metavar="FILE", type=Path, required=True, help="FILE.jsonl, a row a line")
    add_draws(parser, "20,000 at each point")
    option("--replications", type=int, metavar="N", default=1, help="seeds for each point (1)")
    option("--measures", metavar="NAMES", help="some, with commas between (all)")
    option(
        "--refused",
        choices=("error", "row"),
        default="error",
        help="whether a point that makes no sense ends the sweep or is a row with the reason",
    )
    _add_doing(parser)
    parser.set_defaults(command=_sweep)


def _add_doing(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option(
        "--engine-pool",
        metavar="POOL",
        default="processes",
        help="who works: processes, none (this process), dask://HOST:PORT or dask:// (processes)",
    )
    option("--workers", type=int, metavar="N", help="how many processes (one for each core)")
    option("--no-progress", action="store_true", help="do not tell how far it is")
    option("--anew", action="store_true", help="replace what another sweep has left in FILE")
    option("--csv", metavar="FILE", type=Path, help="write the rows there as CSV, too")
    option(
        "--plot",
        metavar="FILE",
        type=Path,
        help="draw the only axis, --hedge or --load; SVG or PNG",
    )


@in_options({"resume": "--anew"})
def _sweep(options: argparse.Namespace) -> int:
    checked_draws(options)
    checks.count("--replications", options.replications, "number of runs")
    scenario = data_of(options.scenario)
    axes = _axes(options, scenario)
    _check_places(options, axes)
    from simulators import sweeps
    from simulators.output import rows as shown
    from simulators.output.writing import write

    grid = sweeps.Grid(scenario, axes, refused=options.refused)
    n = _N if options.n is None else options.n
    rows = _made(options, grid, n)
    made = _provenance(grid, rows, options.seed, n)
    if options.csv is not None:
        write(options.csv, shown.csv_of(rows))
    if options.plot is not None:
        _plot(options.plot, axes[0].name, rows, made)
    print(shown.render(rows, made, [axis.name for axis in axes]))
    return 0


def _axes(options: argparse.Namespace, scenario: Any) -> list[Axis]:
    from simulators.sweeps.axes import parse

    axes = []
    for text in options.axis:
        name, equals, values = text.partition("=")
        if not equals or not name:
            remedy = "use one such as branches.llm.cancel=immediate,never"
            raise ScenarioError("--axis", text, "is no PATH=VALUES", remedy)
        axes.append(parse(name, values))
    if options.pool is not None:
        axes.append(parse(f"pools.{_pool(options.pool, scenario)}.capacity", options.pool))
    named = {"load": options.load, "hedge": options.hedge}
    axes += [parse(name, values) for name, values in named.items() if values is not None]
    if not axes:
        raise ScenarioError("--axis", None, "is missing", "add --axis, --hedge, --load or --pool")
    return axes


def _pool(values: str, scenario: Any) -> str:
    pools = scenario.get("pools") if isinstance(scenario, dict) else None
    names = [pool.get("name") for pool in pools or [] if isinstance(pool, dict)]
    if len(names) != 1:
        why = f"is for the only pool, and the scenario has {len(names)}"
        remedy = f"use --axis pools.NAME.capacity={values}"
        raise ScenarioError("--pool", values, why, remedy)
    return str(names[0])


def _check_places(options: argparse.Namespace, axes: Sequence[Axis]) -> None:
    writable("--output", options.output, (".jsonl",))
    if options.csv is not None:
        writable("--csv", options.csv, (".csv",))
    if options.plot is not None:
        plottable("--plot", options.plot)
        measures = names_in(options.measures or "")
        needed = not measures or {"p50", "p99", "work"} <= set(measures)
        alone = len(axes) == 1 and axes[0].name in ("hedge", "load") and options.replications == 1
        if not alone or not needed:
            why = "shows p99 and work along --hedge or --load alone"
            remedy = "leave out other axes, --replications and --measures"
            raise ScenarioError("--plot", str(options.plot), why, remedy)


def _made(options: argparse.Namespace, grid: Grid, n: int) -> list[Row]:
    from simulators import sweeps

    shared = any(point.scenario is not None and point.scenario.shares for point in grid.points)
    try:
        return sweeps.run(
            grid,
            options.output,
            n=n,
            seed=options.seed,
            replications=options.replications,
            warmup=n // 10 if shared else 0,
            measures=names_in(options.measures) if options.measures else None,
            pool=_crew(options),
            progress=not options.no_progress,
            resume=not options.anew,
        )
    except KeyboardInterrupt:
        told = f"; the rows so far are in {options.output}.part, and the same command goes on"
        raise KeyboardInterrupt(told) from None


def _crew(options: argparse.Namespace) -> Any:
    kind, workers = options.engine_pool, options.workers
    if workers is not None:
        checks.count("--workers", workers, "number of processes")
        if kind != "processes":
            remedy = "leave it out, or use --engine-pool processes"
            raise ScenarioError("--workers", workers, f"is not for {kind}", remedy)
        return workers
    if kind not in ("none", "processes") and not kind.startswith("dask://"):
        remedy = "use processes, none or dask://HOST:PORT"
        raise ScenarioError("--engine-pool", kind, "is not known", remedy)
    return None if kind == "none" else kind


def _provenance(grid: Grid, rows: Sequence[Row], seed: int, n: int) -> Provenance:
    from simulators import provenance

    engines = {row["provenance"]["engine"] for row in rows if row["refused"] is None}
    told = ", ".join(sorted(engines))
    return provenance.Provenance(grid.hash, told, seed, n, provenance.versions())


def _plot(place: Path, axis: str, rows: Sequence[Row], made: Provenance) -> None:
    from simulators import curves, plots

    curve = curves.of_rows(axis, rows, made)
    plots.save(plots.tradeoff(curve) if axis == "hedge" else plots.load(curve), place)
