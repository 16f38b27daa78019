"""The fast engine against closed forms: within four standard errors, at a fixed seed.

Sources: the races are order statistics; M/M/1, M/M/c and Erlang B are in any textbook of queueing
theory, such as Kleinrock, Queueing Systems I, 1975. Standard errors of queues are measured by batch
means, since the waits of neighbours are alike.
"""

import math
from typing import Any

import numpy as np
import pytest

from simulators import fast
from simulators.results import Array, Requests
from simulators.scenario import Branch, Limiter, Poisson, Pool, Scenario
from spectest.latency import (
    Constant,
    Exponential,
    GaussianCopula,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from spectest.patterns.policies import EagerRace, FirstValidOf, Hedge, Sequential, WaitForAll

HEAVY = LogNormal(1.0, 1.0)
P95 = HEAVY.quantile(0.95)
SIZES = [200_000, pytest.param(1_000_000, marks=pytest.mark.soak)]
sizes = pytest.mark.parametrize("n", SIZES)


def two(latency: Any = HEAVY, **fields: Any) -> list[Branch]:
    return [Branch(name, latency, **fields) for name in "ab"]


def standard_error(values: Array, batches: int = 1) -> float:
    """Of the mean; `batches` above 1: by batch means."""
    if batches > 1:
        whole = len(values) // batches * batches
        values = values[:whole].reshape(batches, -1).mean(axis=1)
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def assert_mean(values: Array, exact: float, batches: int = 1) -> None:
    error = 4 * standard_error(values, batches)
    assert values.mean() == pytest.approx(exact, abs=error)
    assert error < abs(exact), "too few requests to say anything"


def assert_quantile(values: Array, q: float, exact: float, batches: int = 1) -> None:
    """The share of values above the exact quantile is that of a binomial."""
    assert_mean((values > exact).astype(float), 1 - q, batches)


@sizes
@pytest.mark.parametrize(
    "latency, policy, mean, p50, p99",
    [
        (Exponential(1.0), EagerRace(), 0.5, math.log(2) / 2, 2.302585),
        (Exponential(1.0), Hedge(1.0), 0.816060, math.log(2), 2.802585),
        (Pareto(1.0, 2.0), EagerRace(), 4 / 3, 2**0.25, 3.162278),
        (ShiftedExponential(1.0, 2.0), EagerRace(), 1.5, 1 + math.log(2) / 2, 3.302585),
        (Weibull(1.0, 0.5), EagerRace(), 0.5, (math.log(2) / 2) ** 2, 5.301898),
        (HEAVY, EagerRace(), 0.790562, 0.579870, 3.602224),
    ],
)
def test_races(n: int, latency: Any, policy: Any, mean: float, p50: float, p99: float) -> None:
    result = fast.run(Scenario(two(latency), policy), n, 1)
    assert_mean(result.latency, mean)
    assert_quantile(result.latency, 0.5, p50)
    assert_quantile(result.latency, 0.99, p99)


@sizes
def test_the_slowest_of_several(n: int) -> None:
    branches = [Branch(name, Exponential(1.0)) for name in "abc"]
    result = fast.run(Scenario(branches, EagerRace(), WaitForAll()), n, 2)
    assert_mean(result.latency, 1 + 1 / 2 + 1 / 3)


@sizes
def test_a_fast_and_a_slow_branch(n: int) -> None:
    branches = [Branch("fast", Exponential(0.030)), Branch("slow", Exponential(0.150))]
    result = fast.run(Scenario(branches, EagerRace()), n, 3)
    assert_mean(result.latency, 0.025)
    assert_mean((result.winner == 0).astype(float), 5 / 6)


@sizes
def test_the_first_valid_result(n: int) -> None:
    branches = [
        Branch("a", LogNormal(10.0, 0.5), failure=0.10, timeout=40.0),
        Branch("b", LogNormal(50.0, 0.5), failure=0.02, timeout=200.0),
    ]
    result = fast.run(Scenario(branches, EagerRace()), n, 4)
    assert_mean((result.winner == -1).astype(float), 0.00232937)
    assert_mean((result.winner == 0).astype(float), 0.888508)
    assert_mean((result.winner == 1).astype(float), 0.109162)
    answered = result.latency[result.answered]
    assert_mean(answered, 15.70010)
    for q, exact in ((0.5, 10.6984), (0.95, 50.0396), (0.99, 94.3363)):
        assert_quantile(answered, q, exact)


# LN(0, 1): the delay's percentile, the share of wins of the hedge, mean, p99, p99.9, and work with
# cancellation and without.
DELAYED = [
    (0.50, 0.238866, 1.141629, 4.120474, 6.919342, 1.521680, 2.473082),
    (0.75, 0.132431, 1.313748, 4.653816, 7.434731, 1.522758, 2.060902),
    (0.90, 0.059472, 1.460660, 5.636652, 8.362024, 1.553965, 1.813593),
    (0.95, 0.031937, 1.529895, 6.666581, 9.312947, 1.579917, 1.731157),
    (0.99, 0.007240, 1.610204, 10.240474, 12.719016, 1.621561, 1.665208),
]


@sizes
@pytest.mark.parametrize("q, wins, mean, p99, p999, work, uncut", DELAYED)
def test_delayed_hedges(
    n: int, q: float, wins: float, mean: float, p99: float, p999: float, work: float, uncut: float
) -> None:
    delay = HEAVY.quantile(q)
    cut = fast.run(Scenario(two(), Hedge(delay)), n, 5)
    assert_mean(cut.launches - 1.0, 1 - q)
    assert_mean((cut.winner == 1).astype(float), wins)
    assert_mean(cut.latency, mean)
    assert_quantile(cut.latency, 0.99, p99)
    assert_quantile(cut.latency, 0.999, p999)
    assert_mean(cut.work.sum(axis=1), work)
    whole = fast.run(Scenario(two(cancel="never"), Hedge(delay)), n, 5)
    assert np.array_equal(whole.latency, cut.latency)
    assert_mean(whole.work.sum(axis=1), uncut)


@sizes
@pytest.mark.parametrize(
    "r, hedged, eager",
    [
        (0.0, 6.666581, 3.602224),
        (0.3, 7.475368, 4.664428),
        (0.5, 8.171023, 5.541790),
        (0.8, 9.525774, 7.342170),
        (0.95, 10.211012, 8.854958),
    ],
)
def test_correlated_branches(n: int, r: float, hedged: float, eager: float) -> None:
    for policy, p99 in ((Hedge(P95), hedged), (EagerRace(), eager)):
        scenario = Scenario(two(), policy, dependence=GaussianCopula(r))
        assert_quantile(fast.run(scenario, n, 6).latency, 0.99, p99)


def test_a_twin_does_not_help() -> None:
    scenario = Scenario(two(), EagerRace(), dependence=GaussianCopula(1.0))
    alone = Scenario([Branch("a", HEAVY)], Sequential(), dependence=GaussianCopula(1.0))
    assert np.array_equal(fast.run(scenario, 5000, 7).latency, fast.run(alone, 5000, 7).latency)


# Queues. The first tenth of the arrivals is left out, by the number of the arrival.


def queue(servers: int, rate: float, latency: Any, n: int, seed: int = 8, **pool: Any) -> Requests:
    pools = [Pool("p", servers, **pool)]
    branches = [Branch("a", latency, pool="p")]
    scenario = Scenario(
        branches, Sequential(), pools=pools, arrivals=Poisson(rate), overload="allowed"
    )
    return fast.run(scenario, n, seed)


def warm(column: Array) -> Array:
    return column[len(column) // 10 :]


@sizes
def test_one_exponential_server(n: int) -> None:
    latency = warm(queue(1, 0.8, Exponential(1.0), n).latency)
    assert_mean(latency, 5.0, batches=30)
    for q, exact in ((0.5, 3.465736), (0.95, 14.978661), (0.99, 23.025851)):
        assert_quantile(latency, q, exact, batches=30)


@sizes
@pytest.mark.parametrize(
    "servers, rate, waits, wait, p99",
    [
        (2, 1.6, 0.711111, 1.777778, 11.937370),
        (3, 2.4, 0.647191, 1.078652, 8.455477),
        (10, 8.0, 0.409180, 0.204590, 4.946111),
        (20, 14.0, 0.093561, 0.015594, 4.623710),
    ],
)
def test_several_exponential_servers(
    n: int, servers: int, rate: float, waits: float, wait: float, p99: float
) -> None:
    result = queue(servers, rate, Exponential(1.0), n)
    waited = warm(result.waits[:, 0])
    assert_mean((waited > 0).astype(float), waits, batches=30)
    assert_mean(waited, wait, batches=30)
    assert_quantile(warm(result.latency), 0.99, p99, batches=30)


@sizes
@pytest.mark.parametrize(
    "latency", [Exponential(1.0), LogNormal(math.exp(-0.5), 1.0), Constant(1.0)]
)
@pytest.mark.parametrize(
    "servers, rate, lost", [(10, 5.0, 0.018385), (10, 10.0, 0.214582), (20, 14.0, 0.030035)]
)
def test_losses_do_not_depend_on_the_service(
    n: int, latency: Any, servers: int, rate: float, lost: float
) -> None:
    result = queue(servers, rate, latency, n, acquire_timeout=0)
    assert_mean((warm(result.winner) == -1).astype(float), lost, batches=30)


@sizes
@pytest.mark.parametrize("k, rate, mean", [(2, 0.5, 8 / 9), (2, 0.7, 1.367521), (3, 0.7, 10 / 9)])
def test_redundancy_cancelled_on_completion(n: int, k: int, rate: float, mean: float) -> None:
    """Gardner et al., "Redundancy-d", Operations Research 65(4), 2017: three servers."""
    branches = [Branch(name, Exponential(1.0), pool=name) for name in "abc"]
    pools = [Pool(name, 1) for name in "abc"]
    scenario = Scenario(branches, FirstValidOf(k), pools=pools, arrivals=Poisson(3 * rate))
    assert_mean(warm(fast.run(scenario, n, 9).latency), mean, batches=30)


# Hedges with a pool of ten, from a simulation of 3e6 requests: p99 and utilisation.


def hedged(u: float, cancel: Any, limiter: Limiter, n: int) -> Requests:
    scenario = Scenario(
        two(pool="p", cancel=cancel),
        Hedge(P95),
        limiter=limiter,
        pools=[Pool("p", 10)],
        arrivals=Poisson(u * 10 / HEAVY.mean),
    )
    return fast.run(scenario, n, 10)


@sizes
@pytest.mark.parametrize(
    "u, cancel, limiter, p99, tolerance",
    [
        (0.3, "immediate", "drop", 6.67, 0.25),
        (0.3, "never", "drop", 6.68, 0.25),
        (0.6, "immediate", "drop", 7.06, 0.3),
        (0.6, "immediate", "none", 6.75, 0.3),
        (0.6, "never", "drop", 7.23, 0.3),
        (0.8, "immediate", "drop", 9.12, 0.6),
        (0.8, "immediate", "none", 7.37, 0.4),
    ],
)
def test_the_limiter_costs_what_cancellation_saves(
    n: int, u: float, cancel: Any, limiter: Any, p99: float, tolerance: float
) -> None:
    result = hedged(u, cancel, Limiter(limiter), n)
    assert np.quantile(warm(result.latency), 0.99) == pytest.approx(p99, abs=tolerance)


def utilisation(result: Requests) -> float:
    return float(result.work.sum() / (10 * result.arrival[-1]))


def test_hedges_that_are_cancelled_make_a_pool_less_busy() -> None:
    assert utilisation(hedged(0.6, "immediate", Limiter(), 100_000)) == pytest.approx(
        0.575, abs=0.01
    )


def test_without_cancellation_and_limiter_a_pool_collapses() -> None:
    result = hedged(0.6, "never", Limiter(), 100_000)
    assert utilisation(result) > 0.9
    assert result.latency[-1000:].mean() > 20 * result.latency[:1000].mean()
