"""Intervals without dice and without a shape: shares, quantiles, and the ratio of two quantiles.

An interval covers the truth with the probability that was asked for, or more, whatever latencies
are distributed like. Nothing is resampled, so the same records give the same interval.

* Shares: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
* Quantiles: from rank to rank. How many of n observations lie below the quantile p is binomial.
  David and Nagaraja, "Order Statistics", section 7.1.
* Ratios: the ends of two quantiles' intervals, each of which errs with half the probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

__all__ = [
    "Interval",
    "improvement_of",
    "least_count",
    "needed_for_share",
    "quantile_of",
    "share_of",
]


@dataclass(frozen=True, slots=True)
class Interval:
    """`value` is what was observed; the truth is from `low` to `high`."""

    value: float
    low: float
    high: float


def share_of(count: int, among: int, confidence: float) -> Interval:
    """The share `count / among`, with Wilson's score interval."""
    if not among:
        return Interval(math.nan, 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = count / among, z * z / among
    middle = (share + weight / 2) / (1 + weight)
    off = z * math.sqrt(share * (1 - share) / among + weight / (4 * among)) / (1 + weight)
    low = 0.0 if count == 0 else middle - off
    high = 1.0 if count == among else middle + off
    return Interval(share, low, high)


def needed_for_share(share: float, line: float, confidence: float) -> int | None:
    """How many observations decide on which side of `line` it is, if the share stays the same.

    Wilson's interval leaves the line out when |share - line| > z sqrt(line (1 - line) / n). None if
    the share is on the line.
    """
    if math.isnan(share) or share == line:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    return math.floor(z * z * line * (1 - line) / (share - line) ** 2) + 1


def quantile_of(ordered: Sequence[float], p: float, confidence: float) -> Interval:
    """The smallest value that a part `p` of `ordered` does not exceed, of latencies of 0 or more.

    Where there are too few observations for an end of the interval (see `least_count`), it is 0 or
    infinite.
    """
    n = len(ordered)
    tail = (1 - confidence) / 2
    low, back = _lower_rank(n, p, tail), _lower_rank(n, 1 - p, tail)
    # 0.07 * 100 is a little more than 7: the rank of a product that should be whole is that number.
    rank = max(math.ceil(round(n * p, 9)), 1)
    return Interval(
        ordered[rank - 1],
        ordered[low - 1] if low else 0.0,
        ordered[n - back] if back else math.inf,
    )


def least_count(p: float, confidence: float) -> int:
    """The fewest observations that bound the quantile `p` from both sides.

    The greatest of n observations is below the quantile with probability p**n, the least is above
    it with probability (1 - p)**n; neither may be more than (1 - confidence) / 2.
    """
    return math.ceil(math.log((1 - confidence) / 2) / math.log(max(p, 1 - p)))


def improvement_of(ours: Interval, theirs: Interval) -> Interval:
    """By which part our quantile is below theirs: 1 - ours / theirs; negative if it is above."""
    worst = math.inf if math.isinf(ours.high) else _ratio(ours.high, theirs.low)
    best = 0.0 if math.isinf(theirs.high) else _ratio(ours.low, theirs.high)
    both = math.isinf(ours.value) and math.isinf(theirs.value)
    value = math.nan if both else 1 - _ratio(ours.value, theirs.value)
    return Interval(value, 1 - worst, 1 - best)


def _ratio(ours: float, theirs: float) -> float:
    if theirs == 0:
        return 1.0 if ours == 0 else math.inf
    return ours / theirs


def _lower_rank(n: int, p: float, tail: float) -> int:
    """The greatest r such that fewer than r of n are below the quantile p with probability `tail`
    at most; 0 if there is none.
    """
    spread = 12 * math.sqrt(n * p * (1 - p)) + 12
    below, rank = 0.0, max(0, math.floor(n * p - spread))  # less than 1e-30 is below that
    while rank < n:
        below += math.exp(_log_binomial(n, rank) + rank * math.log(p) + (n - rank) * math.log1p(-p))
        if below > tail:
            break
        rank += 1
    return rank


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
