"""Intervals: where they come from, how often they hold, and when they are refused."""

import math

import numpy as np
import pytest

from simulators import estimators
from simulators.estimators import compare, control_of, cut, estimate, mser, of_replications, until
from simulators.estimators.intervals import spread_of
from simulators.estimators.tables import binomial_limits, student
from simulators.fast import run
from simulators.results import Requests
from simulators.scenario import Branch, Cost, Poisson, Pool, Scenario
from spectest.latency import Constant, Exponential, LogNormal
from spectest.patterns.policies import EagerRace, Hedge, Sequential
from tests.unit.simulators.estimators.sequences import QUEUED, mm1, requests_of


@pytest.mark.parametrize(
    "freedom, t", [(1, 12.7062), (2, 4.30265), (5, 2.57058), (31, 2.03951), (63, 1.99834)]
)
def test_students_t(freedom: int, t: float) -> None:
    assert student(0.95, freedom) == pytest.approx(t, abs=6e-5 * t)


def test_binomial_limits_are_the_narrowest_that_hold() -> None:
    # n = 10, p = 1/2: P(2 <= B <= 8) = 0.9785, and P(3 <= B <= 7) = 0.8906 is too little.
    assert binomial_limits(10, 0.5, 0.95) == (1, 8)
    assert binomial_limits(5, 0.5, 0.95) is None
    limits = binomial_limits(1_000_000, 0.99, 0.95)
    assert limits is not None
    assert [limits[0], limits[1]] == pytest.approx([990_000 - 195, 990_000 + 195], abs=2)


def test_an_interval_of_a_percentile_holds_as_often_as_it_says() -> None:
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(400):
        found = estimate(requests_of(generator.exponential(1.0, 1_000)), "p95", level=0.9)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= math.log(20) <= found.high
    assert 0.86 < hits / 400 < 0.96


@pytest.mark.parametrize("measure, true", [("mean", 5.0), ("p95", -math.log(0.05) * 5)])
def test_an_interval_under_queueing_holds_as_often_as_it_says(measure: str, true: float) -> None:
    generator = np.random.default_rng(4)
    hits = naive = 0
    for _ in range(80):
        n = 60_000
        services = generator.exponential(1.0, n)
        gaps = generator.exponential(1.25, n - 1)
        steps = np.concatenate([[0.0], np.cumsum(services[:-1] - gaps)])
        latency = steps - np.minimum.accumulate(np.minimum(steps, 0)) + services
        found = estimate(cut(requests_of(latency, QUEUED), 5_000), measure)
        assert found.refused is None
        assert found.effective is not None
        assert found.effective < found.n / 10
        hits += abs(found.value - true) <= found.half_width
        naive += abs(found.value - true) <= estimate(requests_of(latency), measure).half_width
    assert hits / 80 > 0.85
    assert naive / 80 < 0.5


def test_an_interval_is_refused_while_batches_depend_on_each_other() -> None:
    drifting = np.linspace(0, 1, 2_000) + np.random.default_rng(1).random(2_000) / 10
    spread = spread_of(drifting, queued=True)
    assert spread.refused is not None
    assert spread.refused.startswith("the means of 16 batches of 125 requests still depend")
    found = estimate(requests_of(drifting, QUEUED), "mean")
    assert (found.low, found.high, found.half_width) == (None, None, math.inf)
    assert "no interval: the means of 16 batches" in str(found)


def test_few_requests_that_queue_are_refused() -> None:
    found = estimate(requests_of(np.random.default_rng(1).random(100), QUEUED), "p50")
    assert found.refused == "100 requests that queue are too few for batches; it takes 256 or more"


def test_a_tail_that_the_sample_does_not_have_is_refused() -> None:
    found = estimate(requests_of(np.random.default_rng(1).random(1_000)), "p99.9")
    assert found.refused is not None
    assert found.refused.startswith("1000 requests say too little of the 0.999-quantile")


def test_replications_are_independent_however_requests_queue() -> None:
    generator = np.random.default_rng(9)
    means = [float(mm1(generator, 20_000)[2_000:].mean()) for _ in range(40)]
    found = of_replications(means)
    assert abs(found.value - 4) <= 2 * found.half_width
    assert found.half_width == pytest.approx(2.02 * math.sqrt(1976 / 18_000 / 40), rel=0.5)
    assert of_replications([1.0]).refused == "1 replications; it takes two or more"


FIRST = Branch("first", LogNormal(1.0, 1.0), valid=0.9, pool="p", cost=Cost(fixed=2.0))
SECOND = Branch("second", Exponential(1.0), pool="p")


def raced(pools: int = 8) -> Requests:
    pool = Pool("p", pools)
    scenario = Scenario([FIRST, SECOND], Hedge(2.0), pools=[pool], arrivals=Poisson(2.0))
    return run(scenario, 40_000, seed=3)


