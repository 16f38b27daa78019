"""Quantiles of whole arrays, equal to those of `Latency.quantile` to the last bit.

Arithmetic and square roots are the same in NumPy as in Python; exponentials, logarithms and powers
are not: `numpy.exp` differs from `math.exp` in one of 25 results. For complex numbers, however,
NumPy asks the C library, whose answer for those without an imaginary part is the one that `math`
gives. Where that is not so, and for other functions, each number goes through the very function
that the latencies call. A latency that has no formula here is asked number by number, which is slow
and right.
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
_LARGEST = 700.0
"""Beyond it, some C libraries scale complex exponentials."""


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

    Source: Wichura, "Algorithm AS241", Applied Statistics 37(3), 1988; vectorised where this
    platform's C compiler has not fused its additions with its multiplications. The central part is
    that for |p - 0.5| <= 0.425; it has no transcendental function. The last one, for less than one
    number in 10**10, is left to `inv_cdf`.
    """
    if not _central_is_exact():
        return mapped(_NORMAL.inv_cdf, p)
    scores = _central(p)
    beyond = np.flatnonzero(np.abs(p - 0.5) > _CENTRE)
    tails = p[beyond]
    scores[beyond] = _tails(tails) if _tails_are_exact() else mapped(_NORMAL.inv_cdf, tails)
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
_TAIL_NUMERATOR = (
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
    1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
    4.63033784615654529590e0, 1.42343711074968357734e0,
)  # fmt: skip
_TAIL_DENOMINATOR = (
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
    1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
    2.05319162663775882187e0, 1.0,
)  # fmt: skip


def _central(p: Array) -> Array:
    q = p - 0.5
    r = 0.180625 - q * q
    scores: Array = _polynomial(_NUMERATOR, r) * q / _polynomial(_DENOMINATOR, r)
    return scores


def _tails(p: Array) -> Array:
    r = np.sqrt(-np.log(np.minimum(p, 1.0 - p).astype(np.complex128)).real)
    last = np.flatnonzero(r > 5.0)
    r -= 1.6
    scores: Array = _polynomial(_TAIL_NUMERATOR, r) / _polynomial(_TAIL_DENOMINATOR, r)
    scores[p < 0.5] *= -1.0
    scores[last] = [_NORMAL.inv_cdf(x) for x in p[last].tolist()]
    return scores


def _polynomial(coefficients: tuple[float, ...], r: Array) -> Array:
    """By Horner's rule, one rounding after each multiplication and each addition."""
    total = coefficients[0] * r
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= r
    total += coefficients[-1]
    return total


def _exponentials(values: Array) -> Array:
    """`math.exp` of each."""
    if not _exponentials_are_exact() or np.abs(values).max(initial=0.0) > _LARGEST:
        return mapped(math.exp, values)
    return _complex_exponentials(values)


def _complex_exponentials(values: Array) -> Array:
    found: Array = np.exp(values.astype(np.complex128)).real
    return found


@functools.cache
def _central_is_exact() -> bool:
    p = np.linspace(0.5 - _CENTRE, 0.5 + _CENTRE, 4001)[1:-1]
    return bool(np.array_equal(_central(p), mapped(_NORMAL.inv_cdf, p)))


@functools.cache
def _tails_are_exact() -> bool:
    p = np.concatenate([np.logspace(-11.0, np.log10(0.5 - _CENTRE), 8000)[:-1]] * 2)
    p[::2] = 1.0 - p[::2]
    return bool(np.array_equal(_tails(p), mapped(_NORMAL.inv_cdf, p)))


@functools.cache
def _exponentials_are_exact() -> bool:
    values = np.concatenate([np.linspace(-end, end, 8000) for end in (1.0, 10.0, _LARGEST)])
    return bool(np.array_equal(_complex_exponentials(values), mapped(math.exp, values)))


def _constant(latency: Constant, p: Array) -> Array:
    return np.full(len(p), latency.seconds)


def _uniform(latency: Uniform, p: Array) -> Array:
    return np.minimum(latency.low + p * (latency.high - latency.low), latency.high)


def _exponential(latency: Exponential, p: Array) -> Array:
    return -latency.mean * mapped(math.log1p, -p)


def _shifted(latency: ShiftedExponential, p: Array) -> Array:
    return latency.shift - (latency.mean - latency.shift) * mapped(math.log1p, -p)


def _lognormal(latency: LogNormal, p: Array) -> Array:
    return latency.median * _exponentials(latency.sigma * normal_scores(p))


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
