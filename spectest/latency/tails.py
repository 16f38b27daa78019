"""Latencies with a tail heavier than exponential, or lighter: where most surprises come from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from spectest.latency import checks
from spectest.latency.base import Latency, checked_range

__all__ = ["LogNormal", "Pareto", "Weibull"]

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class LogNormal(Latency):
    """Its logarithm is normal, with standard deviation `sigma`; half take less than `median`."""

    median: float
    sigma: float

    def __post_init__(self) -> None:
        median = checks.positive("LogNormal", "median", self.median)
        sigma = checks.positive("LogNormal", "sigma", self.sigma, example="0.5, or Constant")
        checks.fix(self, median=median, sigma=sigma)
        checked_range(self)

    @classmethod
    def from_percentiles(cls, *, p50: float, p99: float) -> LogNormal:
        """The one with this median and this 99th percentile, in seconds."""
        owner = "LogNormal.from_percentiles"
        p50 = checks.positive(owner, "p50", p50)
        p99 = checks.positive(owner, "p99", p99)
        if p99 <= p50:
            why = f"is not greater than p50={p50!r}; use a larger p99, or Constant({p50!r})"
            raise checks.refusal(owner, "p99", p99, why)
        return cls(median=p50, sigma=math.log(p99 / p50) / _NORMAL.inv_cdf(0.99))

    def sf(self, t: float) -> float:
        if t <= 0:
            return 1.0
        return math.erfc(math.log(t / self.median) / (self.sigma * math.sqrt(2))) / 2

    def inverse(self, p: float) -> float:
        return self.median * math.exp(self.sigma * _NORMAL.inv_cdf(p))

    @property
    def mean(self) -> float:
        return self.median * _exp(self.sigma**2 / 2)

    @property
    def variance(self) -> float:
        if self.sigma > 1:
            return self.mean * self.mean * (_exp(self.sigma**2) - 1)
        return self.mean * self.mean * math.expm1(self.sigma**2)

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf


@dataclass(frozen=True, slots=True)
class Pareto(Latency):
    """At least `minimum`; twice the time has 2 ** -alpha times the probability."""

    minimum: float
    alpha: float

    def __post_init__(self) -> None:
        minimum = checks.positive("Pareto", "minimum", self.minimum)
        alpha = checks.positive("Pareto", "alpha", self.alpha, example="2.5")
        checks.fix(self, minimum=minimum, alpha=alpha)
        checked_range(self)

    def sf(self, t: float) -> float:
        return float((self.minimum / t) ** self.alpha) if t > self.minimum else 1.0

    def inverse(self, p: float) -> float:
        return float(self.minimum * (1.0 - p) ** (-1.0 / self.alpha))

    @property
    def mean(self) -> float:
        return self.minimum * self.alpha / (self.alpha - 1) if self.alpha > 1 else math.inf

    @property
    def variance(self) -> float:
        if self.alpha <= 2:
            return math.inf
        return (self.minimum / (self.alpha - 1)) ** 2 * (self.alpha / (self.alpha - 2))

    @property
    def support(self) -> tuple[float, float]:
        return self.minimum, math.inf


@dataclass(frozen=True, slots=True)
class Weibull(Latency):
    """`shape` below 1: the longer it has taken, the longer it will; above 1: the reverse.

    Of all, 1/e take longer than `scale` seconds.
    """

    scale: float
    shape: float

    def __post_init__(self) -> None:
        scale = checks.positive("Weibull", "scale", self.scale)
        shape = checks.positive("Weibull", "shape", self.shape, example="0.7")
        checks.fix(self, scale=scale, shape=shape)
        checked_range(self)

    def sf(self, t: float) -> float:
        return math.exp(-_exp(self.shape * math.log(t / self.scale))) if t > 0 else 1.0

    def inverse(self, p: float) -> float:
        return float(self.scale * (-math.log1p(-p)) ** (1.0 / self.shape))

    @property
    def mean(self) -> float:
        return self.scale * _exp(math.lgamma(1 + 1 / self.shape))

    @property
    def variance(self) -> float:
        first = math.lgamma(1 + 1 / self.shape)
        second = math.lgamma(1 + 2 / self.shape)
        return self.scale**2 * _exp(second) * -math.expm1(min(2 * first - second, 0.0))

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf


def _exp(x: float) -> float:
    return math.exp(x) if x < 709 else math.inf
