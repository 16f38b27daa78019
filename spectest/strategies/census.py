"""How often each chain goes first in an execution: as told, else as seen.

What is seen are the questions a chain won; where it was alone there was no question, so counts that
are told, of completions waited for, are the better ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from spectest.strategies.base import NOBODY, Profile

__all__ = ["Census"]


class Census:
    """Expected and actual counts; chains never seen before are expected to be like the others."""

    def __init__(self) -> None:
        self._told: Mapping[int, int] = {}
        self._mean: dict[int, float] = {}
        self._runs: dict[int, int] = {}
        self._typical = 1.0
        self._done: dict[int, int] = {}

    def begin(self, profile: Profile) -> None:
        """Before an execution."""
        if profile.chains != self._told:
            self._told = profile.chains
            counts = [count for chain, count in self._told.items() if chain != NOBODY]
            self._typical = float(median(counts)) if counts else 1.0
        self._done = {}

    def went_first(self, chain: int) -> None:
        """During an execution."""
        self._done[chain] = self._done.get(chain, 0) + 1

    def end(self) -> None:
        """After an execution."""
        for chain, count in self._done.items():
            runs = self._runs[chain] = self._runs.get(chain, 0) + 1
            mean = self._mean.get(chain, 0.0)
            self._mean[chain] = mean + (count - mean) / runs

    def remaining(self, chain: int) -> float:
        """How often `chain`, which waits now, will still go first; at least this once."""
        expected: float | None = None
        if chain != NOBODY:
            expected = self._told.get(chain)
        if expected is None:
            expected = self._mean.get(chain, self._typical)
        return max(1.0, expected - self._done.get(chain, 0))

    def draw(self, chains: Sequence[int], chance: float) -> int:
        """One of the chains, each with the weight of what it has still to do; 0 <= chance < 1."""
        weights = [self.remaining(chain) for chain in chains]
        left = chance * sum(weights)
        for chain, weight in zip(chains, weights, strict=True):
            left -= weight
            if left < 0:
                return chain
        return chains[-1]
