"""Quantiles of Student's t, and binomial limits: what intervals are measured with."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist

from simulators.exact.quadrature import integral, quantile_of

__all__ = ["binomial_limits", "student"]


@functools.lru_cache(maxsize=256)
def student(level: float, freedom: int) -> float:
    """Half the width of the central interval that holds `level` of Student's t."""
    if freedom < 1:
        raise ValueError(f"freedom is {freedom}; an interval needs two values or more")
    if freedom > 10_000:
        return NormalDist().inv_cdf((1 + level) / 2)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    scale /= math.sqrt(freedom * math.pi)
    power = -(freedom + 1) / 2

    def outside(t: float) -> float:
        inside = integral(lambda x: scale * float((1 + x * x / freedom) ** power), 0, t)
        return 1 - 2 * inside

    return quantile_of(outside, level, 0.0, 1.0)


@functools.lru_cache(maxsize=256)
def binomial_limits(n: int, p: float, level: float) -> tuple[int, int] | None:
    """(low, high), counted from 0: these two of `n` values in ascending order hold the `p`-quantile
    between them with a probability of at least `level`; None if `n` values cannot.

    Exact, and free of assumptions on the law. H. A. David, H. N. Nagaraja, Order Statistics, 3rd
    ed., Wiley 2003, section 7.1.
    """
    tail = (1 - level) / 2
    spread = math.sqrt(n * p * (1 - p))
    first = max(math.floor(n * p - 12 * spread - 10), 0)
    last = min(math.ceil(n * p + 12 * spread + 10), n)
    fixed = math.lgamma(n + 1)
    below, low, high = 0.0, None, None
    for k in range(first, last + 1):
        log = fixed - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        mass = math.exp(log + k * math.log(p) + (n - k) * math.log1p(-p))
        # Before k is added, `below` is the probability of fewer than k values below the quantile.
        if below <= tail:
            low = k - 1
        below += mass
        if high is None and 1 - below <= tail:
            high = k
            break
    if low is None or low < 0 or high is None or high >= n:
        return None
    return low, high
