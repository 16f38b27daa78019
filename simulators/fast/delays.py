"""One scenario at many hedge delays, on common draws: only the tail beyond a delay is touched.

The latencies of the primary are sorted once. At a delay d the requests up to d are as they are, and
the others take min(L1, d + L2), which is more than d: so most quantiles are looked up, and the rest
is searched in the tail. The numbers are those of `fast.run` at that delay, without its columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulators import checks
from simulators.chances import checked_count
from simulators.errors import ScenarioError
from simulators.fast.draws import Bulk
from simulators.results import Array
from simulators.scenario import Scenario
from spectest.patterns.policies import FirstValid, Hedge

__all__ = ["Delays", "Hedged", "fits"]

_BLOCK = 16384


def fits(scenario: Scenario) -> bool:
    """Whether `Delays` has this scenario: two plain branches, hedged, that share nothing."""
    policy, decision = scenario.policy, scenario.decision
    if type(policy) is not Hedge or type(decision) is not FirstValid or len(scenario.racing) != 2:
        return False
    plain = all(b.valid == 1 and not b.failure and b.timeout is None for b in scenario.racing)
    return plain and not scenario.shares and (policy.most is None or policy.most > 1)


class Delays:
    """The latencies of `n` requests whose hedge comes after any delay.

    For two branches that share nothing with other requests and answer validly, without timeouts,
    and `FirstValid`; for all else `ScenarioError`: use `fast.run` for each delay.

    `primary`, `backup`: the seconds of service of each request, in the order of the primary's.
    `sums[k]`: of the first k of the primary.
    """

    def __init__(self, scenario: Scenario, n: int, seed: int = 0) -> None:
        if not fits(scenario):
            why = "is not one of two plain branches alone"
            raise ScenarioError("policy", scenario.policy, why, "use fast.run for each delay")
        bulk, size = Bulk(scenario, seed), checked_count(scenario, n)
        numbers = np.arange(size, dtype=np.uint64)
        primary, backup = (
            np.concatenate(
                [bulk.services(numbers[at : at + _BLOCK], index) for at in range(0, size, _BLOCK)]
            )
            for index in (0, 1)
        )
        order = np.argsort(primary)
        self.primary, self.backup = primary[order], backup[order]
        self.sums = np.concatenate([[0.0], np.cumsum(self.primary)])

    def at(self, delay: float) -> Hedged:
        """The latencies with a hedge after so many seconds."""
        delay = checks.seconds("delay", delay)
        size = int(np.searchsorted(self.primary, delay, side="right"))
        tail = self.backup[size:] + delay
        np.minimum(self.primary[size:], tail, out=tail)
        return Hedged(delay, self.primary[:size], tail, float(self.sums[size]))


@dataclass(frozen=True, eq=False)
class Hedged:
    """`body`: the latencies up to `delay`, sorted; `tail`: the others, in the primary's order."""

    delay: float
    body: Array
    tail: Array
    _body_sum: float

    @property
    def mean(self) -> float:
        """Of all latencies, in seconds."""
        return (self._body_sum + float(self.tail.sum())) / (len(self.body) + len(self.tail))

    @property
    def launched(self) -> float:
        """The share of requests that launched the hedge."""
        return len(self.tail) / (len(self.body) + len(self.tail))

    def quantiles(self, *qs: float) -> list[float]:
        """By the nearest rank, as `patterns.policies.quantile`; `inverted_cdf` in NumPy."""
        n = len(self.body) + len(self.tail)
        return self.ranked([max(math.ceil(round(q * n, 9)), 1) - 1 for q in qs])

    def ranked(self, places: Sequence[int]) -> list[float]:
        """The latencies at these places in ascending order, counted from 0."""
        size = len(self.body)
        searched = sorted({place - size for place in places if place >= size})
        tail = np.partition(self.tail, searched) if searched else self.tail
        return [float(self.body[r] if r < size else tail[r - size]) for r in places]
