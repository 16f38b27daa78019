"""Simulate until a number is known well enough, or say how far it got.

The number of requests doubles, so that there are few looks at the data; each look is a chance to
stop on a lucky interval, and few looks keep that small. A. M. Law, Simulation Modeling and
Analysis, 5th ed., section 9.4.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulators.estimators.intervals import Estimate
from simulators.estimators.measures import estimate
from simulators.estimators.warmup import cut
from simulators.results import Requests

__all__ = ["Stopped", "until"]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The last `requests` simulated, the `estimate` from them, and whether it is `precise`."""

    requests: Requests
    estimate: Estimate
    precise: bool


def until(
    simulate: Callable[[int], Requests],
    measure: str,
    relative: float,
    *,
    first: int = 10_000,
    most: int = 10_000_000,
    warm_up: float = 0.1,
    level: float = 0.95,
) -> Stopped:
    """Call `simulate(n)` with ever more requests until the half-width of the interval of `measure`
    is at most `relative` of its value.

    From `first` requests on, twice as many each time, up to `most`. Where requests queue, a share
    of `warm_up` of them is cut first.
    """
    if not 0 < relative < 1:
        raise ValueError(f"relative is {relative!r}; use a share such as 0.05 for 5 %")
    if not 1 <= first <= most:
        raise ValueError(f"first is {first}; use 1 to {most}, the most requests")
    n = first
    while True:
        requests = simulate(n)
        if requests.scenario.shares:
            requests = cut(requests, int(warm_up * n))
        found = estimate(requests, measure, level)
        if found.refused is None and found.relative <= relative:
            return Stopped(requests, found, precise=True)
        if n == most:
            return Stopped(requests, found, precise=False)
        n = min(2 * n, most)
