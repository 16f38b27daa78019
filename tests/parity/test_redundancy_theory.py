"""Copies of a request in the queues of several servers: theorems, and the fast engine.

Sources: K. Gardner et al., Redundancy-d, Operations Research 65(4), 2017; U. Ayesta, T. Bodas, I.
Verloop, Performance Evaluation 127, 2018, for copies cancelled on start; A. Vulimiri et al., Low
Latency via Redundancy, CoNEXT 2013, for copies that nobody cancels.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from simulators import fast
from simulators.estimators import cut, of_replications
from simulators.estimators.measures import statistic
from simulators.exact import solve
from simulators.exact.queues import MMC, MD1Wait
from simulators.exact.redundancy import Crowd, replicated_exponential
from simulators.scenario import Branch, Poisson, Pool, Scenario
from spectest.latency import Constant, Exponential, GaussianCopula
from spectest.patterns.policies import FirstValidOf, Policy, Sequential, Tied
from tests.parity.theory import SOAK, Row, assert_exact, assert_simulated, exactly, simulated


def copies(
    servers: int, rate: float, policy: Policy, latency: Any = None, cancel: Any = "immediate"
) -> Scenario:
    """A request to several of `servers`, each with a queue of its own; `rate` is for each."""
    law = latency or Exponential(1.0)
    names = [f"s{place}" for place in range(servers)]
    return Scenario(
        [Branch(name, law, pool=name, cancel=cancel) for name in names],
        policy,
        pools=[Pool(name, 1) for name in names],
        arrivals=Poisson(servers * rate),
    )


# The same requests in several runs: their memory grows with the number of servers.
CANCELLED = {
    f"{d} of {k}, load {rate}": Row(
        copies(k, rate, FirstValidOf(d)),
        {"mean": mean},
        quick=(k, d, rate) == (3, 2, 0.5),
        runs=1 if k < 10 and rate < 0.9 else 10,
        share=0.1 if k == 100 else 1.0,
    )
    for (k, d), means in {
        (2, 2): (1.000000, 1.666667, 5.000000),
        (3, 2): (0.888889, 1.367521, 3.636364),
        (4, 2): (0.850000, 1.254529, 3.035714),
        (5, 2): (0.830476, 1.196908, 2.707873),
        (10, 2): (0.798103, 1.101627, 2.143298),
        (10, 3): (0.524210, 0.726513, 1.517236),
        (10, 10): (0.200000, 0.333333, 1.000000),
        (100, 2): (0.774888, 1.034983, 1.765103),
    }.items()
    for rate, mean in zip((0.5, 0.7, 0.9), means, strict=True)
}

TWO = {
    "cancelled on completion": Row(
        copies(2, 0.8, FirstValidOf(2)), {"mean": Fraction(5, 2)}, runs=10
    ),
    "cancelled on start": Row(copies(2, 0.8, Tied()), {"mean": 2.777778}, runs=10, share=0.2),
}


@exactly({**CANCELLED, **TWO})
def test_copies_have_a_mean_in_closed_form(row: Row) -> None:
    assert_exact(row)


@simulated({**CANCELLED, **TWO})
def test_copies(row: Row, n: int) -> None:
    assert_simulated(row, n)


def test_cancelling_on_start_is_one_queue() -> None:
    """With one service for all copies of a request, each request takes the same time in both."""
    same = GaussianCopula(1.0)
    law, arrivals = Exponential(1.0), Poisson(1.6)
    tied = Scenario(
        [Branch(name, law, pool=name) for name in "ab"],
        Tied(),
        pools=[Pool(name, 1) for name in "ab"],
        arrivals=arrivals,
        dependence=same,
    )
    one = Scenario(
        [Branch("a", law, pool="p")],
        Sequential(),
        pools=[Pool("p", 2)],
        arrivals=arrivals,
        dependence=same,
    )
    begun, queued = (fast.run(scenario, 5000, 3).latency for scenario in (tied, one))
    assert np.array_equal(begun, queued)


def replicated(scenario: Scenario, measure: str, runs: int, n: int) -> tuple[float, float]:
    """A measure, and four standard errors of it."""
    requests = [cut(fast.run(scenario, n, seed), n // 10) for seed in range(runs)]
    found = of_replications([statistic(one, measure).value for one in requests], level=0.99994)
    return found.value, found.half_width


@pytest.mark.soak
@pytest.mark.parametrize(
    "d, load, mean, p99",
    [(2, 0.5, 0.772589, 2.944439), (2, 0.7, 1.028516, 3.433987), (3, 0.5, 0.492901, None)],
)
def test_a_hundred_servers_are_nearly_ever_more(
    d: int, load: float, mean: float, p99: float | None
) -> None:
    crowd = Crowd(d, load)
    assert crowd.mean == pytest.approx(mean, abs=5e-7)
    scenario = copies(100, load, FirstValidOf(d))
    found, error = replicated(scenario, "mean", 5, SOAK // 50)
    assert found == pytest.approx(mean, abs=0.02 * mean + error)
    if p99 is not None:
        assert crowd.quantile(0.99) == pytest.approx(p99, abs=5e-7)
        found, error = replicated(scenario, "p99", 5, SOAK // 50)
        assert found == pytest.approx(p99, abs=0.02 * p99 + error)


@pytest.mark.soak
@pytest.mark.parametrize("load", [0.2, 1 / 3])
def test_copies_that_nobody_cancels(load: float) -> None:
    """Two of very many servers: 1/(2(1-2u)), for a hundred to within two per cent."""
    scenario = copies(100, load, FirstValidOf(2), cancel="never")
    found, error = replicated(scenario, "mean", 5, SOAK // 50)
    exact = replicated_exponential(load)
    assert "cancellation takes effect at once" in str(solve(scenario))
    assert found == pytest.approx(exact, abs=0.02 * exact + error)
    assert exact == pytest.approx(MMC(load).mean if load > 0.3 else 0.833333, abs=5e-7)


@pytest.mark.soak
@pytest.mark.parametrize("servers, load", [(10, 0.2491), (20, 0.2620)])
def test_up_to_where_copies_of_constant_services_pay(servers: int, load: float) -> None:
    """There two copies take as long as one; for ever more servers at a load of 0.2719."""
    scenario = copies(servers, load, FirstValidOf(2), Constant(1.0), cancel="never")
    found, error = replicated(scenario, "mean", 10, SOAK // 10)
    alone = 1 + MD1Wait(load).mean
    assert found == pytest.approx(alone, abs=error + 3e-4)
    assert error < 0.005
