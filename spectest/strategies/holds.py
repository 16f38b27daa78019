"""Holds: stock order, but for a few chains that are held back for a while.

Delay bounding: Emmi, Qadeer and Rakamaric, "Delay-bounded scheduling", POPL 2011. Most bugs need
one or two deviations, and a run with few of them explains itself. Single ones are few enough to be
tried one after the other, in random order; two or three are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile, Sampler, options_of

__all__ = ["Holds", "Lowered"]

_MOST = 3
_TO_THE_END = 10**9


class Holds(Sampler):
    """Leaves stock order at each choice point alone; then at two or three, and not to the end."""

    name = "holds"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._step = 0
        self._length = 0
        self._points: dict[int, int] = {}
        self._until: dict[int, int] = {}
        self._untried: list[int] | None = None

    def prepare(self, profile: Profile) -> None:
        self._length = (self._length + self._step) // 2 if self._length else profile.contested
        length = max(1, self._length)
        self._step = 0
        self._until = {}
        self._points = {}
        if self._untried is None:
            return  # Nowhere: how many choice points are there?
        if self._untried:
            point = self._untried.pop(self.below(len(self._untried)))
            self._points = {point: _TO_THE_END}
            return
        for _ in range(2 + self.below(_MOST - 1)):
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
        if self._untried is None:
            self._untried = list(range(self._step))


class Lowered:
    """A chooser: stock order, but whoever is first at choice point number `at` goes last from then.

    `asked`: how many choice points there were.
    """

    def __init__(self, at: int) -> None:
        self.asked = 0
        self._at = at
        self._chain: int | None = None

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        """The first option of another chain."""
        if not chains:
            return 0
        if self.asked == self._at:
            self._chain = chains[0]
        self.asked += 1
        return next((option for option in range(n) if chains[option] != self._chain), 0)
