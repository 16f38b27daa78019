"""Tables 1.2: branches that start together."""

import math

import pytest

from simulators.exact import order_statistics as order
from simulators.exact.attempts import Attempted
from simulators.exact.races import Eager
from spectest.latency import (
    Exponential,
    Latency,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)


def near(value: float, digits: int = 6) -> object:
    return pytest.approx(value, abs=0.51 * 10**-digits)


def test_exponential_branches() -> None:
    law = Exponential(1.0)
    assert order.fastest_mean([law, law]) == pytest.approx(0.5, abs=1e-11)
    assert order.slowest_mean([law, law]) == pytest.approx(1.5, abs=1e-11)
    assert order.fastest_quantile(law, 2, 0.99) == near(2.302585)
    assert order.slowest_quantile(law, 2, 0.99) == near(5.295808)
    assert order.kth_exponential(3, 2) == near(0.833333)
    assert order.slowest_mean([law] * 100) == near(5.187378)
    assert order.harmonic(100) == near(5.187378)
    assert order.slowest_quantile(law, 100, 0.5) == near(4.975147)
    assert order.slowest_quantile(law, 100, 0.99) == near(9.205370)


def test_a_fast_branch_and_a_slow_one() -> None:
    fast, slow = Exponential(30.0), Exponential(150.0)
    assert order.fastest_mean([fast, slow]) == pytest.approx(25, rel=1e-11)
    assert order.slowest_mean([fast, slow]) == pytest.approx(155, rel=1e-11)
    assert order.wins(fast, [slow]) == pytest.approx(150 / 180, abs=1e-12)


@pytest.mark.parametrize(
    "law, one, two, p99, p99_of_two",
    [
        (Pareto(1.0, alpha=2.0), 2.0, 4 / 3, 10.0, 3.162278),
        (ShiftedExponential(1.0, mean=2.0), 2.0, 1.5, 5.605170, 3.302585),
        (Weibull(1.0, shape=0.5), 2.0, 0.5, 21.207592, 5.301898),
    ],
)
def test_the_fastest_of_two(
    law: Latency, one: float, two: float, p99: float, p99_of_two: float
) -> None:
    assert order.fastest_mean([law]) == pytest.approx(one, abs=1e-9)
    assert order.fastest_mean([law, law]) == pytest.approx(two, abs=1e-9)
    assert order.fastest_quantile(law, 1, 0.99) == near(p99)
    assert order.fastest_quantile(law, 2, 0.99) == near(p99_of_two)


def test_pareto_and_shifted_branches_further() -> None:
    pareto = Pareto(1.0, alpha=2.0)
    assert order.fastest_mean([pareto] * 3) == pytest.approx(1.2, abs=1e-10)
    assert order.slowest_mean([pareto] * 2) == pytest.approx(8 / 3, abs=1e-9)
    assert order.fastest_quantile(pareto, 1, 0.999) == near(31.622777)
    assert order.fastest_quantile(pareto, 2, 0.999) == near(5.623413)
    assert order.slowest_mean([ShiftedExponential(1.0, mean=2.0)] * 2) == near(2.5)


@pytest.mark.parametrize(
    "p, one, fastest, slowest",
    [
        (0.5, 1.0, 0.579870, 1.724526),
        (0.99, 10.240474, 3.602224, 13.130811),
        (0.999, 21.982184, 6.407449, 26.855117),
    ],
)
def test_lognormal_quantiles(p: float, one: float, fastest: float, slowest: float) -> None:
    law = LogNormal(1.0, 1.0)
    assert law.quantile(p) == near(one)
    assert order.fastest_quantile(law, 2, p) == near(fastest)
    assert order.slowest_quantile(law, 2, p) == near(slowest)


def test_fan_out_and_stragglers() -> None:
    assert order.any_of(0.01, 100) == near(0.633968)
    assert order.any_of(0.0001, 2000) == near(0.181277, 5)
    assert order.stragglers(0.1, 10) == near(0.651322)
    assert order.stragglers(0.1, 10, clones=2) == near(0.095618)
    assert order.stragglers(0.05, 200) == near(0.999965)
    assert order.stragglers(0.05, 200, clones=3) == near(0.024692)
    assert order.any_of(1.0, 3) == 1


def test_the_first_valid_of_two_that_fail_and_time_out() -> None:
    fast = Attempted(LogNormal(10.0, 0.5), valid=0.9, timeout=40.0)
    slow = Attempted(LogNormal(50.0, 0.5), valid=0.98, timeout=200.0)
    race = Eager([fast, slow])
    assert race.unanswered == near(0.00232937, 8)
    wins = [race.wins(0), race.wins(1)]
    assert wins == [near(0.888508), near(0.109162)]
    assert math.fsum([race.unanswered, *(win or 0 for win in wins)]) == pytest.approx(1, abs=1e-11)
    assert race.mean == near(15.70010, 5)
    assert [race.quantile(p) for p in (0.5, 0.95, 0.99)] == [
        near(10.6984, 4), near(50.0396, 4), near(94.3363, 4),
    ]  # fmt: skip
