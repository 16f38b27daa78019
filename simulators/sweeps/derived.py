"""Axes that are no field: an offered load sets the rate of arrivals, a hedge sets a delay.

    load = mean rate of arrivals * work that each request launches at once / servers

of the pool for which that is most. It is `Scenario.offered()`, and depends on latencies and
capacities; so the load of a point is set last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from simulators import checks, files
from simulators.arrivals import Closed
from simulators.errors import ScenarioError
from simulators.sweeps.axes import quantile_in

__all__ = ["with_hedge", "with_load", "with_quantile"]

_DELAYS = {"Hedge": "delay", "Tied": "delay", "Cascade": "patience"}


def with_quantile(value: Any) -> Any:
    """A delay as a scenario says it: "p95" is the quantile of the latency of the first branch."""
    q = quantile_in(value)
    return value if q is None else {"quantile": q}


def with_hedge(data: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The data with another delay, in seconds or such as "p95", of its policy."""
    policy = data.get("policy")
    kind = policy.get("kind") if isinstance(policy, Mapping) else None
    if not isinstance(policy, Mapping) or kind not in _DELAYS:
        why = f"is for a policy that waits, not {kind}"
        raise ScenarioError("hedge", value, why, f"use one of {', '.join(sorted(_DELAYS))}")
    return {**data, "policy": {**policy, _DELAYS[kind]: with_quantile(value)}}


def with_load(data: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The data with arrivals so fast that they offer this load; Poisson if there are none."""
    load = checks.positive("load", value, "such as 0.8")
    arrivals = data.get("arrivals") or {"kind": "Poisson", "rate": 1.0}
    scenario = files.from_data({**data, "arrivals": arrivals, "overload": "allowed"})
    if isinstance(scenario.arrivals, Closed):
        why = "cannot be set where users wait for answers"
        raise ScenarioError("load", value, why, "use an axis arrivals.users")
    offered = max(scenario.offered().values(), default=0.0)
    if not 0 < offered < math.inf:
        why = f"cannot be set: what is launched at once offers {offered:g} to the pools"
        raise ScenarioError("load", value, why, "give the first branch a pool, and arrivals a rate")
    return {**data, "arrivals": _faster(files.to_data(scenario)["arrivals"], load / offered)}


def _faster(arrivals: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """Arrivals whose mean rate is `factor` times as high."""
    changed = dict(arrivals)
    match arrivals["kind"]:
        case "Poisson":
            changed["rate"] = arrivals["rate"] * factor
        case "Deterministic":
            changed["gap"] = arrivals["gap"] / factor
        case "MMPP":
            changed["rates"] = [rate * factor for rate in arrivals["rates"]]
        case "Trace":
            changed["times"] = [time / factor for time in arrivals["times"]]
    return changed
