"""What is known of a number: its value, and the interval that holds the true one so often.

Requests that share nothing are independent, and the textbook's standard error is right. Requests
that queue are not: at a load of 0.8 on one server that error is nine times too small. Then the
sequence is cut into batches, long enough that their means say nothing of each other; where no
number of batches achieves that, the interval is refused, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.estimators.tables import student

__all__ = ["Estimate", "Spread", "of_independent", "of_replications", "spread_of"]

_BATCHES = (64, 32, 16)
_SHORTEST = 16
_ONE_SIDED_5_PERCENT = 1.6449


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, `value`, and what is known of it.

    `low` and `high`: an interval that holds the true one with probability `level`, None where it
    was refused for the reason in `refused`. `n`: how many requests it is from. `effective`: how
    many independent ones would tell as much. `method`: how the interval was found.
    """

    value: float
    low: float | None
    high: float | None
    level: float
    n: int
    effective: float | None
    method: str
    refused: str | None = None

    @property
    def half_width(self) -> float:
        """Half of the interval; infinite where there is none."""
        if self.low is None or self.high is None:
            return math.inf
        return (self.high - self.low) / 2

    @property
    def relative(self) -> float:
        """The half-width as a share of the value."""
        if self.half_width == 0:
            return 0.0
        return self.half_width / abs(self.value) if self.value else math.inf

    def __str__(self) -> str:
        if self.refused is not None:
            return f"{self.value:.6g}, no interval: {self.refused}"
        return (
            f"{self.value:.6g} [{self.low:.6g}, {self.high:.6g}] "
            f"{self.level:.0%}, n={self.n}, {self.method}"
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard error of a mean, with its degrees of freedom; or why there is none."""

    error: float
    freedom: int
    effective: float
    method: str
    refused: str | None = None

    def around(self, value: float, level: float, n: int) -> Estimate:
        """The interval around this value."""
        if self.refused is not None:
            return Estimate(value, None, None, level, n, None, self.method, self.refused)
        half = student(level, self.freedom) * self.error
        low, high = value - half, value + half
        return Estimate(value, low, high, level, n, self.effective, self.method)


def spread_of(sequence: Any, *, queued: bool) -> Spread:
    """The standard error of the mean of `sequence`, in the order of arrival.

    Not `queued`: that of independent numbers. `queued`: by the means of 64, 32 or 16 batches, the
    most whose means have no significant correlation with the next (one-sided, 5 %). L. W. Schruben,
    A. M. Law and W. D. Kelton: A. M. Law, Simulation Modeling and Analysis, 5th ed., section 9.5.3.
    """
    numbers = np.asarray(sequence, dtype=np.float64)
    n = len(numbers)
    if n < 2:
        return Spread(math.inf, 1, n, "none", f"{n} requests; it takes two or more")
    variance = float(numbers.var(ddof=1))
    if not (queued and math.isfinite(variance) and variance):
        return of_independent(variance, n)
    if n < _BATCHES[-1] * _SHORTEST:
        needed = _BATCHES[-1] * _SHORTEST
        why = f"{n} requests that queue are too few for batches; it takes {needed} or more"
        return Spread(math.inf, 1, n, "batch means", why)
    correlation, batches = 0.0, 0
    for batches in (count for count in _BATCHES if n >= count * _SHORTEST):
        means = _means(numbers, batches)
        correlation = _next_to_each_other(means)
        if correlation <= _ONE_SIDED_5_PERCENT / math.sqrt(batches):
            error = float(means.std(ddof=1)) / math.sqrt(batches)
            effective = min(variance / error**2, float(n)) if error else float(n)
            return Spread(error, batches - 1, effective, f"{batches} batch means")
    why = (
        f"the means of {batches} batches of {n // batches} requests still depend on each other "
        f"(correlation {correlation:.2f}); simulate more requests, or a lower load"
    )
    return Spread(math.inf, 1, n, f"{batches} batch means", why)


def of_independent(variance: float, n: int) -> Spread:
    """The standard error of the mean of `n` independent numbers with this variance."""
    if not math.isfinite(variance):
        return Spread(math.inf, 1, 0.0, "none", "no request has a value, so there is no mean")
    return Spread(math.sqrt(variance / n), n - 1, n, "independent requests")


def of_replications(values: Sequence[float], level: float = 0.95, n: int = 0) -> Estimate:
    """The mean of one number of each of several independent runs, with a t interval.

    Right however much the requests of one run depend on each other. `n`: how many requests in all.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mean = float(numbers.mean()) if len(numbers) else math.nan
    method = f"{len(numbers)} replications"
    if len(numbers) < 2:
        why = f"{len(numbers)} replications; it takes two or more"
        return Estimate(mean, None, None, level, n, None, method, why)
    half = student(level, len(numbers) - 1) * float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    return Estimate(mean, mean - half, mean + half, level, n, float(len(numbers)), method)


def _means(numbers: Any, batches: int) -> Any:
    """Of batches of equal length; what is left over at the beginning is dropped."""
    length = len(numbers) // batches
    return numbers[len(numbers) - batches * length :].reshape(batches, length).mean(axis=1)


def _next_to_each_other(means: Any) -> float:
    """The correlation of each with the next."""
    apart = means - means.mean()
    total = float((apart * apart).sum())  # not @, which may add in another order elsewhere
    return float((apart[:-1] * apart[1:]).sum()) / total if total else 0.0
