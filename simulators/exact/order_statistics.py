"""The fastest, the slowest, the k-th of independent branches that start together and never wait.

Source: H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed., Wiley 2003, unless stated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulators.exact.attempts import average, places
from simulators.exact.quadrature import tail_integral
from spectest.latency import Latency

__all__ = [
    "any_of",
    "fastest_mean",
    "fastest_quantile",
    "harmonic",
    "kth_exponential",
    "slowest_mean",
    "slowest_quantile",
    "some_of",
    "stragglers",
    "wins",
]


def fastest_quantile(law: Latency, n: int, p: float) -> float:
    """The `p`-quantile of the fastest of `n`: that of one at 1 - (1-p)^(1/n)."""
    return law.quantile(-math.expm1(math.log1p(-p) / n))


def slowest_quantile(law: Latency, n: int, p: float) -> float:
    """The `p`-quantile of the slowest of `n`: that of one at p^(1/n)."""
    return law.quantile(p ** (1 / n))


def fastest_mean(laws: Sequence[Latency]) -> float:
    """Seconds until the first of them is done."""
    return tail_integral(lambda t: math.prod(law.sf(t) for law in laws), 0.0, *_where(laws))


def slowest_mean(laws: Sequence[Latency]) -> float:
    """Seconds until all of them are done."""
    return tail_integral(lambda t: some_of([law.sf(t) for law in laws]), 0.0, *_where(laws))


def harmonic(n: int) -> float:
    """1 + 1/2 + ... + 1/n: the mean of the slowest of n exponential times of mean 1."""
    return math.fsum(1 / i for i in range(1, n + 1))


def kth_exponential(n: int, k: int, mean: float = 1.0) -> float:
    """The mean time until `k` of `n` exponential branches are done. A. Renyi, 1953."""
    return mean * (harmonic(n) - harmonic(n - k))


def wins(law: Latency, others: Sequence[Latency]) -> float:
    """The probability that a branch is faster than all others; a/(a+b) for rates a and b."""
    return average(law, lambda t: math.prod(other.sf(t) for other in others))


def some_of(probabilities: Sequence[float]) -> float:
    """The probability that at least one of independent events happens, however small it is."""
    none = math.fsum(math.log1p(-p) if p < 1 else -math.inf for p in probabilities)
    return -math.expm1(none)


def any_of(p: float, n: int) -> float:
    """The probability that something of probability `p` happens to at least one of `n`.

    J. Dean, L. A. Barroso, The Tail at Scale, CACM 56(2), 2013.
    """
    return -math.expm1(n * math.log1p(-p)) if p < 1 else 1.0


def stragglers(p: float, n: int, clones: int = 1) -> float:
    """The probability that a job of `n` tasks has a straggler although each has `clones` copies.

    1 - (1-p^c)^n: G. Ananthanarayanan et al., Effective Straggler Mitigation (Dolly), NSDI 2013.
    """
    return any_of(p**clones, n)


def _where(laws: Sequence[Latency]) -> tuple[float, list[float]]:
    """How long they usually take, and where their survival functions have kinks."""
    marks = sorted(frozenset().union(*(places(law) for law in laws)))
    return min(law.quantile(0.5) for law in laws) or 1.0, marks
