"""Facts about the statistics of a simulation, each with its exact value (tables 1.0)."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest

from simulators.estimators import compare, control_of, cut, estimate
from simulators.estimators.influence import mean_of, quantile_of
from simulators.estimators.intervals import spread_of
from simulators.exact.attempts import Attempted, average
from simulators.exact.quadrature import tail_integral
from simulators.exact.races import Staggered
from simulators.fast import run
from simulators.scenario import Branch, Scenario
from spectest.latency import LogNormal
from spectest.patterns.policies import Hedge
from tests.unit.simulators.estimators.sequences import mm1, requests_of, waits_of

LAW = LogNormal(1.0, 1.0)
HEDGED = Scenario([Branch("one", LAW), Branch("two", LAW)], Hedge(LAW.quantile(0.95)))


def test_the_error_of_a_mean_wait_is_nine_times_that_of_independent_requests() -> None:
    n, runs = 100_000, 24
    generator = np.random.default_rng(20)
    batched, naive, means = [], [], []
    for _ in range(runs):
        waits = mm1(generator, n + 2_000)[2_000:]
        spread = spread_of(waits, queued=True)
        assert spread.refused is None
        batched.append(n * spread.error**2)
        naive.append(n * spread_of(waits, queued=False).error ** 2)
        means.append(float(waits.mean()))
    assert np.mean(batched) == pytest.approx(1976, rel=0.2)
    assert np.mean(naive) == pytest.approx(24, rel=0.1)
    assert np.mean(means) == pytest.approx(4, abs=4 * math.sqrt(1976 / (n * runs)))


def test_the_wait_after_a_start_from_empty() -> None:
    # F. Spitzer: the mean wait after n predecessors is the sum over k <= n of E[S_k+] / k.
    runs = 40_000
    generator = np.random.default_rng(7)
    services = generator.exponential(1.0, (runs, 200))
    gaps = generator.exponential(1.25, (runs, 200))
    wait, means = np.zeros(runs), {}
    for number in range(1, 201):
        wait = np.maximum(wait + services[:, number - 1] - gaps[:, number - 1], 0.0)
        means[number] = (float(wait.mean()), float(wait.std()) / math.sqrt(runs))
    exact = {
        1: 0.444444, 2: 0.751715, 5: 1.357765, 10: 1.957081, 20: 2.622847, 50: 3.425343,
        100: 3.814251, 200: 3.971408,
    }  # fmt: skip
    for number, value in exact.items():
        mean, error = means[number]
        assert abs(mean - value) < 4 * error


def test_cutting_by_completion_favours_long_requests() -> None:
    runs, each = 400, 500
    generator = np.random.default_rng(3)
    latencies = run(HEDGED, runs * each, seed=3).latency.reshape(runs, each)
    by_arrival, by_completion = [], []
    for latency in latencies:
        completed = np.cumsum(generator.exponential(0.1, each)) + latency
        by_arrival.append(float(cut(requests_of(latency), 50).latency.mean()))
        by_completion.append(float(latency[np.argsort(completed)[50:]].mean()))
    error = float(np.std(by_arrival)) / math.sqrt(runs)
    exact = Staggered([Attempted(LAW)] * 2, LAW.quantile(0.95)).mean
    assert abs(np.mean(by_arrival) - exact) < 4 * error
    assert np.mean(by_completion) > np.mean(by_arrival) + 4 * error


@pytest.mark.parametrize(
    "p, hedged, error",
    [
        (0.5, False, 0.001253), (0.95, False, 0.010947), (0.99, False, 0.038230),
        (0.999, False, 0.206347), (0.99, True, 0.009390), (0.999, True, 0.043327),
    ],
)  # fmt: skip
def test_the_error_of_a_percentile(p: float, hedged: bool, error: float) -> None:
    n = 200_000
    requests = run(HEDGED if hedged else control_of(HEDGED), n, seed=11)
    exact = error * math.sqrt(1e6 / n)
    found = quantile_of(requests.latency, p)
    by_influence = spread_of(found.influence, queued=False).error
    assert by_influence == pytest.approx(exact, rel=0.15 if p < 0.999 else 0.5)
    interval = estimate(requests, f"p{p * 100:g}")
    z = NormalDist().inv_cdf(0.975)
    assert interval.half_width == pytest.approx(z * exact, rel=0.3 if p < 0.999 else 0.5)
    assert interval.method == "binomial order statistics"


def test_common_draws_make_a_difference_of_means_more_precise_and_one_of_tails_hardly() -> None:
    delay = LAW.quantile(0.95)
    race = Staggered([Attempted(LAW)] * 2, delay)
    hedged_variance = _second_moment(race.survival) - race.mean**2
    gained = _second_moment(lambda x: average(LAW, lambda y: LAW.sf(delay + x + y)))
    apart = gained - (LAW.mean - race.mean) ** 2
    exact = (hedged_variance + LAW.variance) / apart
    assert exact == pytest.approx(5.610, abs=1e-3)

    hedged = run(HEDGED, 400_000, seed=5)
    control = run(control_of(HEDGED), 400_000, seed=5)
    found = compare(hedged, control, measures=["mean", "p99"])
    assert found["mean"].times == pytest.approx(exact, rel=0.1)
    # P(both above their p99) = 0.01 sf(1.486): a correlation of 0.339 between errors of 1 to 4.07.
    assert found["p99"].times == pytest.approx(1.186, rel=0.05)


def test_a_latency_with_a_known_mean_is_a_control_variate() -> None:
    hedged, control = run(HEDGED, 400_000, seed=5), run(control_of(HEDGED), 400_000, seed=5)
    slope = np.cov(hedged.latency, control.latency)[0, 1] / control.latency.var()
    left = (hedged.latency - slope * control.latency).var()
    assert hedged.latency.var() / left == pytest.approx(4.240, rel=0.1)


def _second_moment(survival: Callable[[float], float]) -> float:
    return tail_integral(lambda t: 2 * t * survival(t), 0.0, 1.0, (LAW.quantile(0.95),), 1e-9)


def test_gaps_stand_before_their_arrivals() -> None:
    generator = np.random.default_rng(1)
    n = 400_000
    gaps = generator.exponential(2.0, n - 1)
    first, second = generator.exponential(1.0, n), generator.exponential(1.25, n)
    one = waits_of(first, gaps) + first
    departures = np.concatenate([[0.0], np.cumsum(gaps)]) + one
    two = waits_of(second, np.diff(departures)) + second
    through = spread_of(one + two, queued=True).around(float((one + two).mean()), 0.9999, n)
    assert through.low is not None
    assert through.high is not None
    assert through.low < 16 / 3 < through.high
    assert through.half_width < 0.2  # with the gaps off by one it is 5.754


def test_a_mean_of_some_is_a_ratio() -> None:
    values, counted = np.array([1.0, 5.0, 3.0, 7.0]), np.array([True, False, True, False])
    found = mean_of(values, counted)
    assert found.value == 2.0
    assert found.influence.tolist() == [-2.0, 0.0, 2.0, 0.0]
