"""The answer of a language model: time to first token, then so many tokens, each taking its time.

How the parts combine. The length of an answer does not depend on how busy the server is: `tokens`
is independent of the speed. The two speeds do depend on it: a request with a slow first token has
slow tokens (`ttft` and `tpot` are comonotone). So an answer of n tokens has the quantile
ttft.quantile(p) + n * tpot.quantile(p), exactly, and all answers are the `Mixture` over n. Where
`ttft` or `tpot` is a constant, this is the same as independent parts.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from spectest.latency import checks
from spectest.latency.base import LAST, ByLaw, Latency
from spectest.latency.mixtures import Mixture
from spectest.latency.simple import Constant, as_latency
from spectest.latency.solving import crossing

__all__ = ["LLM"]

_NORMAL = NormalDist()
_SCORES = _NORMAL.inv_cdf(1.0 - LAST), _NORMAL.inv_cdf(LAST)
_TINY = 1e-300


@dataclass(frozen=True, slots=True, repr=False)
class LLM(ByLaw):
    """`ttft` + `tokens` * `tpot`, in seconds.

    `ttft` and `tpot` (time to first token, time per output token) are latencies, numbers or pairs
    (low, high). `tokens` is a number, a pair (low, high) of equally likely numbers, both included,
    or a mapping {number: weight}.

    A draw takes microseconds for one number of tokens. For several it is a search in a `Mixture`
    with a part for each number, which takes some 0.1 ms for each where `ttft` or `tpot` is a
    constant, and some 2 ms where both vary: use a few representative numbers then, not a range.
    Where both vary, a survival probability below 2**-53 counts as 0.

    The variance is exact if `ttft` or `tpot` is a constant. Otherwise the covariance of the two is
    integrated over their quantiles, to six digits for smooth latencies and to two for tables, and
    without what is beyond the quantile 1 - 1e-15.
    """

    ttft: Latency | float | tuple[float, float]
    tokens: int | tuple[int, int] | Mapping[int, float]
    tpot: Latency | float | tuple[float, float]
    _law: Latency = field(init=False, compare=False)

    def __post_init__(self) -> None:
        ttft, tpot = as_latency(self.ttft, "LLM: ttft"), as_latency(self.tpot, "LLM: tpot")
        tokens, counts = _counts(self.tokens)
        parts = [(weight, _Answer(ttft, count, tpot)) for count, weight in counts.items()]
        law = Mixture(parts) if len(parts) > 1 else parts[0][1]
        checks.fix(self, ttft=ttft, tokens=tokens, tpot=tpot, _law=law)

    def __repr__(self) -> str:
        tokens = self.tokens
        if isinstance(tokens, tuple) and isinstance(tokens[0], tuple):
            tokens = dict(tokens)
        return f"LLM(ttft={self.ttft!r}, tokens={tokens!r}, tpot={self.tpot!r})"


@dataclass(frozen=True, slots=True)
class _Answer(Latency):
    """An answer of one length, whose speeds move together."""

    ttft: Latency
    tokens: int
    tpot: Latency

    def sf(self, t: float) -> float:
        low, high = self.support
        if t < low or t >= high:
            return 1.0 if t < low else 0.0
        rounds_to_t = math.ulp(t) / 2
        if isinstance(self.tpot, Constant):
            return self.ttft.sf(t - self.tokens * self.tpot.seconds + rounds_to_t)
        if isinstance(self.ttft, Constant):
            return self.tpot.sf((t - self.ttft.seconds + rounds_to_t) / self.tokens)
        return self._sf_of_both(t)

    def _sf_of_both(self, t: float) -> float:
        longer = math.nextafter(t, math.inf)

        def lateness(z: float) -> float:
            """Of the quantile whose normal score is z: nearly a line for many latencies."""
            return math.log(max(self.inverse(_NORMAL.cdf(z)) / longer, _TINY))

        if lateness(_SCORES[0]) >= 0 or lateness(_SCORES[1]) < 0:
            return 1.0 if lateness(_SCORES[0]) >= 0 else 0.0
        below, _ = crossing(lateness, *_SCORES, within=2.0**-53)
        return 1.0 - _NORMAL.cdf(below)

    def inverse(self, p: float) -> float:
        return self.ttft.quantile(p) + self.tokens * self.tpot.quantile(p)

    @property
    def mean(self) -> float:
        return self.ttft.mean + self.tokens * self.tpot.mean

    @property
    def variance(self) -> float:
        separate = self.ttft.variance + self.tokens**2 * self.tpot.variance
        if math.isinf(separate) or self.ttft.variance == 0 or self.tpot.variance == 0:
            return separate
        return separate + 2 * self.tokens * _covariance(self.ttft, self.tpot)

    @property
    def support(self) -> tuple[float, float]:
        first, each = self.ttft.support, self.tpot.support
        return first[0] + self.tokens * each[0], first[1] + self.tokens * each[1]


def _counts(tokens: Any) -> tuple[Any, dict[int, float]]:
    """`tokens` in a form that can be hashed, and {number: weight}."""
    if isinstance(tokens, tuple | list) and len(tokens) == 2 and isinstance(tokens[0], int):
        low = checks.integer("LLM", "tokens[0]", tokens[0], least=1)
        high = checks.integer("LLM", "tokens[1]", tokens[1], least=low)
        return (low, high), dict.fromkeys(range(low, high + 1), 1 / (high - low + 1))
    if isinstance(tokens, Mapping | tuple | list):
        items = checks.pairs("LLM", "tokens", tokens)
        numbers = [checks.integer("LLM", "a number of tokens", n, least=1) for n, _ in items]
        shares = checks.weights("LLM", "the weights of tokens", [weight for _, weight in items])
        counts = dict(sorted(zip(numbers, shares, strict=True)))
        return tuple(counts.items()), counts
    count = checks.integer("LLM", "tokens", tokens, least=1)
    return count, {count: 1.0}


@functools.lru_cache(maxsize=64)
def _covariance(one: Latency, other: Latency) -> float:
    """Of two latencies decided by one uniform, by tanh-sinh quadrature over it.

    Takahasi and Mori, "Double exponential formulas for numerical integration", 1974.
    """
    means, step = (one.mean, other.mean), 1 / 128
    terms = []
    for place in range(-396, 397):
        x = place * step
        p = 1 / (1 + math.exp(-math.pi * math.sinh(x)))
        product = (one.quantile(p) - means[0]) * (other.quantile(p) - means[1])
        terms.append(product * p * (1 - p) * math.pi * math.cosh(x))
    return step * math.fsum(terms)
