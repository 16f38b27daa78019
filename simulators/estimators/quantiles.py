"""Sample quantiles by name: reports that do not say which one they use cannot be reproduced.

R. J. Hyndman, Y. Fan, Sample Quantiles in Statistical Packages, The American Statistician 50(4),
1996, numbers the types.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

__all__ = ["METHODS", "Method", "of_sorted", "quantile", "rank"]

Method: TypeAlias = Literal["inverted_cdf", "nearest", "linear"]
METHODS: tuple[Method, ...] = get_args(Method)


def quantile(values: Any, p: float, method: Method = "inverted_cdf") -> float:
    """The sample's `p`-quantile.

    "inverted_cdf": the smallest value such that a share of at least p is not above it (type 1, also
    that of `spectest.patterns`). "nearest": the value at the whole number next to p(n-1), counted
    from 0, the even one of two (what the published figures of gpuhedge use). "linear": between the
    two values around p(n-1) (type 7, the one of `numpy.percentile`).
    """
    return of_sorted(np.sort(np.asarray(values, dtype=np.float64)), p, method)


def of_sorted(ordered: Any, p: float, method: Method = "inverted_cdf") -> float:
    """`quantile` of values in ascending order."""
    if len(ordered) == 0:
        raise ValueError("there are no values; a quantile needs one or more")
    if method == "linear":
        return float(np.quantile(ordered, p, method="linear"))
    return float(ordered[rank(len(ordered), p, method)])


def rank(n: int, p: float, method: Method = "inverted_cdf") -> int:
    """The place of the quantile among `n` values in ascending order, counted from 0."""
    if not 0 < p < 1:
        raise ValueError(f"p is {p!r}; use a probability between 0 and 1, 0.95 for the 95th")
    if method == "inverted_cdf":
        return max(math.ceil(round(p * n, 9)) - 1, 0)
    if method == "nearest":
        return round(p * (n - 1))
    raise ValueError(f"method {method!r} is not known or has no rank; use one of {METHODS}")
