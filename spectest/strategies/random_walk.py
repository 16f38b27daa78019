"""Random walk: every option of every choice point is equally likely.

The baseline that naive schedule bounding has to beat: Thomson, Donaldson and Betts, "Concurrency
testing using controlled schedulers: an empirical study", TOPC 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Sampler

__all__ = ["RandomWalk"]


class RandomWalk(Sampler):
    """Uniform; every schedule has a probability above zero, some an exponentially small one."""

    name = "random"

    def pick(self, n: int, chains: Sequence[int]) -> int:
        return self.below(n)
