"""Where a monotone function crosses zero, to the last bit, as the quantile of a survival function.

The ITP method: as sure as bisection, and far faster where the function is smooth.
Oliveira and Takahashi, "An enhancement of the bisection method average performance preserving
minmax optimality", ACM Transactions on Mathematical Software 47(1), 2020.
"""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["crossing", "quantile_within"]

ROUNDING = 2.0**-53
"""How exactly a probability near 1 is known: what sums of weights may be off by."""


def quantile_within(sf: Callable[[float], float], p: float, low: float, high: float) -> float:
    """The smallest float t in [low, high] with P(T <= t) >= p.

    Probabilities that differ by 2**-53 or less count as equal: 0.9 of the weight on one value makes
    it the quantile of 0.9, although 1 - 0.9 is less than 0.1 in floating point.
    """
    allowed = (1.0 - p) + ROUNDING
    if low == high or sf(low) <= allowed:
        return low

    def excess(t: float) -> float:
        return allowed - sf(t)

    low, high = crossing(excess, low, high, math.ulp(high))
    while low < (middle := low + (high - low) / 2) < high:
        if excess(middle) < 0:
            low = middle
        else:
            high = middle
    return high


def crossing(
    function: Callable[[float], float], low: float, high: float, within: float
) -> tuple[float, float]:
    """(below, above) around the zero of a non-decreasing function, at most `within` apart.

    The function is negative at `low`, and taken to be 0 or more at `high`. Where floats are more
    than `within` apart, the two are neighbours.
    """
    below, above = function(low), max(function(high), 0.0)
    width = high - low
    slack = within * 2.0 ** max(math.ceil(math.log2(width / within)), 0)
    while high - low > within:
        x = _itp(low, high, below, above, slack - (high - low) / 2, 0.2 * (high - low) / width)
        if not low < x < high:
            x = low + (high - low) / 2
            if not low < x < high:
                break
        value = function(x)
        if value < 0:
            low, below = x, value
        else:
            high, above = x, value
        slack /= 2
    return low, high


def _itp(low: float, high: float, below: float, above: float, reach: float, cut: float) -> float:
    """Interpolation, truncation towards the middle, projection onto what bisection guarantees."""
    middle = low + (high - low) / 2
    interpolated = low - below * ((high - low) / (above - below))
    away = middle - interpolated
    shift = cut * (high - low)
    x = interpolated + math.copysign(shift, away) if shift <= abs(away) else middle
    if abs(x - middle) <= reach:
        return x
    return middle - math.copysign(reach, away)
