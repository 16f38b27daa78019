"""Integrals and quantiles to some twelve digits: what a survival function is turned into.

Adaptive Gauss-Kronrod quadrature, 7 and 15 points: Piessens et al., QUADPACK, Springer 1983, whose
nodes and weights these are. Where a function jumps, name the place in `breaks`; it is found by
bisection otherwise, which costs more.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from itertools import pairwise

from spectest.latency.solving import quantile_within

__all__ = ["integral", "quantile_of", "tail_integral"]

Function = Callable[[float], float]

_NODES = (
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144691693013,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
)
_WEIGHTS = (
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
)
_MIDDLE = 0.209482141084727828012999174891714
_GAUSS = {
    1: 0.129484966168869693270611432679082,
    3: 0.279705391489276667901467771423780,
    5: 0.381830050505118944950369775488975,
}
_GAUSS_MIDDLE = 0.417959183673469387755102040816327
_MOST_BISECTIONS = 400
_MOST_DOUBLINGS = 1000
_MOST_GROWING = 100
_SMALLEST = 1e-250
_MANY = 20
_PROBES = (0.07, 0.43, 0.88)


def integral(
    function: Function, low: float, high: float, breaks: Iterable[float] = (), within: float = 1e-13
) -> float:
    """The integral from `low` to `high`, each piece between `breaks` to an error of `within`.

    The error allowed is absolute below 1 and relative to the integral above it.
    """
    if not low < high:
        return 0.0
    inner = sorted({place for place in breaks if low < place < high})
    piece = _flat_or_not if len(inner) > _MANY else _adaptive
    pieces = pairwise((low, *inner, high))
    return math.fsum(piece(function, left, right, within) for left, right in pieces)


def tail_integral(
    function: Function, low: float, scale: float, breaks: Iterable[float] = (),
    within: float = 1e-13,
) -> float:  # fmt: skip
    """The integral from `low` to infinity of a function that falls to 0; `math.inf` if it diverges.

    `scale` is the length of the first panel, roughly that over which the function changes; each
    panel is twice as long as the one before. It ends when all that can follow is below `within`.
    """
    breaks = sorted(breaks)
    last = max((place for place in breaks if math.isfinite(place)), default=low)
    total, before, width, growing = 0.0, math.inf, scale, 0
    for _ in range(_MOST_DOUBLINGS):
        high = low + width
        part = integral(function, low, high, breaks, within)
        total += part
        first = math.isinf(before)
        shrinks = part / before if before and not first else 0.0
        rest = part * shrinks / (1 - shrinks) if shrinks < 1 else math.inf
        if not first and high > last and rest <= within * max(total, 1e-300) / 10:
            return total
        growing = growing + 1 if shrinks >= 1 else 0
        if growing > _MOST_GROWING or math.isinf(2 * high):
            break
        low, before, width = high, part, 2 * width
    return math.inf


def quantile_of(sf: Function, p: float, low: float, scale: float) -> float:
    """The smallest t of at least `low` with `sf(t)` <= 1 - p; `math.inf` if there is none.

    `scale` is where the search begins.
    """
    high = low + scale
    while sf(high) > 1 - p:
        high = low + 2 * (high - low)
        if math.isinf(high):
            return math.inf
    while low == 0 and sf(high / 2) <= 1 - p:
        high /= 2
        if high < _SMALLEST:
            return 0.0
    return quantile_within(sf, p, low or high / 2, high)


def _flat_or_not(function: Function, low: float, high: float, within: float) -> float:
    """Among many breaks, of measured values for instance, most functions are steps."""
    width = high - low
    value = function(low + _PROBES[0] * width)
    if all(function(low + probe * width) == value for probe in _PROBES[1:]):
        return value * width
    return _adaptive(function, low, high, within)


def _adaptive(function: Function, low: float, high: float, within: float) -> float:
    """Bisects the worst piece until the rules agree, or so often that only noise is left."""
    value, error = _rules(function, low, high)
    pieces = [(-error, low, high, value)]
    settled, total, doubt = [], value, error
    for _ in range(_MOST_BISECTIONS):
        if doubt <= within * max(1.0, abs(total)) or not pieces:
            break
        error, left, right, value = heapq.heappop(pieces)
        middle = left + (right - left) / 2
        if not left < middle < right:
            settled.append(value)
            doubt += error
            continue
        for ends in ((left, middle), (middle, right)):
            part, uncertain = _rules(function, *ends)
            heapq.heappush(pieces, (-uncertain, *ends, part))
            total += part
            doubt += uncertain
        total -= value
        doubt += error
    return math.fsum([*settled, *(piece[3] for piece in pieces)])


def _rules(function: Function, low: float, high: float) -> tuple[float, float]:
    """The 15-point value, and by how much the 7-point one differs from it."""
    half = (high - low) / 2
    center = low + half
    middle = function(center)
    fine, coarse = _MIDDLE * middle, _GAUSS_MIDDLE * middle
    for place, (node, weight) in enumerate(zip(_NODES, _WEIGHTS, strict=True)):
        pair = function(center - half * node) + function(center + half * node)
        fine += weight * pair
        coarse += _GAUSS.get(place, 0.0) * pair
    return fine * half, abs(fine - coarse) * half
