"""Hedges with a pool of ten: what a limiter costs, and what saves the pool.

Services are log-normal with median 1 and sigma 1, and the hedge is sent after their p95. There is
no formula: the numbers are those of another program, from 3e6 requests.
"""

import math
from typing import Any

import pytest

from simulators import fast
from simulators.estimators import cut
from simulators.estimators.intervals import spread_of
from simulators.estimators.measures import statistic
from simulators.exact.attempts import Attempted
from simulators.exact.races import Staggered
from simulators.results import Requests
from simulators.scenario import Branch, Limiter, Poisson, Pool, Scenario
from spectest.latency import LogNormal
from spectest.patterns.policies import Hedge, Sequential
from tests.parity.theory import ORDINARY, SOAK

HEAVY = LogNormal(1.0, 1.0)
P95 = HEAVY.quantile(0.95)
KINDS: dict[str, tuple[Any, Any]] = {
    "no hedge": (None, None),
    "cancelled, limiter": ("immediate", "drop"),
    "cancelled": ("immediate", "none"),
    "limiter": ("never", "drop"),
    "neither": ("never", "none"),
}
P99 = {
    0.3: (10.21, 6.67, 6.66, 6.68, 6.67),
    0.5: (10.22, 6.81, 6.69, 6.87, None),
    0.6: (10.26, 7.06, 6.75, 7.23, None),
    0.7: (10.37, 7.71, 6.91, 8.02, None),
    0.8: (10.85, 9.12, 7.37, 9.44, None),
    0.9: (13.79, 13.14, 8.83, 13.70, None),
    0.95: (22.2, 22.7, 11.47, 23.3, None),
}
QUICK = [(0.6, "cancelled, limiter"), (0.6, "cancelled")]
ROWS = [
    (load, kind, p99)
    for load, found in P99.items()
    for kind, p99 in zip(KINDS, found, strict=True)
    if p99 is not None
]
BUSY = {
    (0.3, "no hedge"): 0.300, (0.6, "no hedge"): 0.600, (0.9, "no hedge"): 0.899,
    (0.3, "cancelled"): 0.288, (0.5, "cancelled"): 0.479, (0.6, "cancelled"): 0.575,
    (0.7, "cancelled"): 0.671, (0.8, "cancelled"): 0.767, (0.9, "cancelled"): 0.864,
    (0.95, "cancelled"): 0.912, (0.3, "limiter"): 0.315,
}  # fmt: skip


def hedged(load: float, kind: str, n: int, seed: int = 10) -> Requests:
    cancel, limiter = KINDS[kind]
    scenario = Scenario(
        [Branch(name, HEAVY, pool="p", cancel=cancel or "immediate") for name in "ab"],
        Hedge(P95) if cancel else Sequential(),
        limiter=Limiter(limiter or "none"),
        pools=[Pool("p", 10)],
        arrivals=Poisson(load * 10 / HEAVY.mean),
    )
    return fast.run(scenario, n, seed)


def assert_measured(requests: Requests, measure: str, number: float, rounding: float) -> None:
    """Within four standard errors of the difference to a number from three times as many."""
    found = statistic(requests, measure)
    spread = spread_of(found.influence, queued=True)
    assert spread.refused is None, spread.refused
    times = math.sqrt(1 + len(requests) / (3 * SOAK))
    assert abs(found.value - number) <= 4 * times * spread.error + rounding, (measure, spread.error)


@pytest.mark.parametrize(
    "load, kind, p99, n",
    [(*row, ORDINARY) for row in ROWS if row[:2] in QUICK]
    + [pytest.param(*row, SOAK, marks=pytest.mark.soak) for row in ROWS],
)
def test_a_limiter_costs_what_cancellation_saves(
    load: float, kind: str, p99: float, n: int
) -> None:
    requests = cut(hedged(load, kind, n), n // 10)
    assert_measured(requests, "p99", p99, 0.05 if p99 > 20 else 0.005)
    if (load, kind) in BUSY:
        assert_measured(requests, "utilisation", BUSY[load, kind], 5e-4)


@pytest.mark.parametrize("kind, lingers", [("cancelled", 0.0), ("limiter", math.inf)])
def test_a_pool_that_is_hardly_ever_full_does_the_work_of_hedges_alone(
    kind: str, lingers: float
) -> None:
    race = Staggered([Attempted(HEAVY, lingers=lingers)] * 2, P95)
    exact = 0.3 * (race.work(0) + race.work(1)) / HEAVY.mean
    assert exact == pytest.approx(0.2875 if kind == "cancelled" else 0.315, abs=5e-5)
    found = statistic(hedged(0.3, kind, 50_000), "utilisation")
    assert abs(found.value - exact) <= 4 * spread_of(found.influence, queued=True).error


@pytest.mark.parametrize(
    "load", [0.6, *(pytest.param(u, marks=pytest.mark.soak) for u in (0.7, 0.8, 0.9, 0.95))]
)
def test_without_cancellation_and_limiter_a_pool_collapses(load: float) -> None:
    requests = hedged(load, "neither", 40_000)
    assert requests.work.sum() / (10 * requests.arrival[-1]) > 0.9
    assert requests.latency[-1000:].mean() > 10 * requests.latency[:1000].mean()
