"""SURW: uniform over the interleavings of a few interesting chains; all others stay possible.

Zhao, Wolff, Mathur and Roychoudhury, "Selectively Uniform Concurrency Testing", ASPLOS 2025. The
paper selects the events of one shared variable. Nothing is known of variables here, so each
execution draws the chains it finds interesting.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile, Sampler
from spectest.strategies.census import Census

__all__ = ["SURW"]

_SHARE = 0.5  # of the chains that an execution finds interesting


class SURW(Sampler):
    """Draws in advance which interesting chain goes next, and keeps the other ones waiting."""

    name = "surw"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._census = Census()
        self._interesting: dict[int, bool] = {}
        self._intended: int | None = None

    def prepare(self, profile: Profile) -> None:
        self._census.begin(profile)
        self._interesting = {}
        self._intended = None

    def pick(self, n: int, chains: Sequence[int]) -> int:
        owners = list(dict.fromkeys(chains))
        for owner in owners:
            if owner not in self._interesting:
                self._interesting[owner] = self._random.random() < _SHARE
        hot = [owner for owner in owners if self._interesting[owner]]
        chain = self._next(owners, hot)
        self._census.went_first(chain)
        if chain == self._intended:
            self._intended = None
        return self.pick_from(chain, chains)

    def _next(self, owners: list[int], hot: list[int]) -> int:
        if hot and self._intended not in hot:
            self._intended = self._census.draw(hot, self._random.random())
        waiting = list(owners)
        while True:
            chain = waiting[self.below(len(waiting))]
            if chain == self._intended or not self._interesting[chain]:
                return chain
            waiting.remove(chain)

    def end(self, contested: int) -> None:
        self._census.end()
