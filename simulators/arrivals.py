"""When requests arrive: each process is data; `simulators.chances` draws the moments.

All times are float seconds since the experiment began.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, cast

from simulators import checks
from simulators.errors import ScenarioError
from spectest.latency import Latency

__all__ = ["MMPP", "Arrivals", "Closed", "Deterministic", "Poisson", "Trace"]


@dataclass(frozen=True, slots=True)
class Poisson:
    """`rate` requests a second on average, each whenever it likes."""

    rate: float

    def __post_init__(self) -> None:
        checks.fix(self, rate=checks.positive("arrivals.rate", self.rate, "requests a second"))

    @property
    def mean_rate(self) -> float:
        """Requests a second."""
        return self.rate


@dataclass(frozen=True, slots=True)
class Deterministic:
    """One request every `gap` seconds, the first at 0."""

    gap: float

    def __post_init__(self) -> None:
        checks.fix(self, gap=checks.positive("arrivals.gap", self.gap, "seconds between requests"))

    @property
    def mean_rate(self) -> float:
        """Requests a second."""
        return 1 / self.gap


@dataclass(frozen=True, slots=True)
class MMPP:
    """A Poisson process whose rate changes: bursts.

    In state i requests arrive at `rates[i]` a second, and at `switches[i]` a second the state
    changes to the next one, cyclically. It begins in state 0. Markov-modulated Poisson process:
    Fischer and Meier-Hellstern, Performance Evaluation 18(2), 1993.
    """

    rates: Sequence[float]
    switches: Sequence[float]

    def __post_init__(self) -> None:
        rates = tuple(checks.amount("arrivals.rates", rate) for rate in self.rates)
        switches = tuple(
            checks.positive("arrivals.switches", rate, "changes a second") for rate in self.switches
        )
        if len(rates) < 2 or len(rates) != len(switches):
            remedy = f"use 2 or more rates and as many switches; there are {len(switches)} switches"
            raise ScenarioError("arrivals.rates", rates, "does not fit its switches", remedy)
        if not any(rates):
            raise ScenarioError(
                "arrivals.rates", rates, "lets nothing arrive", "use a positive rate somewhere"
            )
        checks.fix(self, rates=rates, switches=switches)

    @property
    def mean_rate(self) -> float:
        """Requests a second, over a long time: rates weighted by the time spent in each state."""
        stays = [1 / rate for rate in self.switches]
        arrived = (rate * stay for rate, stay in zip(self.rates, stays, strict=True))
        return math.fsum(arrived) / math.fsum(stays)


@dataclass(frozen=True, slots=True)
class Trace:
    """Measured moments in seconds, in ascending order."""

    times: Sequence[float]

    def __post_init__(self) -> None:
        times = tuple(checks.seconds("arrivals.times", time) for time in self.times)
        if not times:
            remedy = "use the seconds at which requests arrived, such as [0.0, 0.4]"
            raise ScenarioError("arrivals.times", [], "is an empty trace", remedy)
        for place, (before, time) in enumerate(pairwise(times), 1):
            if time < before:
                why = f"is before the one ahead of it, {before!r}"
                raise ScenarioError(f"arrivals.times[{place}]", time, why, "sort the trace")
        checks.fix(self, times=times)

    @property
    def mean_rate(self) -> float:
        """Requests a second; infinite if all arrive at once."""
        span = self.times[-1] - self.times[0]
        return (len(self.times) - 1) / span if span else math.inf


@dataclass(frozen=True, slots=True)
class Closed:
    """`users` who wait for the answer, `think` for some time, and ask again.

    The rate follows from the latencies, so a closed scenario is never overloaded: it slows down.
    Every user begins by thinking.
    """

    users: int
    think: Latency | float | tuple[float, float]

    def __post_init__(self) -> None:
        users = checks.count("arrivals.users", self.users, "number of users")
        checks.fix(self, users=users, think=checks.latency("arrivals.think", self.think))

    @property
    def thinking(self) -> Latency:
        """`think` as a latency."""
        return cast("Latency", self.think)


Arrivals: TypeAlias = Poisson | Deterministic | MMPP | Trace | Closed
