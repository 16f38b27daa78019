"""Constant, uniform and exponential latencies, and what else may stand for a latency."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from spectest.errors import UsageError
from spectest.latency import checks
from spectest.latency.base import Latency

__all__ = [
    "Constant",
    "Exponential",
    "ShiftedExponential",
    "Uniform",
    "as_latency",
]


@dataclass(frozen=True, slots=True)
class Constant(Latency):
    """Always `seconds`."""

    seconds: float

    def __post_init__(self) -> None:
        checks.fix(self, seconds=checks.seconds("Constant", "seconds", self.seconds))

    def sf(self, t: float) -> float:
        return 1.0 if t < self.seconds else 0.0

    def inverse(self, p: float) -> float:
        return self.seconds

    @property
    def mean(self) -> float:
        return self.seconds

    @property
    def variance(self) -> float:
        return 0.0

    @property
    def support(self) -> tuple[float, float]:
        return self.seconds, self.seconds


@dataclass(frozen=True, slots=True)
class Uniform(Latency):
    """Equally likely from `low` to `high` seconds."""

    low: float
    high: float

    def __post_init__(self) -> None:
        low = checks.seconds("Uniform", "low", self.low)
        high = checks.seconds("Uniform", "high", self.high)
        if high < low:
            why = f"is less than low={low!r}; use the smaller number for low"
            raise checks.refusal("Uniform", "high", high, why)
        checks.fix(self, low=low, high=high)

    def sf(self, t: float) -> float:
        if t < self.low:
            return 1.0
        return (self.high - t) / (self.high - self.low) if t < self.high else 0.0

    def inverse(self, p: float) -> float:
        return min(self.low + p * (self.high - self.low), self.high)

    @property
    def mean(self) -> float:
        return self.low + (self.high - self.low) / 2

    @property
    def variance(self) -> float:
        return (self.high - self.low) ** 2 / 12

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Exponential(Latency):
    """Memoryless, with the given `mean`."""

    mean: float = field()  # without `field()` the property of the base would become its default

    def __post_init__(self) -> None:
        checks.fix(self, mean=checks.positive("Exponential", "mean", self.mean))

    def sf(self, t: float) -> float:
        return math.exp(-t / self.mean) if t > 0 else 1.0

    def inverse(self, p: float) -> float:
        return -self.mean * math.log1p(-p)

    @property
    def variance(self) -> float:
        return self.mean * self.mean

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf


@dataclass(frozen=True, slots=True)
class ShiftedExponential(Latency):
    """At least `shift`, and an exponential time on top; `mean` is that of the whole."""

    shift: float
    mean: float = field()

    def __post_init__(self) -> None:
        shift = checks.seconds("ShiftedExponential", "shift", self.shift)
        mean = checks.positive("ShiftedExponential", "mean", self.mean)
        if mean <= shift:
            why = (
                f"is not greater than shift={shift!r}; it is the mean of the whole, shift included"
            )
            raise checks.refusal("ShiftedExponential", "mean", mean, why)
        checks.fix(self, shift=shift, mean=mean)

    def sf(self, t: float) -> float:
        over = t - self.shift
        return math.exp(-over / (self.mean - self.shift)) if over > 0 else 1.0

    def inverse(self, p: float) -> float:
        return self.shift - (self.mean - self.shift) * math.log1p(-p)

    @property
    def variance(self) -> float:
        return (self.mean - self.shift) ** 2

    @property
    def support(self) -> tuple[float, float]:
        return self.shift, math.inf


def as_latency(value: Any, name: str = "latency") -> Latency:
    """A latency itself, a number as `Constant`, a pair (low, high) as `Uniform`.

    `name` is what a `UsageError` calls the culprit. Booleans, negative numbers, NaN and infinity
    are refused.
    """
    if isinstance(value, Latency):
        return value
    try:
        if isinstance(value, tuple | list) and len(value) == 2:
            return Uniform(*value)
        return Constant(value)
    except UsageError:
        raise UsageError(
            f"{name}={value!r} is not a latency.\n"
            "Use a number of seconds, 0 or more and finite, a pair (low, high) of them, or a "
            "latency such as LogNormal(median=0.03, sigma=0.5)."
        ) from None
