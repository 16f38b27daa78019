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
from spectest.strategies.holds import Holds
from spectest.strategies.pct import PCT
from spectest.strategies.random_walk import RandomWalk
from spectest.strategies.surw import SURW
from spectest.strategies.urw import URW

__all__ = ["Portfolio"]

_SMALL = 12  # executions that the depth-first search has pending
_SHARES = (("urw", 4), ("pct", 12), ("surw", 2), ("random", 1), ("dfs", 1))
# With threads there are many more questions, nearly all of them between the same few chains. What
# needs two preemptions at the right points is then found sooner by independent draws than by two
# change points among hundreds; what needs one is found by trying each.
_SHARES_WITH_THREADS = (
    ("random", 6),
    ("surw", 5),
    ("holds", 4),
    ("pct", 3),
    ("urw", 1),
    ("dfs", 1),
)
# Between lines there are so many that a thread has to be left alone for most of them.
_SHARES_WITH_LINES = (("pct", 9), ("urw", 6), ("surw", 2), ("random", 2), ("dfs", 1))


class Portfolio:
    """Takes turns among strategies, in proportion to their shares.

    `name` tells who made the latest execution.
    """

    def __init__(self, seed: int = 0) -> None:
        self.name = "portfolio"
        self.exhausted = False
        self._dfs = DFS(seed, shuffle=True)
        self._pct = PCT(seed)
        self._members: dict[str, Strategy] = {
            "dfs": self._dfs,
            "holds": Holds(seed),
            "pct": self._pct,
            "random": RandomWalk(seed),
            "surw": SURW(seed),
            "urw": URW(seed),
        }
        self._shares: tuple[tuple[str, int], ...] = _SHARES
        self._credit = dict.fromkeys(self._members, 0)
        self._turn: Strategy = self._dfs

    @property
    def runs_by_depth(self) -> dict[int, int]:
        """How many executions PCT made of each depth."""
        return self._pct.runs_by_depth

    def begin(self, execution: int, profile: Profile) -> None:
        self._shares = _SHARES_WITH_THREADS if profile.threads else _SHARES
        if profile.lines:
            self._shares = _SHARES_WITH_LINES
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
        for name, share in self._shares:
            self._credit[name] += share
        most = max((name for name, _ in self._shares), key=self._credit.__getitem__)
        self._credit[most] -= sum(share for _, share in self._shares)
        return self._members[most]
