"""Portfolio: the default. No strategy is good at everything, a mixture is near the best one.

The shares are measured (`benchmarks/finding.py`): PCT with paces is the only one that finds all
programs, URW and SURW are the quickest on many, the random walk is insurance against wrong counts.
The depth-first search has a share of its own, and all the executions while few are known to be
left: so a small program is searched completely, and the portfolio says that it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile, Strategy
from spectest.strategies.dfs import DFS
from spectest.strategies.pct import PCT
from spectest.strategies.random_walk import RandomWalk
from spectest.strategies.surw import SURW
from spectest.strategies.urw import URW

__all__ = ["Portfolio"]

_SMALL = 12  # executions that the depth-first search has pending
_SHARES = (("urw", 4), ("pct", 12), ("surw", 2), ("random", 1), ("dfs", 1))


class Portfolio:
    """Takes turns among strategies, in proportion to their shares.

    `name` tells who made the latest execution.
    """

    def __init__(self, seed: int = 0) -> None:
        self.name = "portfolio"
        self.exhausted = False
        self._dfs = DFS(seed, shuffle=True)
        self._pct = PCT(seed)
        members: dict[str, Strategy] = {
            "dfs": self._dfs,
            "pct": self._pct,
            "random": RandomWalk(seed),
            "surw": SURW(seed),
            "urw": URW(seed),
        }
        self._members = [(members[name], share) for name, share in _SHARES]
        self._credit = [0] * len(self._members)
        self._turn: Strategy = self._dfs

    @property
    def runs_by_depth(self) -> dict[int, int]:
        """How many executions PCT made of each depth."""
        return self._pct.runs_by_depth

    def begin(self, execution: int, profile: Profile) -> None:
        self._turn = self._next()
        self.name = f"portfolio ({self._turn.name})"
        self._turn.begin(execution, profile)

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        return self._turn.choose(n, label, chains)

    def end(self, contested: int) -> None:
        self._turn.end(contested)
        self.exhausted = self._dfs.exhausted

    def _next(self) -> Strategy:
        if 0 < self._dfs.pending <= _SMALL:
            return self._dfs
        for place, (_, share) in enumerate(self._members):
            self._credit[place] += share
        place = self._credit.index(max(self._credit))
        self._credit[place] -= sum(share for _, share in self._members)
        return self._members[place][0]
