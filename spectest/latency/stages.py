"""Erlang: a sum of equal exponential stages, so less variable the more stages there are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from spectest.latency import checks
from spectest.latency.base import Latency
from spectest.latency.solving import quantile_within

__all__ = ["Erlang"]


@dataclass(frozen=True, slots=True)
class Erlang(Latency):
    """The sum of `stages` independent exponential times; `mean` is that of the sum."""

    stages: int
    mean: float = field()  # without `field()` the property of the base would become its default

    def __post_init__(self) -> None:
        stages = checks.integer("Erlang", "stages", self.stages, least=1)
        checks.fix(self, stages=stages, mean=checks.positive("Erlang", "mean", self.mean))

    def sf(self, t: float) -> float:
        return _fewer_arrivals(self.stages, t * self.stages / self.mean) if t > 0 else 1.0

    def inverse(self, p: float) -> float:
        high = self.mean
        while self.sf(high) > 1.0 - p:
            high *= 2
        return quantile_within(self.sf, p, 0.0, high)

    @property
    def variance(self) -> float:
        return self.mean**2 / self.stages

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf


def _fewer_arrivals(stages: int, x: float) -> float:
    """The probability of fewer than `stages` Poisson arrivals where `x` are expected.

    The smaller of the two sides is summed, from its largest term on.
    """
    if math.isinf(x):
        return 0.0
    if x > stages:
        return _term(stages - 1, x) * _sum_of_products((stages - k) / x for k in range(1, stages))
    return 1.0 - _term(stages, x) * _sum_of_products(x / (stages + k) for k in itertools.count(1))


def _term(count: int, x: float) -> float:
    return math.exp(count * math.log(x) - x - math.lgamma(count + 1))


def _sum_of_products(factors: Iterable[float]) -> float:
    """1 + f1 + f1*f2 + ..., for falling factors below 1, until it no longer matters."""
    total = product = 1.0
    for factor in factors:
        product *= factor
        total += product
        if product < total * 2.0**-60:
            break
    return total
