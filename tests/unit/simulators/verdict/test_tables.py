"""Tables V-E, V-E2 and V-F: the rules of thumb of an article, computed and judged."""

import math
from statistics import NormalDist
from typing import Any

import pytest

from simulators import verdict
from simulators.scenario import Branch, Poisson, Pool, Scenario
from simulators.verdict import Finding, Verdict
from spectest.latency import Exponential, GaussianCopula, Independent, Latency, LogNormal
from spectest.patterns.policies import EagerRace, FirstValid, WaitForAll
from tests.unit.simulators.verdict.cases import LAW, SECONDS, inside, number, pooled, reach, rule

Z99 = NormalDist().inv_cdf(0.99)


def lognormal(p99: float, sigma: float) -> LogNormal:
    return LogNormal(median=p99 / math.exp(Z99 * sigma), sigma=sigma)


def steps(one: Latency, other: Latency, dependence: Any = None) -> Scenario:
    """Two steps that are both needed: at once, and in control one after the other."""
    branches = [Branch("A", one, valid=0.0), Branch("B", other)]
    return Scenario(branches, EagerRace(), WaitForAll(), dependence=dependence or Independent())


def close(found: Finding, truth: float, digits: float) -> bool:
    """Within the digits of the table, or within four standard errors where it was simulated."""
    assert found.value is not None
    off = abs(number(found) - truth)
    return off <= digits or (found.value.n > 0 and off <= 2.1 * reach(found.value))


@pytest.mark.parametrize(
    "sigma, p99, p50, first",
    [
        (0.1, 13.98, 16.75, 1.0), (0.25, 10.72, 17.18, 1.0), (0.5, 7.02, 18.77, 0.9886),
        (0.8, 4.52, 20.76, 0.9226), (1.0, 3.56, 21.00, 0.8724),
    ],
)  # fmt: skip
def test_thirty_and_a_hundred_and_fifty(sigma: float, p99: float, p50: float, first: float) -> None:
    """The p99 of a sum is not the sum of p99s, which would save 16.67 %: it is disabled at p99."""
    one, other = lognormal(0.030, sigma), lognormal(0.150, sigma)
    judged = verdict.judge(steps(one, other), n=5000)
    assert close(judged["p99 improvement"], p99 / 100, 5e-5)
    assert close(judged["p50 improvement"], p50 / 100, 5e-5)
    assert judged.answer == "disable"
    assert judged.reason == "disable: against it is p99 improvement"
    assert judged.conflicts[0].startswith("conflict: for it is p50 improvement")
    race = Scenario([Branch("A", one), Branch("B", other)], EagerRace())
    assert close(rule(race, "first answers", n=5000, engine="fast"), first, 5e-5)


def test_thirty_and_a_hundred_and_fifty_of_exponential_branches() -> None:
    one, other = (Exponential(p99 / math.log(100)) for p99 in (0.030, 0.150))
    assert close(rule(steps(one, other), "p99 improvement", n=5000), 0.0462, 5e-5)
    race = Scenario([Branch("A", one), Branch("B", other)], EagerRace())
    assert close(rule(race, "first answers", n=10_000, engine="fast"), 0.8333, 5e-5)


def correlated(r: float) -> Scenario:
    return steps(lognormal(0.030, 0.5), lognormal(0.150, 0.5), GaussianCopula(r))


def test_p99s_add_up_if_both_are_always_slow_together() -> None:
    together = rule(correlated(1.0), "p99 improvement", n=20_000)
    assert number(together) == pytest.approx(30 / 180, abs=1e-12)
    assert together.result != "against"


@pytest.mark.soak
@pytest.mark.parametrize("r, p99", [(0.5, 169.53), (0.9, 177.8)])
def test_correlated_steps(r: float, p99: float) -> None:
    found = rule(correlated(r), "p99 improvement", n=1_000_000)
    assert close(found, 1 - 150 / p99, 0.0)


@pytest.mark.parametrize(
    "valid, gain, slower, wins",
    [
        (0.0, 7.0, 1.0, None), (0.5, 7.98, None, None), (0.85, 10.3, None, None),
        (0.95, 13.6, None, None), (0.98, 17.96, 10.8, 0.969), (0.995, 6.0, None, None),
    ],
)  # fmt: skip
def test_a_cascade_that_asks_both_at_once(
    valid: float, gain: float, slower: float | None, wins: float | None
) -> None:
    """The rule of first answers is against it exactly where p99 gains most."""
    branches = [
        Branch("A", lognormal(0.030, 0.5), valid=valid),
        Branch("B", lognormal(0.150, 0.5), pool="slow"),
    ]
    alone = Scenario([branches[0], Branch("B", branches[1].latency)], EagerRace())
    assert close(rule(alone, "p99 improvement", n=1000), gain / 100, 6e-4)
    if wins is not None:
        assert close(rule(alone, "first answers", n=10_000, engine="fast"), wins, 5e-4)
    if slower is not None:
        pools = [Pool("slow", 1000)]
        shared = Scenario(branches, EagerRace(), pools=pools, arrivals=Poisson(100.0))
        assert close(rule(shared, "demand on slow", n=15_000), slower, 0.05)


WON = 0.85


