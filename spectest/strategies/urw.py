"""URW: every interleaving is equally likely, as far as the counts of events are known.

Zhao, Wolff, Mathur and Roychoudhury, "Selectively Uniform Concurrency Testing", ASPLOS 2025. The
next chain is drawn with the weight of what it has still to do. Exact if each chain's number of
events is known and nothing blocks; here the numbers are running means.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile, Sampler
from spectest.strategies.census import Census

__all__ = ["URW"]


class URW(Sampler):
    """Weights chains by the number of their remaining events."""

    name = "urw"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._census = Census()

    def prepare(self, profile: Profile) -> None:
        self._census.begin(profile)

    def pick(self, n: int, chains: Sequence[int]) -> int:
        chain = self._census.draw(list(dict.fromkeys(chains)), self._random.random())
        self._census.went_first(chain)
        return self.pick_from(chain, chains)

    def end(self, contested: int) -> None:
        self._census.end()
