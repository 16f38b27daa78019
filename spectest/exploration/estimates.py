"""Numbers with their uncertainty, from independent requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from spectest.errors import UsageError

__all__ = ["Estimate", "mean_of", "percentile_of", "proportion_of"]

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value`, and the interval from `low` to `high` that covers the truth in 95 of 100 samples."""

    value: float
    low: float
    high: float


def mean_of(values: Sequence[float]) -> Estimate:
    """The mean, with the interval of the central limit theorem; NaN without values."""
    if not values:
        return Estimate(math.nan, math.nan, math.nan)
    mean = fmean(values)
    off = _Z * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    return Estimate(mean, mean - off, mean + off)


def proportion_of(count: int, among: int) -> Estimate:
    """The share `count / among`, with Wilson's score interval.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927. It
    keeps its promise where nothing was counted at all.
    """
    if not among:
        return Estimate(math.nan, 0.0, 1.0)
    share, weight = count / among, _Z * _Z / among
    middle = (share + weight / 2) / (1 + weight)
    off = _Z * math.sqrt(share * (1 - share) / among + weight / (4 * among)) / (1 + weight)
    low = 0.0 if count == 0 else middle - off
    high = 1.0 if count == among else middle + off
    return Estimate(share, low, high)


def percentile_of(ordered: Sequence[float], p: float) -> Estimate:
    """The smallest value that at least a part `p` of `ordered` does not exceed.

    That is Hyndman and Fan's definition 1, "inverted_cdf" in NumPy. Its interval is made of values
    of the sample, by rank, and assumes nothing about the distribution; an end of it is infinite
    where the sample is too small to have one.
    """
    if not 0 < p < 1:
        raise UsageError(f"p={p!r} must be a part between 0 and 1, such as 0.99")
    n = len(ordered)
    if not n:
        return Estimate(math.nan, math.nan, math.nan)
    off = _Z * math.sqrt(n * p * (1 - p))
    low, high = math.floor(n * p - off), math.ceil(n * p + off)
    return Estimate(
        ordered[_rank(n, p) - 1],
        ordered[low - 1] if low >= 1 else 0.0,
        ordered[high - 1] if high <= n else math.inf,
    )


def _rank(n: int, p: float) -> int:
    # 0.07 * 100 is a little more than 7: the rank of a product that should be whole is that number.
    return max(math.ceil(round(n * p, 9)), 1)