@pytest.mark.parametrize(
    "sigmas, p50, p95, p99, cancelled, whole",
    [
        (None, 15, 15, 15, 1.70, 6.67), ((0.25, 0.25), 2.0, 7.4, 10.4, 1.93, 2.44),
        ((0.5, 0.5), 4.0, 14.3, 19.8, 1.85, 3.08), ((1.0, 1.0), 7.8, 26.5, 35.6, 1.61, 5.33),
        ((1.5, 0.3), 0.0, 54.6, 78.3, 1.12, 2.66), ((0.3, 1.5), 5.8, 3.7, 3.5, 1.85, 15.4),
    ],
)  # fmt: skip
def test_one_win_rate_and_any_improvement(
    sigmas: tuple[float, float] | None, p50: float, p95: float, p99: float,
    cancelled: float, whole: float,
) -> None:  # fmt: skip
    """Table V-E2: the faster branch wins 85 %, against asking it alone."""
    judged = won_by_85(sigmas, "immediate")
    for name, gain in (("p50", p50), ("p95", p95), ("p99", p99)):
        assert close(judged[f"{name} improvement"], gain / 100, 6e-4), name
    assert close(judged["first answers"], WON, 0.0)
    assert close(judged["cost"], cancelled, 6e-3)
    assert close(won_by_85(sigmas, "never")["cost"], whole, 0.06)


def won_by_85(sigmas: tuple[float, float] | None, cancel: Any) -> Verdict:
    laws: list[Latency]
    if sigmas is None:
        laws = [Exponential(1.0), Exponential(WON / (1 - WON))]
    else:
        apart = NormalDist().inv_cdf(WON) * math.hypot(*sigmas)
        laws = [LogNormal(1.0, sigmas[0]), LogNormal(math.exp(apart), sigmas[1])]
    branches = [
        Branch(name, law, cancel=cancel, cost=SECONDS)
        for name, law in zip(("fast", "slow"), laws, strict=True)
    ]
    scenario = Scenario(branches, EagerRace(), FirstValid())
    return verdict.judge(scenario, n=5000, percentiles=("p50", "p95", "p99"))


@pytest.mark.parametrize("cancel, slots", [("never", 6.37), ("immediate", 2.11)])
def test_slots_that_a_pair_holds(cancel: Any, slots: float) -> None:
    """At 100 requests a second B alone holds 5.31 slots, and both together more, or fewer."""
    branches = [
        Branch("B", lognormal(0.150, 0.5), pool="both", cancel=cancel),
        Branch("A", lognormal(0.030, 0.5), pool="both", cancel=cancel),
    ]
    pools = [Pool("both", 1000)]
    scenario = Scenario(branches, EagerRace(), pools=pools, arrivals=Poisson(100.0))
    assert close(rule(scenario, "demand on both", n=4000), slots / 5.31, 2e-3)


P99_ALONE = {0.3: 10.21, 0.5: 10.22, 0.6: 10.26, 0.7: 10.37, 0.8: 10.85, 0.9: 13.79}


@pytest.mark.parametrize(
    "load, cancel, limiter, p99, answer",
    [
        (0.6, "immediate", "drop", 7.06, "enable"), (0.6, "immediate", "none", 6.75, "enable"),
        (0.6, "never", "drop", 7.23, "enable"), (0.6, "never", "none", None, "disable"),
        (0.9, "immediate", "drop", 13.14, "disable"),
    ],
)  # fmt: skip
def test_a_pool_of_ten(
    load: float, cancel: str, limiter: str, p99: float | None, answer: str
) -> None:
    """Table V-F. Without cancellation a limiter saves it; with cancellation it takes the gain."""
    judged = verdict.judge(pooled(load, cancel, limiter), n=10_000, seed=1)
    assert judged.answer == answer
    if p99 is not None:
        assert close(judged["p99 improvement"], 1 - p99 / P99_ALONE[load], 0.0)


@pytest.mark.soak
@pytest.mark.parametrize(
    "load, cancel, limiter, p99",
    [
        (0.3, "immediate", "drop", 6.67), (0.3, "immediate", "none", 6.66),
        (0.3, "never", "drop", 6.68), (0.3, "never", "none", 6.67),
        (0.5, "immediate", "drop", 6.81), (0.5, "immediate", "none", 6.69),
        (0.5, "never", "drop", 6.87), (0.5, "never", "none", None),
        (0.6, "never", "none", None), (0.7, "immediate", "drop", 7.71),
        (0.7, "immediate", "none", 6.91), (0.7, "never", "drop", 8.02),
        (0.7, "never", "none", None), (0.8, "immediate", "drop", 9.12),
        (0.8, "immediate", "none", 7.37), (0.8, "never", "drop", 9.44),
        (0.8, "never", "none", None), (0.9, "immediate", "none", 8.83),
        (0.9, "never", "drop", 13.70), (0.9, "never", "none", None),
    ],
)  # fmt: skip
def test_a_pool_of_ten_at_every_load(
    load: float, cancel: str, limiter: str, p99: float | None
) -> None:
    judged = verdict.judge(pooled(load, cancel, limiter), n=100_000, seed=1)
    assert (judged["metastability"].result == "against") == (p99 is None)
    if p99 is not None:
        assert close(judged["p99 improvement"], 1 - p99 / P99_ALONE[load], 0.0)


@pytest.mark.parametrize("load, free, held", [(0.3, 0.288, 0.300), (0.6, 0.575, 0.600)])
def test_a_hedge_that_cancels_asks_for_less(load: float, free: float, held: float) -> None:
    found = rule(pooled(load, "immediate"), "demand on gpu", n=5000)
    assert close(found, free / held, 0.0)
    assert inside(found, 1.579917 / LAW.mean)
