"""Scenarios with a formula: which one is used, and that simulation agrees with it."""

from __future__ import annotations

import math
from itertools import product

import pytest

from simulators.estimators import cut
from simulators.estimators.intervals import spread_of
from simulators.estimators.measures import statistic
from simulators.exact import NotApplicable, Solution, solve
from simulators.exact.queues import MMC, erlang_b
from simulators.fast import run
from simulators.scenario import (
    Branch,
    Closed,
    Cost,
    Deterministic,
    Limiter,
    Poisson,
    Pool,
    Scenario,
)
from spectest.latency import (
    CommonShock,
    Constant,
    Empirical,
    Exponential,
    GaussianCopula,
    LogNormal,
    PairedRows,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from spectest.patterns.policies import (
    AfterFirst,
    Cascade,
    EagerRace,
    FirstValidOf,
    Hedge,
    Ranked,
    Sequential,
    Tied,
    WaitForAll,
)

LAW = LogNormal(1.0, 1.0)
COST = Cost(fixed=0.5, per_token=0.01, tokens=100, per_gpu_second=0.2)
SURE = [Branch("a", LAW, cost=COST), Branch("b", Weibull(1.0, 0.7), cost=COST)]
THIRD = Branch("c", Exponential(2.0))
FAILING = [
    Branch("a", LAW, valid=0.9, failure=0.1, timeout=3.0, cancel=("delay", 0.4), cost=COST),
    Branch("b", Exponential(1.0), valid=0.8, cancel="never", timeout=2.0),
]
ROWS = PairedRows([{"a": 1.0, "b": 3.0}, {"a": 9.0, "b": 1.0}, {"a": 5.0, "b": 8.0}])


def pooled(
    law: object, rate: float, servers: int, patience: float | None = None, **more: object
) -> Scenario:
    pool = Pool("p", servers, acquire_timeout=patience)
    branch = Branch("a", law, pool="p", **more)  # type: ignore[arg-type]
    return Scenario([branch], Sequential(), pools=[pool], arrivals=Poisson(rate))


def copies(policy: object, number: int, rate: float) -> Scenario:
    branches = [Branch(f"b{i}", Exponential(1.0), pool=f"p{i}") for i in range(number)]
    pools = [Pool(f"p{i}", 1) for i in range(number)]
    return Scenario(branches, policy, pools=pools, arrivals=Poisson(rate))  # type: ignore[arg-type]


SHARING_NOTHING = {
    "one": Scenario(SURE[:1], Sequential()),
    "in turn": Scenario([*FAILING, THIRD], Sequential()),
    "cascade": Scenario(FAILING, Cascade()),
    "patience": Scenario(FAILING, Cascade(patience=1.0)),
    "hedge": Scenario(SURE, Hedge(1.5)),
    "three": Scenario([*SURE, THIRD], Hedge(1.0)),
    "most": Scenario([*SURE, THIRD], Hedge(1.0, most=2)),
    "lingering": Scenario([Branch("a", LAW, cancel=("delay", 0.3)), SURE[1]], Hedge(1.5)),
    "failing hedge": Scenario(FAILING, Hedge(1.5)),
    "late hedge": Scenario(FAILING, Hedge(4.0)),
    "eager": Scenario([*FAILING, THIRD], EagerRace()),
    "window": Scenario(FAILING, EagerRace(), AfterFirst(0.5)),
    "ranked": Scenario([*FAILING, THIRD], EagerRace(), Ranked()),
    "all": Scenario(FAILING, EagerRace(), WaitForAll()),
    "some": Scenario([*SURE, THIRD], FirstValidOf(2)),
    "copula": Scenario(SURE, Hedge(1.5), dependence=GaussianCopula(0.6)),
    "eager copula": Scenario(SURE, EagerRace(), dependence=GaussianCopula(0.6)),
    "slow days": Scenario(SURE, Hedge(1.5), dependence=CommonShock(0.1, factor=3.0)),
    "rows": Scenario(SURE, Hedge(2.5), dependence=ROWS),
}
IN_POOLS = {
    "M/M/1": pooled(Exponential(1.0), 0.6, 1),
    "M/M/3": pooled(Exponential(1.0), 2.1, 3, valid=0.9, cost=COST),
    "Erlang B": pooled(LAW, 3.0, 5, patience=0.0),
    "M/M/4+D": pooled(Exponential(1.0), 3.5, 4, patience=0.7),
    "M/M/2+D": pooled(Exponential(1.0), 3.0, 2, patience=1.5),
    "M/D/1": pooled(Constant(1.0), 0.7, 1),
    "Pollaczek-Khinchine": pooled(ShiftedExponential(0.5, 1.0), 0.6, 1),
    "D/M/1": Scenario(
        [Branch("a", Exponential(1.0), pool="p")], Sequential(), pools=[Pool("p", 1)],
        arrivals=Deterministic(1.6),
    ),
    "redundancy-2 of 3": copies(FirstValidOf(2), 3, 1.5),
    "redundancy-2 of 2": copies(EagerRace(), 2, 1.2),
    "cancel on start, M/M/2": copies(Tied(), 2, 1.2),
}  # fmt: skip


def agrees(scenario: Scenario, n: int, seed: int, warm_up: int = 0) -> None:
    exact = solve(scenario)
    assert isinstance(exact, Solution)
    requests = cut(run(scenario, n, seed), warm_up)
    for measure, value in exact.measures.items():
        found = statistic(requests, measure)
        queued = scenario.shares or measure == "utilisation"
        spread = spread_of(found.influence, queued=queued)
        assert spread.refused is None, (measure, spread.refused)
        close = abs(found.value - value) <= 4 * spread.error + 1e-9 * max(abs(value), 1)
        # A law of steps has no density, and no standard error for its percentiles.
        steps = isinstance(scenario.dependence, PairedRows) and measure.startswith("p")
        if steps:
            close = found.value == pytest.approx(value, rel=1e-12)
        assert close, (measure, found.value, value, spread.error)


SLOW_TO_SIMULATE = {"ranked": 20_000, "some": 50_000, "rows": 50_000}


@pytest.mark.parametrize("name", SHARING_NOTHING)
def test_simulation_agrees_with_the_survival_function(name: str) -> None:
    agrees(SHARING_NOTHING[name], SLOW_TO_SIMULATE.get(name, 200_000), seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("name", SHARING_NOTHING)
def test_a_million_requests_agree_with_the_survival_function(name: str) -> None:
    agrees(SHARING_NOTHING[name], 1_000_000, seed=2)


@pytest.mark.parametrize("name", IN_POOLS)
def test_simulation_agrees_with_the_formula_of_a_queue(name: str) -> None:
    exact = solve(IN_POOLS[name])
    assert isinstance(exact, Solution)
    assert exact.formula == name
    n = 12_000 if len(IN_POOLS[name].pools) > 1 else 200_000
    agrees(IN_POOLS[name], n, seed=6, warm_up=n // 20)


@pytest.mark.soak
@pytest.mark.parametrize("name", IN_POOLS)
def test_many_more_requests_agree_with_the_formula_of_a_queue(name: str) -> None:
    n = 100_000 if len(IN_POOLS[name].pools) > 1 else 1_000_000
    agrees(IN_POOLS[name], n, seed=7, warm_up=n // 20)


@pytest.mark.parametrize("law", [Exponential(1.0), LAW, Constant(1.0)])
def test_loss_depends_on_the_mean_of_the_service_only(law: object) -> None:
    mean = law.mean  # type: ignore[attr-defined]
    exact = solve(pooled(law, 7 / mean, 10, patience=0.0))
    assert isinstance(exact, Solution)
    assert exact["unanswered"] == pytest.approx(erlang_b(10, 7), abs=1e-12)
    assert exact["unanswered"] == pytest.approx(0.078741, abs=5e-7)


def test_patience_lies_between_loss_and_waiting_for_ever() -> None:
    none, endless = (solve(pooled(Exponential(1.0), 3.0, 4, p)) for p in (1e-9, 60.0))
    assert isinstance(none, Solution)
    assert isinstance(endless, Solution)
    assert none["unanswered"] == pytest.approx(erlang_b(4, 3.0), abs=1e-8)
    assert endless["mean"] == pytest.approx(MMC(3.0, 1.0, 4).mean, abs=1e-9)
    assert endless["p99"] == pytest.approx(MMC(3.0, 1.0, 4).quantile(0.99), abs=1e-9)


def test_an_overloaded_pool_with_patience_has_a_steady_state() -> None:
    scenario = pooled(Exponential(1.0), 4.0, 4, 0.5)  # the load is exactly 1
    exact = solve(scenario)
    assert isinstance(exact, Solution)
    beside = solve(pooled(Exponential(1.0), 4.0 + 1e-7, 4, 0.5))
    assert isinstance(beside, Solution)
    assert exact["mean"] == pytest.approx(beside["mean"], rel=1e-5)
    assert exact["p99"] == pytest.approx(beside["p99"], rel=1e-5)


@pytest.mark.parametrize(
    "scenario, reason",
    [
        (Scenario([*FAILING, THIRD], Hedge(1.0)), "3 staggered branches that fail"),
        (Scenario(SURE, Hedge(1.0), Ranked()), "has no formula; FirstValid"),
        (Scenario(SURE, Tied()), "Tied(delay=0.0) without pools"),
        (Scenario(FAILING, FirstValidOf(1)), "replaces what ends in vain"),
        (
            Scenario(FAILING, EagerRace(), dependence=GaussianCopula(0.5)),
            "two branches that always",
        ),
        (
            Scenario(SURE, EagerRace(), dependence=CommonShock(0.1, extra=Exponential(1.0))),
            "a factor or a constant extra",
        ),
        (Scenario(SURE, Sequential(), arrivals=Closed(3, 1.0)), "users wait for their answers"),
        (
            Scenario(SURE, Hedge(1.0), limiter=Limiter("budget", ratio=0.1), arrivals=Poisson(1.0)),
            "a limiter of kind 'budget'",
        ),
        (pooled(LAW, 1.0, 4), "LogNormal services with 4 servers and Poisson arrivals"),
        (pooled(Exponential(1.0), 0.5, 1, timeout=2.0), "the timeout of branch 'a'"),
        (pooled(LAW, 1.0, 4, 0.5), "acquire_timeout has a formula for Poisson"),
        (
            Scenario([Branch("a", Empirical(range(20_001)))], Sequential()),
            "20001 measured values make a formula of too many steps",
        ),
        (copies(Hedge(1.0), 2, 0.5), "Hedge(delay=1.0, most=None) with a pool"),
    ],
)  # fmt: skip
def test_what_has_no_formula_says_why(scenario: Scenario, reason: str) -> None:
    answer = solve(scenario)
    assert isinstance(answer, NotApplicable)
    assert reason in str(answer)
    assert not answer


def test_an_overloaded_pool_is_not_answered() -> None:
    pool = Pool("p", 1)
    branch = Branch("a", Exponential(1.0), pool="p")
    scenario = Scenario(
        [branch], Sequential(), pools=[pool], arrivals=Poisson(1.5), overload="allowed"
    )
    assert "its queue only grows" in str(solve(scenario))


def test_a_measure_without_a_formula_says_why() -> None:
    answer = solve(SHARING_NOTHING["copula"])
    assert isinstance(answer, Solution)
    with pytest.raises(KeyError, match="cost: what is done of a service depends"):
        answer["cost"]
    assert str(answer).startswith("survival of a delayed hedge under a Gaussian copula: mean")


def test_many_branches_in_turn_have_means_and_no_percentiles() -> None:
    answer = solve(SHARING_NOTHING["in turn"])
    assert isinstance(answer, Solution)
    assert answer.survival is None
    with pytest.raises(KeyError, match="p99: more than 2 branches one after the other"):
        answer["p99"]


def test_a_tail_without_a_mean_has_percentiles_and_copies_may_have_a_mean() -> None:
    heavy = Branch("a", Pareto(1.0, alpha=0.8))
    alone = solve(Scenario([heavy], Sequential()))
    assert isinstance(alone, Solution)
    assert (alone["mean"], alone["work"]) == (math.inf, math.inf)
    assert alone["p99"] == pytest.approx(100 ** (1 / 0.8))
    with pytest.raises(KeyError, match="wasted: the mean of all work is infinite"):
        alone["wasted"]
    two = solve(Scenario([heavy, Branch("b", Pareto(1.0, alpha=0.8))], EagerRace()))
    assert isinstance(two, Solution)
    assert two["mean"] == pytest.approx(1.6 / 0.6, rel=1e-9)


def test_nobody_answers() -> None:
    answer = solve(Scenario([Branch("a", 1.0, valid=0.0)], Sequential()))
    assert isinstance(answer, Solution)
    assert answer["unanswered"] == 1
    assert answer["work"] == 1
    with pytest.raises(KeyError, match="p99: no request is answered"):
        answer["p99"]


def test_the_published_replay_is_exact() -> None:
    # One row in three hedges at 2.5 and is answered by its backup at 2.5 + 1.
    answer = solve(SHARING_NOTHING["rows"])
    assert isinstance(answer, Solution)
    assert answer["mean"] == pytest.approx((1 + 3.5 + 5) / 3, abs=1e-12)
    assert answer["launches"] == pytest.approx(1 + 2 / 3, abs=1e-12)
    assert answer["work"] == pytest.approx((1 + 3.5 + 1 + 5 + 2.5) / 3, abs=1e-12)
    assert not math.isnan(answer["wasted"])


def test_answers_at_one_moment() -> None:
    both = [Branch("a", 1.0, valid=0.8), Branch("b", 1.0, valid=0.8)]
    eager = solve(Scenario(both, EagerRace()))
    assert isinstance(eager, Solution)
    assert eager["wasted"] == pytest.approx(2 - 0.96, abs=1e-12)
    hedged = solve(Scenario([Branch("a", 1.0), Branch("b", 0.5)], Hedge(0.5)))
    assert isinstance(hedged, Solution)
    assert hedged["work"] == pytest.approx(1.5, abs=1e-12)
    with pytest.raises(KeyError, match="wasted: two answers at one moment have no winner"):
        hedged["wasted"]


def test_a_race_of_measured_values_is_that_of_all_their_pairs() -> None:
    first, second = [0.1 * k * k for k in range(1, 40)], [0.07 * k**1.5 for k in range(1, 60)]
    branches = [Branch("a", Empirical(first)), Branch("b", Empirical(second))]
    exact = solve(Scenario(branches, Hedge(1.0)))
    assert isinstance(exact, Solution)
    pairs = sorted(min(one, 1.0 + two) for one in first for two in second)
    assert exact["mean"] == pytest.approx(math.fsum(pairs) / len(pairs), rel=1e-12)
    assert exact["p95"] == pytest.approx(pairs[math.ceil(0.95 * len(pairs)) - 1], rel=1e-12)


def test_a_measured_primary_that_fails_is_that_of_all_pairs_and_outcomes() -> None:
    first, second = [0.3, 0.7, 0.9, 1.6, 4.0], [0.2, 0.5, 1.1, 2.3]
    branches = [
        Branch("a", Empirical(first), failure=0.2),
        Branch("b", Empirical(second), failure=0.1),
    ]
    exact = solve(Scenario(branches, Hedge(1.0)))
    assert isinstance(exact, Solution)
    answered = total = 0.0
    for one, two in product(first, second):
        for good, other in product((True, False), repeat=2):
            begins = 1.0 if good else min(one, 1.0)
            ends = [one] * good + [begins + two] * other
            weight = (0.8 if good else 0.2) * (0.9 if other else 0.1) / 20
            answered += weight * bool(ends)
            total += weight * min(ends, default=0.0)
    assert exact["unanswered"] == pytest.approx(1 - answered, rel=1e-9)
    assert exact["mean"] == pytest.approx(total / answered, rel=1e-9)


def test_a_measured_primary_that_fails_has_so_many_pairs_at_most() -> None:
    many = Empirical([0.01 * k for k in range(1, 101)])
    answer = solve(Scenario([Branch("a", many, failure=0.1), Branch("b", many)], Hedge(0.5)))
    assert isinstance(answer, NotApplicable)
    assert "10201 pairs of values" in str(answer)
