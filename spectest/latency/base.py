"""A latency is a distribution of seconds, known by its survival function and its quantiles.

The one protocol of this package. Drawing is the inverse transform of one uniform number, so a draw
grows with its uniform: that makes common random numbers and copulas work for every distribution.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Protocol

from spectest.errors import UsageError
from spectest.latency import checks

__all__ = ["LAST", "ByLaw", "Latency", "Stream", "checked_range"]

LAST = 1.0 - 2.0**-53
"""The largest float below 1, so also the largest that `random()` returns."""


class Stream(Protocol):
    """Whatever has `random()`, like `random.Random` or the streams of `Draws`."""

    def random(self) -> float:
        """A float in [0, 1)."""
        ...


class Latency(ABC):
    """Base of all latencies. All times are float seconds, 0 or more.

    A distribution of your own defines `sf`, `inverse`, `mean`, `variance` and `support`.
    """

    __slots__ = ()

    @abstractmethod
    def sf(self, t: float) -> float:
        """The survival function: the probability that it takes longer than `t` seconds."""

    @abstractmethod
    def inverse(self, p: float) -> float:
        """What `quantile` returns for 0 < p < 1."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """In seconds; `math.inf` where it diverges or exceeds what a float holds."""

    @property
    @abstractmethod
    def variance(self) -> float:
        """In seconds squared; `math.inf` where it diverges or exceeds what a float holds."""

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """(low, high): nothing takes less or more; `high` may be `math.inf`."""

    def quantile(self, p: float) -> float:
        """The smallest t with P(T <= t) >= p, the generalised inverse; `low` for p = 0.

        `UsageError` unless 0 <= p <= 1.
        """
        p = checks.probability(f"{type(self).__name__}.quantile", "p", p)
        if p == 0.0:
            return self.support[0]
        return self.support[1] if p == 1.0 else self.inverse(p)

    def interval(self, tail: float = 0.001) -> tuple[float, float, float]:
        """(shortest, usual, longest) for a search; the usual length is the median.

        These are the ends of the support; an end that is infinite is cut at `quantile(1 - tail)`.
        `UsageError` unless 0 < tail < 0.5.
        """
        tail = checks.inner_probability(f"{type(self).__name__}.interval", "tail", tail)
        if tail >= 0.5:
            why = "leaves less than the median; use a tail below 0.5, such as 0.001"
            raise checks.refusal(f"{type(self).__name__}.interval", "tail", tail, why)
        low, high = self.support
        longest = self.quantile(1.0 - tail) if math.isinf(high) else high
        return low, self.quantile(0.5), longest

    def sample(self, stream: Stream) -> float:
        """One draw: the quantile of exactly one uniform number from `stream`."""
        return self.quantile(stream.random())


class ByLaw(Latency):
    """One that has a description of its own, and whose distribution is that of another, `_law`."""

    __slots__ = ()
    _law: Latency

    def sf(self, t: float) -> float:
        return self._law.sf(t)

    def inverse(self, p: float) -> float:
        return self._law.inverse(p)

    @property
    def mean(self) -> float:
        return self._law.mean

    @property
    def variance(self) -> float:
        return self._law.variance

    @property
    def support(self) -> tuple[float, float]:
        return self._law.support


def checked_range(latency: Latency) -> None:
    """`UsageError` if some draw of `latency` is no finite float."""
    try:
        longest = latency.quantile(LAST)
    except OverflowError:
        longest = math.inf
    if math.isinf(longest):
        raise UsageError(
            f"{latency!r}: its tail is so heavy that its longest draws are no finite floats.\n"
            "Use a lighter tail: a smaller sigma, a larger alpha or shape."
        )
