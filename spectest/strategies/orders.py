"""Orders: every order in which what is waited for may complete, and every coincidence, once.

Of all the executions that differ in moments only, one is made. Completions either share a poll of
the selector, in any order, or come one after the other, when all that the earlier one caused has
been done; and each comes before, with or after each deadline. Fubini numbers count the ways to
share polls (OEIS A000670: 13 of 3, 541 of 5), if the order within a poll is left aside.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile
from spectest.strategies.dfs import DFS

__all__ = ["Orders"]

_WHOSE_TURN = ("turn", "step")


class Orders(DFS):
    """Depth first through the orders, those with few deviations first, in random order of `seed`.

    `sparse`: the scheduler asks who completes, and not when. Threads take turns as in stock order.
    Sets of tasks have the order of creation, or another one, in each execution throughout.
    """

    name = "orders"
    sparse = True

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed, shuffle=True)
        self._sets = 0
        self._backwards = False

    def begin(self, execution: int, profile: Profile) -> None:
        super().begin(execution, profile)
        self._sets = 0

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        if label in _WHOSE_TURN:
            return 0
        if label == "set":
            return self._place_in_sets(n)
        return super().choose(n, label, chains)

    def _place_in_sets(self, n: int) -> int:
        if not self._sets:
            self._backwards = bool(super().choose(2, "set", ()))
        self._sets += 1
        return max(n - self._sets, 0) if self._backwards else 0
