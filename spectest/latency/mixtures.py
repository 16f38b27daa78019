"""Latencies of several kinds of requests: cold starts among warm ones, fast and slow servers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from spectest.latency import checks
from spectest.latency.base import ByLaw, Latency
from spectest.latency.simple import Exponential, as_latency
from spectest.latency.solving import quantile_within

__all__ = ["HyperExponential", "Mixture"]


@dataclass(frozen=True, slots=True, repr=False)
class Mixture(Latency):
    """One of several latencies, each with its weight.

    `parts` is a list of pairs (weight, latency), or a mapping {latency: weight}. The weights sum
    to 1. A latency may also be a number or a pair (low, high), as in `as_latency`. A quantile has
    no formula; it is searched to the last bit, which takes some ten evaluations of `sf`.
    """

    parts: Sequence[tuple[float, Latency | float]] | Mapping[Any, float]

    def __post_init__(self) -> None:
        parts = checks.pairs("Mixture", "parts", self.parts)
        if isinstance(self.parts, Mapping):
            parts = [(weight, latency) for latency, weight in parts]
        shares = checks.weights("Mixture", "the weights", [weight for weight, _ in parts])
        latencies = [as_latency(latency, "Mixture: a part") for _, latency in parts]
        checks.fix(self, parts=tuple(zip(shares, latencies, strict=True)))

    def __repr__(self) -> str:
        return f"Mixture({list(self._parts)!r})"

    def sf(self, t: float) -> float:
        return min(self._average(latency.sf(t) for _, latency in self._parts), 1.0)

    def inverse(self, p: float) -> float:
        quantiles = [latency.quantile(p) for _, latency in self._parts]
        return quantile_within(self.sf, p, min(quantiles), max(quantiles))

    @property
    def mean(self) -> float:
        return self._average(latency.mean for _, latency in self._parts)

    @property
    def variance(self) -> float:
        mean = self.mean
        if math.isinf(mean):
            return math.inf
        return self._average(
            latency.variance + (latency.mean - mean) ** 2 for _, latency in self._parts
        )

    @property
    def support(self) -> tuple[float, float]:
        lows, highs = zip(*(latency.support for _, latency in self._parts), strict=True)
        return min(lows), max(highs)

    @property
    def _parts(self) -> tuple[tuple[float, Latency], ...]:
        return cast("tuple[tuple[float, Latency], ...]", self.parts)

    def _average(self, values: Iterable[float]) -> float:
        weights = [weight for weight, _ in self._parts]
        products = (weight * value for weight, value in zip(weights, values, strict=True))
        return math.fsum(products) / math.fsum(weights)


@dataclass(frozen=True, slots=True)
class HyperExponential(ByLaw):
    """One of several exponential times, the one with `means[i]` with probability `weights[i]`."""

    weights: Sequence[float]
    means: Sequence[float]
    _law: Mixture = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        weights = checks.weights("HyperExponential", "weights", self.weights)
        means = tuple(checks.positive("HyperExponential", "means", mean) for mean in self.means)
        if len(means) != len(weights):
            why = f"are not as many as the weights; use {len(weights)} of them"
            raise checks.refusal("HyperExponential", "means", list(means), why)
        parts = [(weight, Exponential(mean)) for weight, mean in zip(weights, means, strict=True)]
        checks.fix(self, weights=weights, means=means, _law=Mixture(parts))
