"""One attempt as a distribution: when it has answered validly, when it has ended in vain.

Everything is a probability "by t", t counted from the launch of the attempt; a caller who gives an
attempt up at its timeout does not know what it would have answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from simulators.exact import normal
from simulators.exact.quadrature import integral, tail_integral
from spectest.latency import Constant, Empirical, Latency, Mixture

__all__ = ["Attempted", "added_sf", "average", "moment", "places"]


@dataclass(frozen=True)
class Attempted:
    """An attempt with this `law` of service, that is `valid` with this probability.

    `timeout`: seconds after which it is given up. `lingers`: seconds for which it holds its server
    after it was cancelled or given up.
    """

    law: Latency
    valid: float = 1.0
    timeout: float = math.inf
    lingers: float = 0.0

    def open(self, t: float) -> float:
        """The probability that there is no valid answer by `t`."""
        if t < 0:
            return 1.0
        return (1 - self.valid) + self.valid * self.law.sf(min(t, self.timeout))

    def running(self, t: float) -> float:
        """The probability that it has not ended by `t`, one way or another."""
        if t < 0:
            return 1.0
        return self.law.sf(t) if t < self.timeout else 0.0

    def in_vain(self, t: float) -> float:
        """The probability that it has ended by `t` without a valid answer."""
        return self.open(t) - self.running(t) if t >= 0 else 0.0

    @property
    def certain(self) -> bool:
        """Whether it always answers validly."""
        return self.valid == 1 and self.timeout == math.inf

    @cached_property
    def breaks(self) -> frozenset[float]:
        """Where these functions jump or have a kink."""
        marks = {0.0, self.timeout, self.timeout + self.lingers, *places(self.law)}
        return frozenset(mark for mark in marks if math.isfinite(mark))

    @cached_property
    def scale(self) -> float:
        """A usual length, for a search to begin with."""
        low, high = self.law.support
        median = self.law.quantile(0.5)
        return median or (high if 0 < high < math.inf else max(low, 1.0))

    def mean_until(self, limit: float) -> float:
        """The mean of the service, cut at `limit`."""
        if math.isinf(limit):
            return self.law.mean
        return integral(self.law.sf, 0.0, limit, self.breaks)


def places(law: Latency) -> frozenset[float]:
    """Where a survival function jumps or has a kink, as far as its kind says."""
    if isinstance(law, Constant):
        return frozenset({law.seconds})
    if isinstance(law, Empirical):
        return frozenset(cast("Iterable[float]", dict(cast("Iterable[Any]", law.values))))
    if isinstance(law, Mixture):
        parts = [part for _, part in cast("Iterable[tuple[float, Latency]]", law.parts)]
        return frozenset[float]().union(*(places(part) for part in parts))
    inner = getattr(law, "_law", None)
    if isinstance(inner, Latency):
        return places(inner)
    return frozenset(end for end in law.support if math.isfinite(end))


def average(
    law: Latency,
    function: Callable[[float], float],
    upto: float = math.inf,
    within: float = 1e-13,
    breaks: Iterable[float] = (),
) -> float:
    """The mean of `function` of a latency of this law, over those of at most `upto` seconds.

    `breaks`: seconds at which the function has a kink.
    """
    if isinstance(law, Constant):
        return function(law.seconds) if law.seconds <= upto else 0.0
    if isinstance(law, Empirical):
        counts = cast("Iterable[tuple[float, int]]", law.values)
        total = sum(count for _, count in counts)
        return math.fsum(n * function(value) for value, n in counts if value <= upto) / total
    marks = {0.5, 0.9, 0.99, 0.999, 0.9999, *(1 - law.sf(place) for place in places(law))}
    marks |= {1 - law.sf(place) for place in breaks}
    high = 1 - law.sf(upto) if math.isfinite(upto) else 1.0
    return integral(lambda p: function(law.quantile(p)), 0.0, high, marks, within)


def added_sf(first: Latency, second: Latency, t: float, correlation: float = 0.0) -> float:
    """The probability that both take longer than `t` together, one after the other.

    `correlation` is that of a Gaussian copula; at 1 the two are comonotone, and only then are the
    percentiles of a sum the sums of percentiles.
    """
    if correlation == 0:
        return average(first, lambda x: second.sf(t - x) if t > x else 1.0)
    if correlation == 1:
        return integral(
            lambda p: float(first.quantile(p) + second.quantile(p) > t), 0.0, 1.0, within=1e-14
        )
    spread = math.sqrt((1 - correlation) * (1 + correlation))

    def given(p: float) -> float:
        x = first.quantile(p)
        if x >= t:
            return 1.0
        k = normal.score(second.sf(t - x))
        return normal.upper((k + correlation * normal.score(p)) / spread)

    return integral(given, 0.0, 1.0, (0.5, 0.9, 0.99, 0.999))


def moment(law: Latency, power: int) -> float:
    """The mean of a latency to this power; `math.inf` where it diverges."""
    attempt = Attempted(law)
    if power == 1:
        return law.mean
    if power == 2:
        return law.variance + law.mean**2
    return tail_integral(
        lambda t: power * t ** (power - 1) * law.sf(t), 0.0, attempt.scale, attempt.breaks
    )
