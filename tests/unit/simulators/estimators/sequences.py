"""Waiting times in NumPy, and requests made of any latencies."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulators.results import VALID, Requests
from simulators.scenario import Branch, Poisson, Pool, Scenario
from spectest.latency import Exponential
from spectest.patterns.policies import Sequential

ALONE = Scenario([Branch("only", Exponential(1.0))], Sequential())
QUEUED = Scenario(
    [Branch("only", Exponential(1.0), pool="pool")],
    Sequential(),
    pools=[Pool("pool", 1)],
    arrivals=Poisson(0.8),
)


def waits_of(services: Any, gaps: Any) -> Any:
    """D. V. Lindley's recursion for one server; `gaps[i]` is the time before arrival i + 1."""
    steps = np.concatenate([[0.0], np.cumsum(services[:-1] - gaps)])
    return steps - np.minimum.accumulate(np.minimum(steps, 0.0))


def mm1(generator: Any, n: int, load: float = 0.8) -> Any:
    """Waits of `n` requests at an M/M/1 that starts empty, with services of mean 1."""
    return waits_of(generator.exponential(1.0, n), generator.exponential(1 / load, n - 1))


def requests_of(latency: Any, scenario: Scenario = ALONE, seed: int = 0) -> Requests:
    """Requests that were all answered validly by their only branch."""
    n = len(latency)
    zero = np.zeros((n, 1))
    return Requests(
        scenario=scenario,
        seed=seed,
        engine="made up",
        arrival=np.arange(n, dtype=np.float64),
        latency=np.asarray(latency, dtype=np.float64),
        winner=np.zeros(n, dtype=np.int16),
        launched=zero,
        began=zero,
        work=np.asarray(latency, dtype=np.float64)[:, None],
        outcome=np.full((n, 1), VALID, dtype=np.uint8),
        cost=np.zeros(n),
    )
