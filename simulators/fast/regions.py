"""A pool matters only where it is full: there one event after the other, elsewhere all at once.

As long as every attempt finds a free server, requests do not notice each other, and each is what it
would be alone. So all are simulated alone first, and the servers that they hold are counted. Where
an attempt would be one too many, the event loop takes over: it begins with the requests that are
under way at that moment, and goes on until nobody is left who has waited or been dropped. What it
says of those is the result; all others are as they were alone.
"""

from __future__ import annotations

import numpy as np

from simulators.arrivals import Closed
from simulators.fast.lockstep import vectorised
from simulators.fast.loop import Loop
from simulators.results import Array
from simulators.scenario import Scenario
from spectest.patterns.policies import Tied

__all__ = ["Alone", "crowded", "separable", "settle"]


def separable(scenario: Scenario) -> bool:
    """Whether requests of this scenario only notice each other where a pool is full."""
    limiter = scenario.limiter
    by_pool = limiter.kind == "none" or (limiter.kind == "drop" and limiter.capacity is None)
    alone = vectorised(scenario) and not isinstance(scenario.policy, Tied)
    return by_pool and alone and not isinstance(scenario.arrivals, Closed)


class Alone:
    """The requests as they would be alone: when each arrives, and holds which servers.

    `held` and `left` have a column for each branch; `over` is when nothing is left of a request.
    """

    def __init__(self, arrival: Array, latency: Array, launched: Array, work: Array) -> None:
        self.arrival = arrival
        begins = launched + arrival[:, np.newaxis]
        self.held = begins
        # One rounding more than the engines make: those that meet by a hair count as together.
        self.left = np.nextafter(begins + work, np.inf) + np.spacing(begins) * 4
        self.over = np.fmax(arrival + latency, np.fmax.reduce(self.left, axis=1, initial=0.0))
        self.longest = float((self.over - arrival).max())


def crowded(scenario: Scenario, alone: Alone) -> list[float]:
    """When an attempt would find a pool full, in the order of time."""
    found: list[Array] = []
    for pool in scenario.pools:
        columns = [i for i, branch in enumerate(scenario.racing) if branch.pool == pool.name]
        held = alone.held[:, columns].ravel()
        launched = ~np.isnan(held)
        left = np.sort(alone.left[:, columns].ravel()[launched])
        held = np.sort(held[launched])
        begun = np.searchsorted(held, held, side="right")
        found.append(held[begun - np.searchsorted(left, held, side="left") > pool.capacity])
    moments: list[float] = np.sort(np.concatenate(found)).tolist() if found else []
    return moments


def settle(loop: Loop, alone: Alone, moments: list[float]) -> list[int]:
    """Run the loop wherever a pool is full; the requests that are not as they were alone."""
    changed: list[int] = []
    differs = np.zeros(len(alone.arrival), dtype=bool)
    until = -np.inf
    for moment in moments:
        if moment < until:
            continue
        first = int(np.searchsorted(alone.arrival, moment - alone.longest))
        following = int(np.searchsorted(alone.arrival, moment, side="right"))
        near = np.arange(max(first - 1, 0), following)
        under_way = near[(alone.over[near] >= moment) & ~differs[near]]
        until = loop.run_from(under_way.tolist(), following, moment)
        differs[loop.affected] = True
        changed += loop.affected
    return changed
