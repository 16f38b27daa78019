"""Holds: stock order, but for a few chains that are held back for a while.

Delay bounding, drawn instead of enumerated: Emmi, Qadeer and Rakamaric, "Delay-bounded scheduling",
POPL 2011. Most bugs need one or two deviations, and a run with few of them explains itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile, Sampler, options_of

__all__ = ["Holds"]

_MOST = 3


class Holds(Sampler):
    """At one to three random choice points stock order is left, and who was to go first waits."""

    name = "holds"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._step = 0
        self._length = 0
        self._points: dict[int, int] = {}
        self._until: dict[int, int] = {}

    def prepare(self, profile: Profile) -> None:
        self._length = (self._length + self._step) // 2 if self._length else profile.contested
        length = max(1, self._length)
        self._step = 0
        self._until = {}
        self._points = {}
        for _ in range(1 + self.below(_MOST)):
            longest = 1 + self.below(length)
            self._points[self.below(length)] = 1 + self.below(longest)

    def pick(self, n: int, chains: Sequence[int]) -> int:
        step = self._step
        self._step += 1
        free = [option for option, chain in enumerate(chains) if self._until.get(chain, -1) < step]
        answer = free[0] if free else 0
        if answer:
            answer = self.pick_from(chains[free[self.below(len(free))]], chains)
        if step in self._points:
            stock = chains[answer]
            others = [option for option in range(n) if option != answer]
            answer = others[self.below(len(others))]
            if chains[answer] != stock and len(options_of(stock, chains)) < n:
                self._until[stock] = step + self._points[step]
        return answer

    def end(self, contested: int) -> None:
        """The next execution is expected to be about as long."""
