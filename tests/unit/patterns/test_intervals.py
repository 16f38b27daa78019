import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectest.patterns.intervals import (
    Interval,
    improvement_of,
    least_count,
    needed_for_share,
    quantile_of,
    share_of,
)

INF = math.inf
PARTS = st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99])
CONFIDENCES = st.sampled_from([0.5, 0.8, 0.95, 0.999])


def binomial(n: int, p: float, k: int) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def at_most(n: int, p: float, k: int) -> float:
    return math.fsum(binomial(n, p, number) for number in range(k + 1))


# Shares.


def test_known_shares() -> None:
    """81 of 263 and 0 of 20 are in Newcombe, Statistics in Medicine 1998."""
    known = share_of(81, 263, 0.95)
    assert (round(known.low, 4), round(known.high, 4)) == (0.2553, 0.3662)
    assert share_of(0, 20, 0.95).low == 0
    assert round(share_of(0, 20, 0.95).high, 4) == 0.1611
    assert share_of(20, 20, 0.95).high == 1
    assert (share_of(0, 0, 0.95).low, share_of(0, 0, 0.95).high) == (0, 1)


@given(st.integers(1, 200), st.sampled_from([0.5, 0.8, 0.95]), st.data())
def test_the_needed_number_is_the_first_that_decides(
    wins: int, confidence: float, data: st.DataObject
) -> None:
    """As the closed form says, and as Wilson's interval of many times as many agrees."""
    among = data.draw(st.integers(wins, 200))
    line = 0.85
    needed = needed_for_share(wins / among, line, confidence)
    if wins / among == line:
        assert needed is None
        return
    assert needed is not None

    def decided(n: int) -> bool:
        share = wins / among
        z = _z(confidence)
        return abs(share - line) > z * math.sqrt(line * (1 - line) / n)

    assert decided(needed)
    assert needed == 1 or not decided(needed - 1)
    whole = share_of(wins * needed, among * needed, confidence)
    assert not whole.low <= line <= whole.high


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


# Quantiles.


@given(st.integers(1, 120), PARTS, CONFIDENCES)
def test_ranks_are_the_tightest_that_keep_the_confidence(
    n: int, p: float, confidence: float
) -> None:
    """The latencies are their own ranks. Fewer than r of n are below the quantile p with the
    binomial probability, whatever the distribution.
    """
    found = quantile_of(range(1, n + 1), p, confidence)
    tail = (1 - confidence) / 2
    low = int(found.low)
    high = n + 1 if math.isinf(found.high) else int(found.high)
    assert low <= found.value <= high
    assert at_most(n, p, low - 1) <= tail * (1 + 1e-9)
    assert at_most(n, p, low) > tail * (1 - 1e-9)
    assert 1 - at_most(n, p, high - 1) <= tail + 1e-9
    assert 1 - at_most(n, p, high - 2) > tail - 1e-9


@pytest.mark.parametrize(
    "n, p, low, high",
    [(100, 0.5, 40, 61), (1000, 0.5, 469, 532), (1000, 0.99, 983, 997)],
)
def test_known_ranks(n: int, p: float, low: int, high: int) -> None:
    """For the median of 100: 40 and 61, as in Conover, Practical Nonparametric Statistics."""
    found = quantile_of(range(1, n + 1), p, 0.95)
    assert (found.low, found.high) == (low, high)


def test_many_observations_are_no_trouble() -> None:
    n = 1_000_000
    found = quantile_of(range(1, n + 1), 0.5, 0.95)
    assert found.value == n // 2
    assert abs((found.high - found.low) / (2 * 1.96 * math.sqrt(n / 4)) - 1) < 0.01


@given(PARTS, CONFIDENCES)
def test_the_least_count_is_the_first_with_both_ends(p: float, confidence: float) -> None:
    least = least_count(p, confidence)
    enough = quantile_of([1.0] * least, p, confidence)
    assert (enough.low, enough.high) == (1, 1)
    few = quantile_of([1.0] * (least - 1), p, confidence) if least > 1 else None
    assert few is None or few.low == 0 or math.isinf(few.high)


def test_known_least_counts() -> None:
    """Wilks: 59 bound the 95th percentile from above at 95 %; two sides of 97.5 % need 72."""
    assert least_count(0.95, 0.90) == 59
    assert least_count(0.95, 0.95) == 72
    assert least_count(0.5, 0.95) == 6


def test_requests_without_an_answer_are_the_slowest() -> None:
    found = quantile_of([1.0] * 90 + [INF] * 10, 0.5, 0.95)
    assert (found.value, found.high) == (1, 1)
    assert math.isinf(quantile_of([1.0] * 90 + [INF] * 10, 0.95, 0.95).value)


# Improvements.


def test_an_improvement_pairs_the_ends_that_are_furthest_apart() -> None:
    gain = improvement_of(Interval(50, 40, 60), Interval(100, 80, 200))
    assert (gain.value, gain.low, gain.high) == (0.5, 0.25, 0.8)


@pytest.mark.parametrize(
    "ours, theirs, value, low, high",
    [
        (Interval(1, 0, INF), Interval(2, 0, INF), 0.5, -INF, 1),
        (Interval(1, 1, 1), Interval(INF, INF, INF), 1, 1, 1),
        (Interval(INF, INF, INF), Interval(1, 1, 1), -INF, -INF, -INF),
        (Interval(INF, INF, INF), Interval(INF, INF, INF), math.nan, -INF, 1),
        (Interval(0, 0, 0), Interval(0, 0, 0), 0, 0, 0),
        (Interval(1, 1, 1), Interval(0, 0, 0), -INF, -INF, -INF),
    ],
)
def test_where_an_end_is_missing_so_is_that_of_the_improvement(
    ours: Interval, theirs: Interval, value: float, low: float, high: float
) -> None:
    gain = improvement_of(ours, theirs)
    assert [gain.value, gain.low, gain.high] == pytest.approx([value, low, high], nan_ok=True)


POSITIVE = st.floats(1e-3, 1e6)


@given(
    *[st.lists(POSITIVE, min_size=3, max_size=3).map(sorted)] * 2, st.floats(0, 1), st.floats(0, 1)
)
def test_the_improvement_of_any_two_truths_lies_within(
    ours: list[float], theirs: list[float], here: float, there: float
) -> None:
    gain = improvement_of(
        Interval(ours[1], ours[0], ours[2]), Interval(theirs[1], theirs[0], theirs[2])
    )
    our_truth = ours[0] + here * (ours[2] - ours[0])
    their_truth = theirs[0] + there * (theirs[2] - theirs[0])
    truth = 1 - our_truth / their_truth
    slack = 1e-9 * (1 + abs(truth))
    assert gain.low - slack <= truth <= gain.high + slack
    assert gain.low <= gain.value <= gain.high
