"""The normal distribution in one and two dimensions: what a Gaussian copula is made of."""

from __future__ import annotations

import math
from statistics import NormalDist

from simulators.exact.quadrature import integral

__all__ = ["both_above", "score", "upper"]

_NORMAL = NormalDist()


def upper(z: float) -> float:
    """The probability that a standard normal number is above `z`."""
    return math.erfc(z / math.sqrt(2)) / 2


def score(survival: float) -> float:
    """The z with `upper(z)` equal to this probability; infinite at 0 and 1."""
    if survival <= 0:
        return math.inf
    return -math.inf if survival >= 1 else -_NORMAL.inv_cdf(survival)


def both_above(h: float, k: float, correlation: float) -> float:
    """The probability that X > h and Y > k for normal scores with this correlation, -1 to 1.

    Z. Drezner, G. O. Wesolowsky, Journal of Statistical Computation and Simulation 35, 1990, after
    R. L. Plackett, Biometrika 41, 1954.
    """
    if math.inf in (h, k):
        return 0.0
    if -math.inf in (h, k):
        return upper(max(h, k))
    if correlation >= 1:
        return upper(max(h, k))

    def along(angle: float) -> float:
        sine = math.sin(angle)
        spread = (1 - sine) * (1 + sine)
        if spread <= 0:
            return 0.0
        return math.exp(-(h * h + k * k - 2 * h * k * sine) / (2 * spread))

    area = integral(along, 0.0, math.asin(correlation), within=1e-14)
    return upper(h) * upper(k) + area / (2 * math.pi)
