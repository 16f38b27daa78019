"""What theory says of copies, for any latencies: when they help, when they cost, when neither."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.exact import Solution, solve
from simulators.exact.attempts import Attempted
from simulators.exact.queues import MMC
from simulators.exact.races import Eager, Staggered
from simulators.exact.redundancy import redundancy_d
from simulators.scenario import Branch, Scenario
from spectest.latency import Exponential, Latency, LogNormal, Pareto, Uniform, Weibull
from spectest.patterns.policies import EagerRace, Hedge

FEW = settings(max_examples=25, deadline=None)
SCALES = st.floats(0.05, 20)
LATENCIES = st.one_of(
    st.builds(Exponential, SCALES),
    st.builds(LogNormal, SCALES, st.floats(0.1, 1.5)),
    st.builds(Weibull, SCALES, st.floats(0.5, 3)),
    st.builds(Pareto, SCALES, st.floats(1.5, 4)),
)
ATTEMPTS = st.builds(Attempted, LATENCIES, st.floats(0.1, 1))


@FEW
@given(st.lists(ATTEMPTS, min_size=1, max_size=3), ATTEMPTS, st.floats(0.001, 100))
def test_another_eager_branch_never_makes_an_answer_later(
    attempts: list[Attempted], more: Attempted, t: float
) -> None:
    # Stochastic order; with a shared pool it is false.
    fewer, greater = Eager(attempts), Eager([*attempts, more])
    assert greater.open(t) <= fewer.open(t)
    assert greater.unanswered <= fewer.unanswered


@FEW
@given(LATENCIES, LATENCIES, st.floats(0, 5), st.floats(0, 5), st.floats(0.001, 100))
def test_an_earlier_hedge_never_makes_an_answer_later(
    one: Latency, two: Latency, delay: float, more: float, t: float
) -> None:
    pair = [Attempted(one), Attempted(two)]
    assert Staggered(pair, delay).open(t) <= Staggered(pair, delay + more).open(t)


@FEW
@given(st.floats(0.5, 1), SCALES, st.integers(2, 4))
def test_copies_of_a_log_convex_tail_save_time_and_work(
    shape: float, scale: float, copies: int
) -> None:
    # Joshi, Soljanin and Wornell, 2017: full redundancy with cancellation.
    law = Weibull(scale, shape)
    race = Eager([Attempted(law)] * copies)
    assert race.mean <= law.mean
    assert math.fsum(race.work(i) for i in range(copies)) <= law.mean * (1 + 1e-9)


@FEW
@given(st.floats(1, 4), SCALES, st.integers(2, 4))
def test_copies_of_a_log_concave_tail_cost_work(shape: float, scale: float, copies: int) -> None:
    law = Weibull(scale, shape)
    race = Eager([Attempted(law)] * copies)
    assert math.fsum(race.work(i) for i in range(copies)) >= law.mean * (1 - 1e-9)


@FEW
@given(SCALES, st.floats(0, 3))
def test_hedging_memoryless_work_is_neutral(mean: float, delay: float) -> None:
    scenario = Scenario(
        [Branch("a", Exponential(mean)), Branch("b", Exponential(mean))], Hedge(delay * mean)
    )
    answer = solve(scenario)
    assert isinstance(answer, Solution)
    assert answer["work"] == pytest.approx(mean, rel=1e-9)


@FEW
@given(SCALES, SCALES)
def test_the_win_rate_of_the_faster_is_what_is_not_gained(one: float, two: float) -> None:
    fast, slow = sorted((one, two))
    race = Eager([Attempted(Exponential(fast)), Attempted(Exponential(slow))])
    gained = 1 - race.quantile(0.99) / Exponential(fast).quantile(0.99)
    assert race.wins(0) == pytest.approx(1 - gained, abs=1e-9)


@FEW
@given(st.integers(2, 12), st.floats(0.01, 0.95))
def test_more_copies_of_memoryless_work_that_is_cancelled_never_hurt(
    servers: int, rate: float
) -> None:
    # Shah, Lee and Ramchandran, IEEE Transactions on Communications 64(2), 2016.
    means = [redundancy_d(servers, copies, rate) for copies in range(1, servers + 1)]
    assert all(more <= less * (1 + 1e-12) for less, more in itertools.pairwise(means))
    assert means[0] == pytest.approx(MMC(rate).mean)


@FEW
@given(st.floats(0.01, 0.9), st.floats(1, 10))
def test_an_eager_race_of_light_tails_doubles_work_at_most(low: float, width: float) -> None:
    law = Uniform(low, low + width)
    answer = solve(Scenario([Branch("a", law), Branch("b", law)], EagerRace()))
    assert isinstance(answer, Solution)
    assert law.mean < answer["work"] <= 2 * law.mean
