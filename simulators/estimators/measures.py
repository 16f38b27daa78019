"""What is asked of a simulation, by name, and its estimate from the requests of one run.

Latencies are those of the requests that were answered; `unanswered` says how many were not. The
measures `mean`, `p50`, `p95`, `p99` and `p99.9` are of latency in seconds; `cost`, `work`,
`wasted`, `launches` and `drops` are means for each request; `utilisation` and `utilisation:POOL`
are shares of the servers' time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulators.checks import nearest
from simulators.errors import ScenarioError
from simulators.estimators.influence import Statistic, mean_of, quantile_of, ratio_of
from simulators.estimators.intervals import Estimate, spread_of
from simulators.estimators.quantiles import Method, of_sorted
from simulators.estimators.tables import binomial_limits, student
from simulators.results import Array, Requests
from simulators.scenario import Scenario, checked_scenario

__all__ = [
    "MEASURES",
    "check_measures",
    "estimate",
    "measures_of",
    "percentile",
    "quantile_estimate",
    "statistic",
    "summary",
]

MEASURES = (
    "mean", "p50", "p95", "p99", "p99.9", "cost", "work", "wasted", "launches", "drops",
    "unanswered",
)  # fmt: skip
"""What every scenario has; one with pools has `utilisation` on top."""

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


def measures_of(requests: Requests) -> tuple[str, ...]:
    """The names of all measures of these requests."""
    return _known(requests.scenario)


def check_measures(scenario: Scenario, measures: Sequence[str]) -> None:
    """`ScenarioError` if the scenario has not all of these measures."""
    known = _known(checked_scenario(scenario))
    if isinstance(measures, str):
        raise ScenarioError("measures", measures, "is no list of names", f"use [{measures!r}]")
    for name in measures:
        if name not in known and percentile(name) is None:
            raise ScenarioError("measures", name, "is no measure of it", nearest(name, known))


def statistic(requests: Requests, measure: str, method: Method = "inverted_cdf") -> Statistic:
    """The value of a measure, and the influence of each request on it."""
    if (p := percentile(measure)) is not None:
        return _quantile(requests, p, method)
    if measure == "mean":
        return mean_of(requests.latency, requests.answered)
    if measure == "unanswered":
        return mean_of(~requests.answered)
    if measure.partition(":")[0] == "utilisation":
        return _utilisation(requests, measure.partition(":")[2])
    if measure not in MEASURES:
        known = ", ".join(measures_of(requests))
        raise ValueError(f"measure {measure!r} is not known; use one of {known}, or such as p90")
    if measure == "work":
        return mean_of(requests.work.sum(axis=1))
    return mean_of(getattr(requests, measure))


def estimate(
    requests: Requests,
    measure: str,
    level: float = 0.95,
    method: Method = "inverted_cdf",
) -> Estimate:
    """A measure with its interval, right under queueing; see `spread_of`.

    The interval of a percentile lies between two of the latencies: for requests that share nothing,
    those that binomial limits name; under queueing, those at the limits that batch means give for
    the share of latencies below the percentile.
    """
    queued = requests.scenario.shares
    if (p := percentile(measure)) is not None:
        return quantile_estimate(
            requests.latency,
            p,
            queued=queued,
            level=level,
            counted=requests.answered,
            method=method,
            ordered=requests.ordered,
        )
    found = statistic(requests, measure)
    queued = queued or measure.startswith("utilisation")
    return spread_of(found.influence, queued=queued).around(found.value, level, len(requests))


def summary(
    requests: Requests, level: float = 0.95, measures: Sequence[str] | None = None
) -> dict[str, Estimate]:
    """All measures of these requests, or some."""
    names = measures_of(requests) if measures is None else measures
    return {name: estimate(requests, name, level) for name in names}


def percentile(measure: str) -> float | None:
    """0.99 for "p99"; None if the measure is none."""
    match = _PERCENTILE.fullmatch(measure)
    if match is None or float(match[1]) == 0:
        return None
    return round(float(match[1]) / 100, 12)


def _known(scenario: Scenario) -> tuple[str, ...]:
    pools = [pool.name for pool in scenario.pools]
    return (*MEASURES, *(["utilisation"] if pools else []), *(f"utilisation:{n}" for n in pools))


def quantile_estimate(
    values: Any,
    p: float,
    *,
    queued: bool,
    level: float = 0.95,
    counted: Any = None,
    method: Method = "inverted_cdf",
    ordered: Any = None,
) -> Estimate:
    """The `p`-quantile of one number for each request, or of those `counted`, between two of them.

    `queued`: by the limits of batch means; not: by binomial limits, see `estimate`. `ordered`: what
    is counted, if somebody has sorted it already.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mask = np.ones(len(numbers), dtype=bool) if counted is None else np.asarray(counted)
    ordered = np.sort(numbers[mask]) if ordered is None else ordered
    n = len(ordered)
    found = of_sorted(ordered, p, method) if n else math.nan
    if queued:
        share = ratio_of(np.where(mask, numbers <= found, False), mask)
        spread = spread_of(share.influence, queued=True)
        if spread.refused is not None:
            return spread.around(found, level, n)
        half = student(level, spread.freedom) * spread.error
        how = f"order statistics by {spread.method}"
        limits = _inside(n, p - half, p + half)
        effective = spread.effective
    else:
        limits, how, effective = binomial_limits(n, p, level), "binomial order statistics", float(n)
    if limits is None:
        why = f"{n} requests say too little of the {p:.6g}-quantile; simulate more"
        return Estimate(found, None, None, level, n, None, how, why)
    low, high = (float(ordered[place]) for place in limits)
    return Estimate(found, low, high, level, n, effective, how)


def _quantile(requests: Requests, p: float, method: Method) -> Statistic:
    return quantile_of(requests.latency, p, requests.answered, method, requests.ordered)


def _inside(n: int, low: float, high: float) -> tuple[int, int] | None:
    """Places of the order statistics at these shares, if the sample has them."""
    first, last = int(np.floor(low * n)) - 1, int(np.ceil(high * n))
    return (first, last) if first >= 0 and last < n else None


def _utilisation(requests: Requests, pool: str) -> Statistic:
    """Work in the pool over what its servers could have done until the last arrival."""
    pools = [one for one in requests.scenario.pools if pool in ("", one.name)]
    if not pools:
        known = [one.name for one in requests.scenario.pools]
        raise ValueError(f"pool {pool!r} is not known; the scenario has {known}")
    names = {one.name for one in pools}
    used = [branch.pool in names for branch in requests.scenario.racing]
    return ratio_of(
        requests.work[:, used].sum(axis=1), _gaps(requests) * sum(one.capacity for one in pools)
    )


def _gaps(requests: Requests) -> Array:
    """Seconds from each arrival to the next, and for the last one the mean of all others."""
    gaps = np.diff(requests.arrival)
    last = gaps.mean() if len(gaps) else 0.0
    return np.append(gaps, last)
