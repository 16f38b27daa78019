"""Depth-first search: every execution there is, those nearest to stock order first.

Ordered by the number of deviations, as iterative context bounding orders by preemptions:
Musuvathi and Qadeer, "Iterative context bounding for systematic testing of multithreaded
programs", PLDI 2007. Nothing is assumed about the tree: which questions follow an answer is learned
by giving it, and each execution is made exactly once.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from spectest.strategies.base import Profile

__all__ = ["DFS"]

_DEPTH = 2_000
_PENDING = 200_000

# The answers of an execution, and from which of them on its branches are its own.
Branch = tuple[tuple[int, ...], int, int]


class DFS:
    """Exhaustive search of the tree of answers, level by level of deviations from 0.

    `exhausted`: every execution was made. `pending`: how many are known to be left.
    `depth`: choice points beyond it are always answered 0, and `exhausted` stays False if there are
    any; likewise if more executions are pending than can be remembered. `shuffle`: the order within
    a level is random, so that the first few executions of a large level are not all alike.
    """

    name = "dfs"

    def __init__(self, seed: int = 0, *, depth: int = _DEPTH, shuffle: bool = False) -> None:
        self.exhausted = False
        self.complete = True
        self._random = Random(seed) if shuffle else None
        self._depth = depth
        self._level: list[Branch] = []
        self._following: list[Branch] = []
        self._prefix: tuple[int, ...] = ()
        self._answers: list[int] = []
        self._sizes: list[int] = []

    @property
    def pending(self) -> int:
        return len(self._level) + len(self._following)

    def begin(self, execution: int, profile: Profile) -> None:
        self._answers, self._sizes, self._prefix = [], [], ()
        if not self._level:
            self._level, self._following = self._following, []
            self._arrange()
        if self._level:
            stock, point, answer = self._level.pop()
            self._prefix = (*stock[:point], answer)

    def _arrange(self) -> None:
        if self._random is None:
            self._level.reverse()
        else:
            self._random.shuffle(self._level)

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        point = len(self._answers)
        answer = min(self._prefix[point], n - 1) if point < len(self._prefix) else 0
        self._answers.append(answer)
        self._sizes.append(n)
        return answer

    def end(self, contested: int) -> None:
        answers = tuple(self._answers[: self._depth])
        if len(self._answers) > self._depth:
            self.complete = False
        for point in range(len(self._prefix), len(answers)):
            if self.pending >= _PENDING:
                self.complete = False
                break
            for answer in range(1, self._sizes[point]):
                self._following.append((answers, point, answer))
        self.exhausted = self.complete and not self.pending
