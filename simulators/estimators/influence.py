"""A statistic with what each request adds to its error, so that all errors are those of a mean.

The error of a mean, a quantile, a ratio and of their differences is, up to terms that vanish
faster, the mean of one number for each request, its influence: F. R. Hampel, Journal of the
American Statistical Association 69, 1974. Two configurations on the same draws have influences
request by request, and what is common to both cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from simulators.estimators.quantiles import Method, quantile

__all__ = ["Statistic", "mean_of", "quantile_of", "ratio_of"]


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
    if counted is None:
        mean = float(numbers.mean())
        return Statistic(mean, numbers - mean)
    return ratio_of(np.where(counted, numbers, 0.0), np.asarray(counted, dtype=np.float64))


def ratio_of(over: Any, under: Any) -> Statistic:
    """The sum of one column over the sum of the other; NaN if that is 0."""
    return mean_of(over).over(mean_of(under))


def quantile_of(
    values: Any, p: float, counted: Any = None, method: Method = "inverted_cdf"
) -> Statistic:
    """The `p`-quantile, of all or of those `counted`.

    Its influence needs the density there, which is that of the sample within a distance in p: the
    bandwidth of P. Hall, S. J. Sheather, Journal of the Royal Statistical Society B 50, 1988, for a
    normal law, and at most half of what is left of either tail.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mask = np.ones(len(numbers), dtype=bool) if counted is None else np.asarray(counted)
    chosen = numbers[mask]
    n = len(chosen)
    if n == 0:
        return Statistic(math.nan, np.full(len(numbers), math.nan))
    found = quantile(chosen, p, method)
    reach = min(_bandwidth(n, p), p / 2, (1 - p) / 2)
    low, high = np.quantile(chosen, [p - reach, p + reach], method="inverted_cdf")
    slope = float(high - low) / (2 * reach)
    below = (numbers <= found).astype(np.float64)
    centred = below - float(below[mask].mean())
    influence = np.where(mask, -centred * slope, 0.0) * (len(numbers) / n)
    return Statistic(found, influence)


def _bandwidth(n: int, p: float) -> float:
    normal = NormalDist()
    z = normal.inv_cdf(p)
    spread = 1.5 * normal.pdf(z) ** 2 / (2 * z * z + 1)
    width = normal.inv_cdf(0.975) ** (2 / 3) * spread ** (1 / 3)
    return float(n ** (-1 / 3) * width)