def test_a_summary_has_all_measures() -> None:
    requests = raced()
    found = estimators.summary(requests)
    assert list(found) == [*estimators.MEASURES, "utilisation", "utilisation:p"]
    assert found["cost"].value == pytest.approx(2.0)
    assert found["launches"].value == pytest.approx(requests.launches.mean())
    assert found["wasted"].value < found["work"].value
    assert found["utilisation"].value == pytest.approx(
        requests.work.sum() / 8 / requests.arrival[-1], rel=1e-3
    )
    assert found["unanswered"].value == pytest.approx((~requests.answered).mean())
    assert found["p99"].value > found["p95"].value > found["mean"].value
    assert all(one.refused is None for one in found.values())


def test_latency_is_that_of_answered_requests() -> None:
    branch = Branch("one", Exponential(1.0), valid=0.5, timeout=1.0)
    requests = run(Scenario([branch], Sequential()), 20_000, seed=1)
    found = estimate(requests, "mean")
    assert found.value == pytest.approx(float(requests.latency[requests.answered].mean()))
    assert estimate(requests, "p50").value < 0.5 < found.half_width + 1


def test_nobody_answered() -> None:
    requests = run(Scenario([Branch("one", 1.0, valid=0.0)], Sequential()), 1_000)
    assert estimate(requests, "unanswered").value == 1
    assert estimate(requests, "p99").refused is not None
    mean = estimate(requests, "mean")
    assert math.isnan(mean.value)
    assert mean.refused == "no request has a value, so there is no mean"
    assert compare(requests, requests, measures=["mean"])["mean"].difference.refused is not None


def test_a_measure_with_a_typo_is_named() -> None:
    with pytest.raises(ValueError, match=r"measure 'p0' is not known; use one of mean, p50"):
        estimate(raced(), "p0")
    with pytest.raises(ValueError, match=r"pool 'q' is not known; the scenario has \['p'\]"):
        estimate(raced(), "utilisation:q")


def test_the_warm_up_is_cut_where_the_error_is_smallest() -> None:
    generator = np.random.default_rng(8)
    level = np.concatenate([np.linspace(10, 0, 300), np.zeros(4_700)])
    assert 200 <= mser(level + generator.standard_normal(5_000)) <= 400
    assert mser(generator.standard_normal(5_000)) < 1_500
    assert mser([1.0, 2.0]) == 0
    kept = cut(raced(), 1_000)
    assert len(kept) == 39_000
    assert kept.arrival[0] == raced().arrival[1_000]
    with pytest.raises(ValueError, match="first is 40000; of 40000 requests, cut fewer"):
        cut(raced(), 40_000)


def test_a_difference_is_of_the_same_requests() -> None:
    scenario = Scenario([Branch("a", LogNormal(1.0, 1.0)), Branch("b", Exponential(1.0))], Hedge(2))
    control = control_of(scenario)
    assert control.policy == Sequential()
    ours, theirs = run(scenario, 20_000, seed=2), run(control, 20_000, seed=2)
    found = compare(ours, theirs)["mean"]
    apart = ours.latency - theirs.latency
    assert found.difference.value == pytest.approx(float(apart.mean()))
    assert found.difference.half_width == pytest.approx(
        1.96 * float(apart.std()) / math.sqrt(20_000), rel=1e-3
    )
    assert found.saved.value == pytest.approx(1 - found.value / found.control)
    with pytest.raises(ValueError, match="of seed 2 cannot be paired with 20000 of seed 3"):
        compare(ours, run(control, 20_000, seed=3))


def test_nothing_differs_from_itself() -> None:
    requests = raced()
    for name, found in compare(requests, requests).items():
        assert found.difference.value == 0, name
        assert found.difference.half_width == 0, name


def test_simulation_stops_when_a_number_is_known_well_enough() -> None:
    scenario = Scenario([Branch("a", Exponential(1.0)), Branch("b", Exponential(1.0))], EagerRace())
    asked: list[int] = []

    def simulate(n: int) -> Requests:
        asked.append(n)
        return run(scenario, n, seed=1)

    found = until(simulate, "mean", 0.01, first=1_000)
    assert found.precise
    assert found.estimate.relative <= 0.01
    assert asked == [1_000 * 2**k for k in range(len(asked))]
    assert 16_000 <= asked[-1] <= 64_000  # (1.96 / 0.01)**2 = 38,416
    short = until(simulate, "mean", 0.01, first=1_000, most=3_000)
    assert not short.precise
    assert asked[-1] == 3_000


def test_a_constant_is_known_at_once() -> None:
    requests = run(Scenario([Branch("a", Constant(2.0))], Sequential()), 1_000)
    found = estimate(requests, "mean")
    assert (found.low, found.high) == (2.0, 2.0)
