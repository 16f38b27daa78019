"""Quantiles of whole arrays, equal to those of `Latency.quantile` to the last bit.

Arithmetic and square roots are the same in NumPy as in Python; exponentials, logarithms and powers
are not: `numpy.exp` differs from `math.exp` in one of 25 results. So these go through the very
functions that the latencies call, and the rest is vectorised. A latency that has no formula here
is asked number by number, which is slow and right.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from itertools import repeat
from statistics import NormalDist
from typing import Any

import numpy as np

from simulators.results import Array
from spectest.latency import (
    Constant,
    Empirical,
    Exponential,
    Latency,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Uniform,
    Weibull,
)

__all__ = ["mapped", "normal_scores", "quantiles"]

_NORMAL = NormalDist()
_CENTRE = 0.425


def mapped(function: Callable[..., float], values: Array, *constants: float) -> Array:
    """`function(value, *constants)` of each value."""
    rest = map(repeat, constants)
    return np.fromiter(map(function, values.tolist(), *rest), np.float64, len(values))


def quantiles(latency: Latency, p: Array) -> Array:
    """`latency.quantile(x)` for each x of `p`, all of them inside (0, 1)."""
    formula = _FORMULAS.get(type(latency))
    return mapped(latency.quantile, p) if formula is None else formula(latency, p)


def normal_scores(p: Array) -> Array:
    """`statistics.NormalDist().inv_cdf` of each.

    Source: Wichura, "Algorithm AS241", Applied Statistics 37(3), 1988; the central part, for
    |p - 0.5| <= 0.425, has no transcendental function, and so is vectorised where this platform's
    C compiler has not fused its additions with its multiplications.
    """
    if not _central_is_exact():
        return mapped(_NORMAL.inv_cdf, p)
    scores = _central(p)
    tails = np.flatnonzero(np.abs(p - 0.5) > _CENTRE)
    scores[tails] = mapped(_NORMAL.inv_cdf, p[tails])
    return scores


_NUMERATOR = (
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
    4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
    1.3314166789178437745e2, 3.3871328727963666080e0,
)  # fmt: skip
_DENOMINATOR = (
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
    2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
    4.2313330701600911252e1, 1.0,
)  # fmt: skip


def _central(p: Array) -> Array:
    q = p - 0.5
    r = 0.180625 - q * q
    scores: Array = _polynomial(_NUMERATOR, r) * q / _polynomial(_DENOMINATOR, r)
    return scores


def _polynomial(coefficients: tuple[float, ...], r: Array) -> Array:
    """By Horner's rule, one rounding after each multiplication and each addition."""
    total = coefficients[0] * r
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= r
    total += coefficients[-1]
    return total


@functools.cache
def _central_is_exact() -> bool:
    p = np.linspace(0.5 - _CENTRE, 0.5 + _CENTRE, 4001)[1:-1]
    return bool(np.array_equal(_central(p), mapped(_NORMAL.inv_cdf, p)))


def _constant(latency: Constant, p: Array) -> Array:
    return np.full(len(p), latency.seconds)


def _uniform(latency: Uniform, p: Array) -> Array:
    return np.minimum(latency.low + p * (latency.high - latency.low), latency.high)


def _exponential(latency: Exponential, p: Array) -> Array:
    return -latency.mean * mapped(math.log1p, -p)


def _shifted(latency: ShiftedExponential, p: Array) -> Array:
    return latency.shift - (latency.mean - latency.shift) * mapped(math.log1p, -p)


def _lognormal(latency: LogNormal, p: Array) -> Array:
    return latency.median * mapped(math.exp, latency.sigma * normal_scores(p))


def _pareto(latency: Pareto, p: Array) -> Array:
    return latency.minimum * mapped(pow, 1.0 - p, -1.0 / latency.alpha)


def _weibull(latency: Weibull, p: Array) -> Array:
    return latency.scale * mapped(pow, -mapped(math.log1p, -p), 1.0 / latency.shape)


def _empirical(latency: Empirical, p: Array) -> Array:
    values, ranks, rounding = _measured(latency)
    places = np.searchsorted(ranks, ranks[-1] * (p - rounding), side="left")
    found: Array = values[places]
    return found


@functools.lru_cache(maxsize=64)
def _measured(latency: Empirical) -> tuple[Array, Array, float]:
    from spectest.latency.solving import ROUNDING

    items: Any = latency.values
    values = np.array([value for value, _ in items])
    return values, np.cumsum([count for _, count in items]), ROUNDING


_FORMULAS: dict[type[Latency], Callable[[Any, Array], Array]] = {
    Constant: _constant,
    Empirical: _empirical,
    Exponential: _exponential,
    LogNormal: _lognormal,
    Pareto: _pareto,
    ShiftedExponential: _shifted,
    Uniform: _uniform,
    Weibull: _weibull,
}
