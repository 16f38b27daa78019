"""How latency and work change along one axis: the delay of a hedge, or the load of the pools."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulators import provenance
from simulators.provenance import Provenance
from simulators.scenario import Scenario
from simulators.sweeps import Grid
from simulators.what_if import WhatIf, ask

__all__ = ["Curve", "Point", "hedge_delays", "loads", "of_rows"]

_MEASURES = ("p50", "p99", "work")


@dataclass(frozen=True, slots=True)
class Point:
    """What is there at one `value` of the axis, such as "p95" or 0.8; NaN where nothing is known.

    `p50`, `p99` and `control`, the p99 of control, in seconds. `extra`: work for the servers on top
    of control's, as a share of it. `utilisation`: of all pools; from 1 on, requests brought more
    work than the servers could do until the last one arrived. `refused`: why there is nothing.
    """

    value: float | str
    p50: float = math.nan
    p99: float = math.nan
    control: float = math.nan
    extra: float = math.nan
    utilisation: float = math.nan
    refused: str | None = None

    @property
    def collapsed(self) -> bool:
        """Whether the servers did not keep up."""
        return self.utilisation >= 1


@dataclass(frozen=True, slots=True)
class Curve:
    """Points along an axis of a scenario, each with as many requests of the same draws.

    `provenance` names the scenario, or the grid of a sweep, whose axis it is.
    """

    axis: str
    points: Sequence[Point]
    provenance: Provenance


def hedge_delays(
    scenario: Scenario, axis: str = "p50..p99:15", n: int = 20_000, seed: int = 0
) -> Curve | None:
    """The scenario with other hedge delays; None if its policy does not wait."""
    if getattr(scenario.policy, "delay", None) is None:
        return None
    return _along("hedge", axis, scenario, n, seed)


def loads(
    scenario: Scenario, axis: str = "0.3..0.95:14", n: int = 20_000, seed: int = 0
) -> Curve | None:
    """The scenario at other loads; None if it has no pool, or users who wait for answers."""
    if not any(scenario.offered().values()):
        return None
    return _along("load", axis, scenario, n, seed)


def of_rows(axis: str, rows: Iterable[Mapping[str, Any]], made: Provenance) -> Curve:
    """Rows of a sweep that has one axis and the measures p50, p99 and work."""
    return Curve(axis, [_of_row(row["axes"][axis], row) for row in rows], made)


def _along(name: str, axis: str, scenario: Scenario, n: int, seed: int) -> Curve:
    points = []
    for point in Grid(scenario, {name: axis}, refused="row").points:
        value = point.axes[name]
        if point.scenario is None:
            points.append(Point(value, refused=point.refused))
            continue
        pools = ["utilisation"] if scenario.pools else []
        measures = [*_MEASURES, *pools]
        found = ask(point.scenario, "fast", n, seed, measures=measures, formulas=False)
        points.append(_of_numbers(value, found))
    return Curve(name, points, provenance.of(scenario, "fast", seed, n))


def _of_numbers(value: Any, found: WhatIf) -> Point:
    control, saved = found["p99"].control, found["work"].saved
    return Point(
        value,
        found["p50"].estimate.value,
        found["p99"].estimate.value,
        math.nan if control is None else control.value,
        math.nan if saved is None else -saved.value,
        found["utilisation"].estimate.value if found.scenario.pools else math.nan,
    )


def _of_row(value: Any, row: Mapping[str, Any]) -> Point:
    if row["refused"] is not None:
        return Point(value, refused=row["refused"])
    measures, control = row["measures"], row["control"]
    saved = _number(control, "work", "saved", "value")
    return Point(
        value,
        _number(measures, "p50", "value"),
        _number(measures, "p99", "value"),
        _number(control, "p99", "control"),
        -saved,
        _number(measures, "utilisation", "value"),
    )


def _number(data: Any, *path: str) -> float:
    for step in path:
        data = data.get(step) if data is not None else None
    return math.nan if data is None else float(data)
