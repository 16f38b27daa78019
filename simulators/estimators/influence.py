"""A statistic with what each request adds to its error, so that all errors are those of a mean.

The error of a mean, a quantile, a ratio and of their differences is, up to terms that vanish
faster, the mean of one number for each request, its influence: F. R. Hampel, Journal of the
American Statistical Association 69, 1974. Two configurations on the same draws have influences
request by request, and what is common to both cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from simulators.estimators.quantiles import Method, of_sorted

__all__ = ["Statistic", "mean_of", "quantile_of", "ratio_of", "slope_at"]


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """A `value`, and the `influence` of each request in the order of arrival, with mean 0."""

    value: float
    influence: Any

    def __sub__(self, other: Statistic) -> Statistic:
        """The difference of two statistics of the same requests."""
        return Statistic(self.value - other.value, self.influence - other.influence)

    def over(self, other: Statistic) -> Statistic:
        """The ratio of two statistics of the same requests."""
        if other.value == 0:
            return Statistic(math.nan, np.full(len(self.influence), math.nan))
        ratio = self.value / other.value
        return Statistic(ratio, (self.influence - ratio * other.influence) / other.value)


def mean_of(values: Any, counted: Any = None) -> Statistic:
    """The mean, of all or of those `counted`, a column of booleans."""
    numbers = np.asarray(values, dtype=np.float64)
    if counted is None or np.all(counted):
        mean = float(numbers.mean())
        return Statistic(mean, numbers - mean)
    return ratio_of(np.where(counted, numbers, 0.0), np.asarray(counted, dtype=np.float64))


def ratio_of(over: Any, under: Any) -> Statistic:
    """The sum of one column over the sum of the other; NaN if that is 0."""
    return mean_of(over).over(mean_of(under))


def quantile_of(
    values: Any,
    p: float,
    counted: Any = None,
    method: Method = "inverted_cdf",
    ordered: Any = None,
) -> Statistic:
    """The `p`-quantile, of all or of those `counted`; `ordered`: these, ascending, if known.

    Its influence needs the density there, which is that of the sample within a distance in p: the
    bandwidth of P. Hall, S. J. Sheather, Journal of the Royal Statistical Society B 50, 1988, for a
    normal law, and at most half of what is left of either tail.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mask = np.ones(len(numbers), dtype=bool) if counted is None else np.asarray(counted)
    if ordered is None:
        ordered = np.sort(numbers[mask])
    n = len(ordered)
    if n == 0:
        return Statistic(math.nan, np.full(len(numbers), math.nan))
    found = of_sorted(ordered, p, method)
    slope = slope_at(p, n, lambda q: of_sorted(ordered, q))
    below = numbers <= found
    share = np.count_nonzero(below & mask) / n
    influence = np.where(mask, (share - below) * slope, 0.0) * (len(numbers) / n)
    return Statistic(found, influence)


def slope_at(p: float, n: int, quantile: Callable[[float], float]) -> float:
    """By how much the quantiles of `n` values rise with p: one over the density there."""
    reach = min(_bandwidth(n, p), p / 2, (1 - p) / 2)
    return (quantile(p + reach) - quantile(p - reach)) / (2 * reach)


def _bandwidth(n: int, p: float) -> float:
    normal = NormalDist()
    z = normal.inv_cdf(p)
    spread = 1.5 * normal.pdf(z) ** 2 / (2 * z * z + 1)
    width = normal.inv_cdf(0.975) ** (2 / 3) * spread ** (1 / 3)
    return float(n ** (-1 / 3) * width)
