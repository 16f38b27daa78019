"""PCT: a bug of depth d is found with probability 1/(n k^(d-1)) in each execution.

Burckhardt, Kothari, Musuvathi and Nagarakatti, "A randomized scheduler with probabilistic
guarantees of finding bugs", ASPLOS 2010. In the paper's form: the d-1 change points have priorities
in random order. Implementations that always push the later one lowest cannot reach some orders at
all, and the bound does not hold for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile, Sampler

__all__ = ["PCT"]

_DEEPEST = 3


class PCT(Sampler):
    """Random priorities of chains, and d-1 random moments at which the highest becomes low.

    `depth`: d, or None to rotate over 1, 2, 3. `runs_by_depth`: executions begun of each d.
    """

    name = "pct"
    paced = True

    def __init__(self, seed: int = 0, depth: int | None = None) -> None:
        super().__init__(seed)
        self._depth = depth
        self.runs_by_depth: dict[int, int] = {}
        self._longest = 1
        self._step = 0
        self._lowest_initial = 1
        self._priorities: dict[int, float] = {}
        self._changes: dict[int, int] = {}

    def prepare(self, profile: Profile) -> None:
        depth = self._depth or sum(self.runs_by_depth.values()) % _DEEPEST + 1
        self.runs_by_depth[depth] = self.runs_by_depth.get(depth, 0) + 1
        self._longest = max(self._longest, self._step, 1 if self._step else profile.contested)
        self._step = 0
        self._priorities = {}
        self._lowest_initial = depth
        self._changes = {self.below(self._longest): low for low in range(1, depth)}

    def pick(self, n: int, chains: Sequence[int]) -> int:
        highest = self._highest(chains)
        low = self._changes.get(self._step)
        self._step += 1
        if low is not None:
            self._priorities[highest] = low
            highest = self._highest(chains)
        return self.pick_from(highest, chains)

    def _highest(self, chains: Sequence[int]) -> int:
        """The chain of highest priority; a new chain gets a random place among the initial ones."""
        priorities = self._priorities
        highest, best = chains[0], 0.0
        for chain in chains:
            priority = priorities.get(chain)
            if priority is None:
                priority = priorities[chain] = self._lowest_initial + self._random.random()
            if priority > best:
                highest, best = chain, priority
        return highest
