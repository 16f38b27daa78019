"""One scenario at many hedge delays, on common draws: only the tail beyond a delay is touched.

The latencies of the primary are sorted once. At a delay d the requests up to d are as they are, and
the others take min(L1, d + L2), which is more than d: so most quantiles are looked up, and the rest
is searched in the tail. The numbers are those of `fast.run` at that delay, without its columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulators import checks
from simulators.chances import checked_count
from simulators.errors import ScenarioError
from simulators.fast.draws import Bulk
from simulators.results import Array
from simulators.scenario import Scenario
from spectest.patterns.policies import FirstValid, Hedge

__all__ = ["Delays", "Hedged"]

_BLOCK = 16384


class Delays:
    """The latencies of `n` requests whose hedge comes after any delay.

    For two branches that share nothing with other requests and answer validly, without timeouts,
    and `FirstValid`; for all else `ScenarioError`: use `fast.run` for each delay.
    """

    def __init__(self, scenario: Scenario, n: int, seed: int = 0) -> None:
        plain = all(b.valid == 1 and not b.failure and b.timeout is None for b in scenario.racing)
        fits = type(scenario.policy) is Hedge and type(scenario.decision) is FirstValid
        if not (fits and plain and len(scenario.racing) == 2 and not scenario.shares):
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
        self._primary, self._backup = primary[order], backup[order]
        self._sums = np.concatenate([[0.0], np.cumsum(self._primary)])

    def at(self, delay: float) -> Hedged:
        """The latencies with a hedge after so many seconds."""
        delay = checks.seconds("delay", delay)
        size = int(np.searchsorted(self._primary, delay, side="right"))
        tail = self._backup[size:] + delay
        np.minimum(self._primary[size:], tail, out=tail)
        return Hedged(delay, self._primary[:size], tail, float(self._sums[size]))


@dataclass(frozen=True, eq=False)
class Hedged:
    """`body`: the latencies up to `delay`, sorted; `tail`: the others, in no order."""

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
        n, size = len(self.body) + len(self.tail), len(self.body)
        ranks = [max(math.ceil(round(q * n, 9)), 1) - 1 for q in qs]
        searched = sorted({rank - size for rank in ranks if rank >= size})
        tail = np.partition(self.tail, searched) if searched else self.tail
        return [float(self.body[r] if r < size else tail[r - size]) for r in ranks]
