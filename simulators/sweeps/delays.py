"""The measures of one scenario at many hedge delays, from the tail beyond each delay alone.

Up to the delay a request is what it is in the control group, so sums over those are looked up, and
its difference to control is 0. The formulas are those of `estimators.summary` and `compare` for
requests that share nothing; numbers differ from theirs in the last digits, for sums are taken in
another order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from simulators.branches import Cost
from simulators.checks import seconds
from simulators.estimators import MEASURES, Comparison, Estimate
from simulators.estimators.influence import slope_at
from simulators.estimators.intervals import of_independent
from simulators.estimators.measures import percentile
from simulators.estimators.quantiles import of_sorted, rank
from simulators.estimators.tables import binomial_limits
from simulators.fast.delays import Delays, Hedged, fits
from simulators.results import Array
from simulators.scenario import Scenario
from spectest.patterns.policies import FirstValid

__all__ = ["Family", "has"]


def has(scenario: Scenario) -> bool:
    """Whether a `Family` has this scenario, with all of its measures."""
    if not fits(scenario) or scenario.pools:
        return False
    return isinstance(scenario.decision, FirstValid) and scenario.decision.pick == "ranking"


@dataclass(frozen=True, slots=True)
class _Column:
    """What a measure is the mean of: in control `fixed + slope * service` of the primary, and with
    the hedge `gain` more in each request beyond the delay.
    """

    fixed: float
    slope: float
    gain: Array | float


class Family:
    """`n` requests of a scenario, two or more, for which `has`, at any hedge delay."""

    def __init__(self, scenario: Scenario, n: int, seed: int) -> None:
        self._branches = scenario.racing
        self._delays = Delays(scenario, n, seed)
        self._squares = float(np.square(self._delays.primary).sum())

    def at(
        self, delay: float, level: float, measures: Sequence[str] | None
    ) -> tuple[dict[str, Estimate], dict[str, Comparison]]:
        """The measures with a hedge after so many seconds, and beside the primary alone."""
        hedged = self._delays.at(seconds("delay", delay))
        point = _Point(self._delays, self._squares, hedged, level)
        names = MEASURES if measures is None else measures
        percentiles = {name: p for name in names if (p := percentile(name)) is not None}
        found, compared = point.quantiles(percentiles)
        columns = self._columns(hedged, [name for name in names if name not in percentiles])
        for name, column in columns.items():
            found[name], compared[name] = point.mean(name, column)
        return {name: found[name] for name in names}, {name: compared[name] for name in names}

    def _columns(self, hedged: Hedged, names: Sequence[str]) -> dict[str, _Column]:
        size, tail = len(hedged.body), hedged.tail
        primary, backup = self._delays.primary[size:], self._delays.backup[size:]
        columns = {
            "mean": _Column(0.0, 1.0, tail - primary),
            "launches": _Column(1.0, 0.0, 1.0),
            "drops": _Column(0.0, 0.0, 0.0),
            "unanswered": _Column(0.0, 0.0, 0.0),
        }
        if {"work", "wasted", "cost"} & set(names):
            one, two = self._branches
            work = np.minimum(primary, tail + one.lingers) if one.lingers else tail
            other = np.minimum(backup, (tail - hedged.delay) + two.lingers)
            columns["work"] = _Column(0.0, 1.0, work + other - primary)
            columns["wasted"] = _Column(0.0, 0.0, np.where(tail == primary, other, work))
            # A primary that ended has cost as much as in control; one cut short has cost less.
            gain = _spent(two.cost, other, backup) - _spent(one.cost, primary, primary)
            gain = gain + _spent(one.cost, work, primary)
            fixed = one.cost.fixed + one.cost.per_token * one.cost.tokens
            columns["cost"] = _Column(fixed, one.cost.per_gpu_second, gain)
        return {name: columns[name] for name in names}


class _Point:
    """One delay of a family. `squares`: the sum of the squares of all services of the primary."""

    def __init__(self, delays: Delays, squares: float, hedged: Hedged, level: float) -> None:
        self._primary = delays.primary
        self._n, self._size = len(delays.primary), len(hedged.body)
        self._total, self._squares = float(delays.sums[-1]), squares
        self.hedged, self._level = hedged, level
        self._spare = np.empty(self._n - self._size)

    def mean(self, name: str, column: _Column) -> tuple[Estimate, Comparison]:
        """A measure that is a mean, and beside control."""
        n, fixed, slope = self._n, column.fixed, column.slope
        theirs = (fixed * n + slope * self._total) / n
        gain, squared, common = self._sums(column)  # of g, g * g and g * c, c that of control
        mean = gain / n
        ours = theirs + mean
        variance = (self._about(column, ours) + 2 * (common - ours * gain) + squared) / (n - 1)
        before = self._about(column, theirs) / (n - 1)
        paired = max(squared - n * mean**2, 0.0) / (n - 1)
        ratio = ours / theirs if theirs else math.nan
        # The influence on the ratio, (x - mean x) - ratio * (c - mean c), is (1 - ratio) * c + g.
        rest = 1 - ratio
        saved = rest**2 * self._about(column, 0.0) + 2 * rest * common + squared
        saved = max(saved, 0.0) / (n - 1) / theirs**2 if theirs else math.nan
        times = (variance + before) / paired if paired else 1.0
        estimate = of_independent(max(variance, 0.0), n).around(ours, self._level, n)
        return estimate, self._comparison(name, (ours, theirs), (paired, saved), times)

    def _sums(self, column: _Column) -> tuple[float, float, float]:
        gain, beyond = column.gain, self._n - self._size
        if isinstance(gain, float):
            return gain * beyond, gain * gain * beyond, column.fixed * gain * beyond
        # Not products of vectors: whoever computes those may share them out among cores.
        total = float(gain.sum())
        squared = float(np.multiply(gain, gain, out=self._spare).sum())
        common = column.fixed * total
        if column.slope:
            product = np.multiply(gain, self._primary[self._size :], out=self._spare)
            common += column.slope * float(product.sum())
        return total, squared, common

    def _about(self, column: _Column, value: float) -> float:
        """The sum of squares of control about a value."""
        a, b = column.fixed - value, column.slope
        return max(self._n * a * a + 2 * a * b * self._total + b * b * self._squares, 0.0)

    def quantiles(
        self, percentiles: dict[str, float]
    ) -> tuple[dict[str, Estimate], dict[str, Comparison]]:
        """Measures that are percentiles, and beside control; all with one look at the tail."""
        places: dict[int, float] = {}
        for p in percentiles.values():
            limits = binomial_limits(self._n, p, self._level) or ()
            places.update(dict.fromkeys((rank(self._n, p), *limits), 0.0))
            slope_at(p, self._n, lambda q: places.setdefault(rank(self._n, q), 0.0))
        found = self.hedged.ranked(list(places))
        places = dict(zip(places, found, strict=True))
        estimates = {name: self._limited(p, places) for name, p in percentiles.items()}
        compared = {name: self._beside(name, p, places) for name, p in percentiles.items()}
        return estimates, compared

    def _limited(self, p: float, places: dict[int, float]) -> Estimate:
        n, value, how = self._n, places[rank(self._n, p)], "binomial order statistics"
        limits = binomial_limits(n, p, self._level)
        if limits is None:
            why = f"{n} answered requests say too little of the {p:.6g}-quantile; simulate more"
            return Estimate(value, None, None, self._level, n, None, how, why)
        low, high = (places[place] for place in limits)
        return Estimate(value, low, high, self._level, n, float(n), how)

    def _beside(self, name: str, p: float, places: dict[int, float]) -> Comparison:
        """From the shares of requests below our quantile, below that of control, and below both."""
        n = self._n
        ours, theirs = places[rank(n, p)], of_sorted(self._primary, p)
        slope = slope_at(p, n, lambda q: places[rank(n, q)])
        other = slope_at(p, n, functools.partial(of_sorted, self._primary))
        body = int(np.searchsorted(self.hedged.body, ours, side="right"))
        control = int(np.searchsorted(self._primary, theirs, side="right"))
        below = self.hedged.tail <= ours
        both = min(body, control) + int(np.count_nonzero(below[: max(control - self._size, 0)]))
        share = body + int(np.count_nonzero(below))

        def spread(one: float, two: float) -> float:
            """The variance of one times our influence minus two times that of control."""
            ups, downs = one * slope, two * other
            centre = ups * share / n - downs * control / n
            rest = (n - share - control + both) * centre**2
            return (
                rest
                + both * (ups - downs - centre) ** 2
                + (share - both) * (ups - centre) ** 2
                + (control - both) * (downs + centre) ** 2
            ) / (n - 1)

        paired, separate = spread(1.0, 1.0), spread(1.0, 0.0) + spread(0.0, 1.0)
        ratio = ours / theirs if theirs else math.nan
        saved = spread(1.0, ratio) / theirs**2 if theirs else math.nan
        times = separate / paired if paired else 1.0
        return self._comparison(name, (ours, theirs), (paired, saved), times)

    def _comparison(
        self, name: str, values: tuple[float, float], variances: tuple[float, float], times: float
    ) -> Comparison:
        n, (ours, theirs) = self._n, values
        apart, saved = (of_independent(variance, n) for variance in variances)
        return Comparison(
            name,
            ours,
            theirs,
            apart.around(ours - theirs, self._level, n),
            saved.around(1 - ours / theirs if theirs else math.nan, self._level, n),
            times,
        )


def _spent(cost: Cost, work: Array, service: Array) -> Array | float:
    """What attempts cost that were served for so long of their service."""
    spent: Any = cost.fixed
    if cost.per_gpu_second:
        spent = spent + cost.per_gpu_second * work
    if cost.per_token and cost.tokens:
        share = np.ones(len(work))
        np.divide(work, service, out=share, where=service > 0)
        spent = spent + cost.per_token * cost.tokens * np.minimum(share, 1.0)
    return cast("Array | float", spent)
