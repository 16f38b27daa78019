"""Estimates: known values, and that their intervals cover the truth as often as they say."""

import math
import random

import pytest

from spectest.errors import UsageError
from spectest.exploration.estimates import mean_of, percentile_of, proportion_of


def test_wilson() -> None:
    # Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001, formula (4).
    half = proportion_of(50, 100)
    assert (half.value, half.low, half.high) == pytest.approx((0.5, 0.403832, 0.596168), abs=1e-6)
    none = proportion_of(0, 100)
    assert [none.low, none.high] == pytest.approx([0.0, 0.036994], abs=1e-6)
    every = proportion_of(100, 100)
    assert [every.low, every.high] == pytest.approx([0.963006, 1.0], abs=1e-6)
    assert math.isnan(proportion_of(0, 0).value)


def test_percentiles_are_values_of_the_sample() -> None:
    ordered = [float(number) for number in range(1, 101)]
    assert [percentile_of(ordered, p).value for p in (0.07, 0.5, 0.505, 0.99)] == [7, 50, 51, 99]
    assert percentile_of([3.0], 0.5).value == 3.0
    assert percentile_of([3.0], 0.999).high == math.inf


def test_a_mean_of_one_value_has_no_bound() -> None:
    assert mean_of([2.0]).high == math.inf
    assert math.isnan(mean_of([]).value)
    two = mean_of([1.0, 3.0])
    assert (two.low, two.high) == pytest.approx((2 - 1.959964, 2 + 1.959964), abs=1e-6)


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.5, math.nan])
def test_a_percentile_is_strictly_between(p: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        percentile_of([1.0], p)


def test_intervals_cover_as_often_as_they_say() -> None:
    """Of 1,000 samples of 400 exponential values; the counts are those of this seed."""
    draws = random.Random(1)
    truth = {"mean": 1.0, "p90": -math.log(0.1), "share": math.exp(-2)}
    covered = dict.fromkeys(truth, 0)
    for _ in range(1_000):
        values = sorted(draws.expovariate(1.0) for _ in range(400))
        found = {
            "mean": mean_of(values),
            "p90": percentile_of(values, 0.9),
            "share": proportion_of(sum(value > 2 for value in values), 400),
        }
        for name, estimate in found.items():
            covered[name] += estimate.low <= truth[name] <= estimate.high
    for name, count in covered.items():
        assert 930 <= count <= 970, (name, count)
