"""Branches that start together, or one after the other: order statistics, and simulation.

Sources: H. A. David, H. N. Nagaraja, Order Statistics, 2003; J. Dean, L. A. Barroso, The Tail at
Scale, 2013, for fans; G. Ananthanarayanan et al., NSDI 2013, for clones of stragglers; arXiv
2510.04371 for guessed calls.
"""

import dataclasses
import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

from simulators import fast
from simulators.estimators.influence import mean_of
from simulators.exact import order_statistics, redundancy
from simulators.exact.attempts import Attempted, added_sf
from simulators.exact.quadrature import quantile_of
from simulators.exact.races import Eager
from simulators.results import VALID
from simulators.scenario import Branch, Scenario
from spectest.latency import (
    Exponential,
    GaussianCopula,
    Latency,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from spectest.patterns.policies import (
    EagerRace,
    Sequential,
    WaitForAll,
)
from tests.parity.theory import (
    Row,
    assert_close,
    assert_exact,
    assert_simulated,
    exactly,
    race,
    simulated,
    sizes,
)

ONE = Exponential(1.0)
PARETO = Pareto(1.0, 2.0)
SHIFTED = ShiftedExponential(1.0, 2.0)
WEIBULL = Weibull(1.0, 0.5)
HEAVY = LogNormal(1.0, 1.0)
P95 = HEAVY.quantile(0.95)


def fastest(law: Latency, n: int, **numbers: float | Fraction) -> Row:
    return Row(race([law] * n), percentiles(numbers), quick=n > 1)


def slowest(law: Latency, n: int, **numbers: float | Fraction) -> Row:
    return Row(race([law] * n, decision=WaitForAll()), percentiles(numbers), quick=n == 2)


def percentiles(numbers: dict[str, float | Fraction]) -> dict[str, float | Fraction]:
    return {name.replace("_", "."): number for name, number in numbers.items()}


RACES = {
    "faster of two exponential": fastest(ONE, 2, mean=Fraction(1, 2), p99=2.302585),
    "slower of two exponential": slowest(ONE, 2, mean=Fraction(3, 2), p99=5.295808),
    "slowest of three exponential": slowest(ONE, 3, mean=Fraction(11, 6)),
    "slowest of a hundred exponential": Row(
        race([ONE] * 100, decision=WaitForAll()),
        {"mean": 5.187378, "p50": 4.975147, "p99": 9.205370},
        share=0.02,
    ),
    "means of 30 and 150, the faster": Row(
        race([Exponential(30.0), Exponential(150.0)]),
        {"mean": 25, "won by 0": 0.833333},
        {"won by 0": order_statistics.wins(Exponential(30.0), [Exponential(150.0)])},
        quick=True,
    ),
    "means of 30 and 150, the slower": Row(
        race([Exponential(30.0), Exponential(150.0)], decision=WaitForAll()), {"mean": 155},
        quick=True,
    ),
    # A tail of index 2 has no variance, but t statistics of it are normal in the limit.
    "Pareto": fastest(PARETO, 1, mean=2, p99=10, p99_9=31.622777),
    "faster of two Pareto": fastest(PARETO, 2, mean=Fraction(4, 3), p99=3.162278, p99_9=5.623413),
    "fastest of three Pareto": fastest(PARETO, 3, mean=Fraction(6, 5)),
    "slower of two Pareto": slowest(PARETO, 2, mean=Fraction(8, 3)),
    "shifted exponential": fastest(SHIFTED, 1, mean=2, p99=5.605170),
    "faster of two shifted exponential": fastest(SHIFTED, 2, mean=Fraction(3, 2), p99=3.302585),
    "slower of two shifted exponential": slowest(SHIFTED, 2, mean=Fraction(5, 2)),
    "Weibull": fastest(WEIBULL, 1, mean=2, p99=21.207592),
    "faster of two Weibull": fastest(WEIBULL, 2, mean=Fraction(1, 2), p99=5.301898),
    "log-normal": fastest(HEAVY, 1, mean=1.648721, p50=1, p99=10.240474, p99_9=21.982184),
    "faster of two log-normal": fastest(HEAVY, 2, p50=0.579870, p99=3.602224, p99_9=6.407449),
    "slower of two log-normal": slowest(HEAVY, 2, p50=1.724526, p99=13.130811, p99_9=26.855117),
}  # fmt: skip

FAILING = [
    Attempted(LogNormal(10.0, 0.5), valid=0.90, timeout=40.0),
    Attempted(LogNormal(50.0, 0.5), valid=0.98, timeout=200.0),
]
FIRST = {
    "first valid of two that fail and time out": Row(
        Scenario(
            [
                Branch("a", LogNormal(10.0, 0.5), failure=0.10, timeout=40.0),
                Branch("b", LogNormal(50.0, 0.5), failure=0.02, timeout=200.0),
            ],
            EagerRace(),
        ),
        {
            "unanswered": 0.0023, "won by 0": 0.8885, "won by 1": 0.1092, "mean": 15.7001,
            "p50": 10.6984, "p95": 50.0396, "p99": 94.3363,
        },
        {f"won by {index}": Eager(FAILING).wins(index) for index in (0, 1)},
        digits=4,
        quick=True,
    )
}  # fmt: skip


def steps(sigma: float) -> tuple[list[LogNormal], list[Branch]]:
    """Two steps that are both needed, with a p99 of 30 and of 150."""
    laws = [LogNormal(p99 / math.exp(sigma * SCORE99), sigma) for p99 in (30, 150)]
    branches = [Branch("a", laws[0], valid=0.0), Branch("b", laws[1])]
    return laws, branches


def in_turn(sigma: float, p99: float, r: float = 0.0) -> Row:
    (one, two), branches = steps(sigma)
    scenario, formulas = Scenario(branches, Sequential()), {}
    if r:
        scenario = dataclasses.replace(scenario, dependence=GaussianCopula(r))
        formulas = {"p99": quantile_of(lambda t: added_sf(one, two, t, r), 0.99, 0, 150)}
    return Row(scenario, {"p99": p99}, formulas, digits=2, quick=sigma == 0.5)


def at_once(sigma: float, p99: float) -> Row:
    _, branches = steps(sigma)
    return Row(Scenario(branches, EagerRace(), WaitForAll()), {"p99": p99}, digits=2)


def first_of(sigma: float, share: float) -> Row:
    laws, _ = steps(sigma)
    formulas = {"won by 0": order_statistics.wins(laws[0], laws[1:])}
    return Row(race(laws), {"won by 0": share}, formulas, digits=4)


SCORE99 = NormalDist().inv_cdf(0.99)
STEPS = {
    **{
        f"p99 of 30 and 150, sigma {sigma}, {name}": row
        for sigma, sequential, parallel, first in (
            (0.1, 174.37, 150.00, 1.0000), (0.25, 168.02, 150.00, 1.0000),
            (0.5, 161.33, 150.00, 0.9886), (0.8, 157.13, 150.03, 0.9226),
            (1.0, 155.78, 150.23, 0.8724),
        )
        for name, row in (
            ("in turn", in_turn(sigma, sequential)), ("at once", at_once(sigma, parallel)),
            ("the first", first_of(sigma, first)),
        )
    },
    "p99 of 30 and 150, correlation 0.5": in_turn(0.5, 169.53, 0.5),
    "p99 of 30 and 150, correlation 0.9": in_turn(0.5, 177.75, 0.9),
    "p99 of 30 and 150, slow together": Row(
        Scenario(steps(0.5)[1], Sequential(), dependence=GaussianCopula(1.0)), {"p99": 180},
        {"p99": 180.0},
    ),
    "a timeout of 1.1 times the p99": Row(
        race([HEAVY], Sequential(), timeout=1.1 * HEAVY.quantile(0.99)), {"unanswered": 0.00772},
        digits=5, quick=True,
    ),
}  # fmt: skip


@exactly({**RACES, **FIRST, **STEPS})
def test_a_race_has_its_survival_function(row: Row) -> None:
    assert_exact(row)


@simulated({**RACES, **FIRST, **STEPS})
def test_races(row: Row, n: int) -> None:
    assert_simulated(row, n)


@sizes
def test_two_of_three(n: int) -> None:
    """Of three exponential branches the second is done after 1/3 + 1/2."""
    requests = fast.run(race([ONE] * 3, decision=WaitForAll()), n, 2)
    second = np.sort(requests.work, axis=1)[:, 1]
    assert order_statistics.kth_exponential(3, 2) == pytest.approx(0.833333, abs=5e-7)
    assert_close([mean_of(second)], 5 / 6)


@sizes
def test_one_of_a_hundred_is_slow(n: int) -> None:
    """A request that waits for a hundred answers sees the p99 of one more often than not."""
    requests = fast.run(race([ONE] * 100, decision=WaitForAll()), n // 40, 3)
    exact = order_statistics.any_of(0.01, 100)
    assert exact == pytest.approx(0.633968, abs=5e-7)
    assert_close([mean_of(requests.latency > ONE.quantile(0.99))], exact)


@sizes
@pytest.mark.parametrize(
    "slow, tasks, clones, late",
    [(0.1, 10, 1, 0.651322), (0.1, 10, 2, 0.095618), (0.05, 200, 1, 0.999965),
     (0.05, 200, 3, 0.024692)],
)  # fmt: skip
def test_clones_of_stragglers(n: int, slow: float, tasks: int, clones: int, late: float) -> None:
    """A job is late if one of its tasks is, and a task if all of its clones are."""
    exact = order_statistics.stragglers(slow, tasks, clones=clones)
    assert exact == pytest.approx(late, abs=5e-7)
    jobs = fast.run(race([ONE] * clones), n, 4).latency.reshape(-1, tasks)
    share = float((jobs.max(axis=1) > ONE.quantile(1 - slow)).mean())
    assert abs(share - exact) <= 4 * math.sqrt(exact * (1 - exact) / len(jobs))


@sizes
@pytest.mark.parametrize(
    "right, actor, ahead, confirmed",
    [(0.5, 4.0, 0.733333, 0.866667), (0.55, 2.0, 0.763441, 0.881720), (1.0, 1e6, 0.5, 0.75)],
)
def test_guessed_calls(n: int, right: float, actor: float, ahead: float, confirmed: float) -> None:
    """A call and a guess of its answer, with which, if it is right, the next call begins."""
    laws = (Exponential(actor), Exponential(1.0))
    branches = [Branch("actor", laws[0]), Branch("guesser", laws[1], valid=right)]
    both = fast.run(Scenario(branches, EagerRace(), WaitForAll()), n, 5)
    guessed, (call, guess) = both.outcome[:, 1] == VALID, both.work.T
    following = np.where(guessed, fast.run(race(laws[:1], Sequential()), n, 6).latency, 0.0)
    begun = np.where(guessed, np.minimum(call, guess), call)
    alone = mean_of(call + following)
    for ends, waits, exact in (
        (begun + following, False, ahead),
        (np.maximum(call, begun + following), True, confirmed),
    ):
        said = redundancy.speculative_actions(right, actor, 1.0, waits_for_actor=waits)
        assert said == pytest.approx(exact, abs=1e-6)
        assert_close([mean_of(ends).over(alone)], said)
    first = fast.run(Scenario(branches, EagerRace()), n, 5)
    assert np.array_equal(first.latency, begun)
