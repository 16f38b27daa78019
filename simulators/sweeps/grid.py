"""A grid of scenarios: every combination of the values of its axes, each of them checked.

A grid is made before anything is simulated. A point that makes no sense, such as a load that its
pool cannot serve, is an error that names the point, or, with `refused="row"`, a row that gives the
reason.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from simulators import checks, files
from simulators.arrivals import Closed
from simulators.errors import ScenarioError
from simulators.scenario import Scenario, checked_scenario
from simulators.sweeps import axes as axes_
from simulators.sweeps.axes import Axis
from simulators.sweeps.derived import with_hedge, with_load, with_quantile
from simulators.sweeps.paths import DERIVED, put, steps_of

__all__ = ["Grid", "Point"]

_SETS = {
    "hedge": (("policy", "delay"), ("policy", "patience")),
    "load": (("arrivals", "rate"), ("arrivals", "gap"), ("arrivals", "rates")),
}


@dataclass(frozen=True)
class Point:
    """One combination: `axes`, the value on each; `scenario`, or None where it was `refused`.

    `derived`: what follows from the values of derived axes, the `delay` in seconds and the mean
    `rate` of arrivals a second.
    """

    index: int
    axes: dict[str, Any]
    scenario: Scenario | None
    refused: str | None = None
    derived: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{name}={_shown(value)}" for name, value in self.axes.items())


class Grid:
    """All points of a sweep, in the order of the axes; the last axis changes fastest.

    `scenario`: a `Scenario`, or its data as `files.from_data` takes it. A relation in the data,
    such as a delay that is a quantile of a latency, holds at each point. `axes`: by name, the
    values, as a list or as a text such as "0.3..0.95:14"; or `Axis` objects. A name is "load",
    "hedge", or the path of a field. `refused`: whether a point that makes no sense is an "error"
    or a "row".

    `ScenarioError` if a path leads nowhere, a value makes no sense, or no point does.
    """

    def __init__(
        self,
        scenario: Scenario | Mapping[str, Any],
        axes: Mapping[str, Any] | Iterable[Axis],
        *,
        refused: Literal["error", "row"] = "error",
    ) -> None:
        checks.one_of("refused", refused, ("error", "row"))
        if isinstance(scenario, Mapping):
            self.data: dict[str, Any] = dict(scenario)
        else:
            self.data = files.to_data(checked_scenario(scenario))
        if isinstance(axes, Mapping):
            axes = [axes_.axis(name, values) for name, values in axes.items()]
        self.axes: tuple[Axis, ...] = tuple(axes)
        _check_axes(self.axes)
        self._defaults = _defaults_of(self.data)
        self.points: tuple[Point, ...] = self._points(keep=refused == "row")

    @property
    def hash(self) -> str:
        """SHA-256 of the axes and of all scenarios, in hex."""
        content = {
            "axes": [[axis.name, list(axis.values)] for axis in self.axes],
            "points": [
                point.scenario.hash if point.scenario else point.refused for point in self.points
            ],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.points)

    def _points(self, *, keep: bool) -> tuple[Point, ...]:
        points: list[Point] = []
        first: ScenarioError | None = None
        names = [axis.name for axis in self.axes]
        for values in itertools.product(*(axis.values for axis in self.axes)):
            chosen = dict(zip(names, values, strict=True))
            try:
                scenario = files.from_data(self._changed(chosen))
                point = Point(len(points), chosen, scenario, None, _derived(chosen, scenario))
            except ScenarioError as error:
                point = Point(len(points), chosen, None, str(error))
                first = first or _at(point, error)
                if not keep:
                    raise first from None
            points.append(point)
        if first is not None and all(point.refused is not None for point in points):
            raise first
        return tuple(points)

    def _changed(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        data = self.data
        for name, value in chosen.items():
            if name not in DERIVED:
                in_policy = steps_of(name)[0] == "policy"
                seconds = with_quantile(value) if in_policy else value
                data = put(data, name, seconds, self._defaults)
        if "hedge" in chosen:
            data = with_hedge(data, chosen["hedge"])
        if "load" in chosen:
            data = with_load(data, chosen["load"])
        return data


def _check_axes(axes: tuple[Axis, ...]) -> None:
    if not axes:
        remedy = "use one or more, such as {'policy.delay': [0.1, 0.2]}"
        raise ScenarioError("axes", [], "sweeps nothing", remedy)
    taken: dict[tuple[str, ...], str] = {}
    for axis in axes:
        for target in _SETS[axis.name] if axis.name in _SETS else (steps_of(axis.name),):
            if target in taken:
                why = f"sets {'.'.join(target)}, as {taken[target]!r} does"
                raise ScenarioError("axis", axis.name, why, "leave one of them out")
            taken[target] = axis.name


def _defaults_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """All fields of the scenario, if it makes sense without the axes."""
    try:
        return files.to_data(files.from_data(data))
    except ScenarioError:
        return {}


def _derived(chosen: Mapping[str, Any], scenario: Scenario) -> dict[str, float]:
    found = {}
    policy = scenario.policy
    delay = getattr(policy, "delay", getattr(policy, "patience", None))
    fields = [name for name in chosen if name not in DERIVED]
    waits = "hedge" in chosen or any(steps_of(name)[0] == "policy" for name in fields)
    if waits and delay is not None:
        found["delay"] = float(delay)
    if "load" in chosen and not isinstance(scenario.arrivals, Closed | None):
        found["rate"] = float(scenario.arrivals.mean_rate)
    return found


def _at(point: Point, error: ScenarioError) -> ScenarioError:
    if error.field == "axis":  # the path is wrong, at every point
        return error
    return ScenarioError(
        f"{error.field} at the point {point}", error.value, error.why, error.remedy
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
