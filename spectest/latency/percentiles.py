"""What a dashboard knows of a latency: a few percentiles, and an opinion about the rest."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from spectest.latency import checks
from spectest.latency.base import Latency
from spectest.latency.simple import Uniform

__all__ = ["Percentiles"]

_Knot = tuple[float, float]
"""(survival probability, seconds)."""


@dataclass(frozen=True, slots=True, repr=False)
class Percentiles(Latency):
    """A table {probability: seconds}, such as {0.5: 0.03, 0.99: 0.15}.

    Nothing takes less than `low`. Between two entries the logarithm of the survival function is
    linear in time, so each piece is a piece of an exponential distribution; equal seconds at two
    entries are a value of its own weight.

    `tail` says how long those take that take longer than the last entry. It is a latency that does
    not begin before that entry, such as `Pareto(0.15, alpha=2)` or
    `ShiftedExponential(0.15, mean=0.2)`; or a number, the maximum, up to which all is equally
    likely.
    """

    table: Mapping[float, float] | Sequence[tuple[float, float]]
    low: float = field(kw_only=True)
    tail: Latency | float = field(kw_only=True)
    _knots: tuple[_Knot, ...] = field(init=False, compare=False)
    _levels: tuple[float, ...] = field(init=False, compare=False)
    _times: tuple[float, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        low = checks.seconds("Percentiles", "low", self.low)
        entries = _entries(self.table)
        knots = [(1.0, low), *((1.0 - p, time) for p, time in entries)]
        for (_, before), (p, time) in pairwise([(0.0, low), *entries]):
            if time < before:
                why = f"is less than {before!r} before it; a table of percentiles never falls"
                raise checks.refusal("Percentiles", f"table[{p!r}]", time, why)
        checks.fix(
            self,
            table=entries,
            low=low,
            tail=_tail(self.tail, entries[-1][1]),
            _knots=tuple(knots),
            _levels=(0.0, *(p for p, _ in entries)),
            _times=tuple(time for _, time in knots),
        )

    def __repr__(self) -> str:
        table = dict(self.table)
        return f"Percentiles({table!r}, low={self.low!r}, tail={self.tail!r})"

    def sf(self, t: float) -> float:
        place = bisect_right(self._times, t)
        if place == 0:
            return 1.0
        survival, start = self._knots[place - 1]
        if place == len(self._times):
            return survival * self._tail.sf(t)
        less, end = self._knots[place]
        return float(survival * (less / survival) ** ((t - start) / (end - start)))

    def inverse(self, p: float) -> float:
        place = bisect_left(self._levels, p)
        if place == len(self._levels):
            last = self._levels[-1]
            return self._tail.quantile((p - last) / (1.0 - last))
        survival, start = self._knots[place - 1]
        less, end = self._knots[place]
        if p == self._levels[place]:
            return end
        share = math.log(survival / (1.0 - p)) / math.log(survival / less)
        return min(start + share * (end - start), end)

    @property
    def mean(self) -> float:
        return self.low + self._moments()[0]

    @property
    def variance(self) -> float:
        first, second = self._moments()
        return math.inf if math.isinf(first) else max(second - first**2, 0.0)

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self._tail.support[1]

    @property
    def _tail(self) -> Latency:
        return cast("Latency", self.tail)

    def _moments(self) -> tuple[float, float]:
        """The first and second moment about `low`, as integrals of the survival function."""
        pieces = [_piece(*ends, self.low) for ends in pairwise(self._knots)]
        survival, last = self._knots[-1]
        over, start = self._tail.mean - self.low, last - self.low
        squared = self._tail.variance + over**2 if math.isfinite(over) else math.inf
        first = math.fsum(area for area, _ in pieces) + survival * (over - start)
        return first, math.fsum(moment for _, moment in pieces) + survival * (squared - start**2)


def _entries(table: Any) -> tuple[tuple[float, float], ...]:
    found: dict[float, float] = {}
    for p, time in checks.pairs("Percentiles", "table", table):
        level = checks.inner_probability("Percentiles", "a percentile of the table", p)
        found[level] = checks.seconds("Percentiles", f"table[{p!r}]", time)
    return tuple(sorted(found.items()))


def _tail(tail: Any, last: float) -> Latency:
    if isinstance(tail, Latency):
        if tail.support[0] >= last:
            return tail
        why = f"begins before the last percentile; use one whose least is {last!r}"
        raise checks.refusal("Percentiles", "tail", tail, why)
    maximum = checks.seconds("Percentiles", "tail", tail)
    if maximum < last:
        why = f"is a maximum below the last percentile; use {last!r} or more"
        raise checks.refusal("Percentiles", "tail", tail, why)
    return Uniform(last, maximum)


def _piece(left: _Knot, right: _Knot, low: float) -> tuple[float, float]:
    """The integrals of sf(t) and of 2 * (t - low) * sf(t) from one knot to the next."""
    (survival, start), (less, end) = left, right
    width = end - start
    rate = math.log1p((survival - less) / less)
    area = width * (survival - less) / rate
    moment = survival * width**2 * _ramp(rate)
    return area, 2 * ((start - low) * area + moment)


def _ramp(rate: float) -> float:
    """The integral of x * exp(-rate * x) from 0 to 1."""
    if rate < 1e-3:
        return 1 / 2 - rate / 3 + rate**2 / 8 - rate**3 / 30
    return (-math.expm1(-rate) - rate * math.exp(-rate)) / rate**2
