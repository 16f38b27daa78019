"""Menus for a chooser that asks who completes, and not when: one way to each order.

Nothing is lost but moments: whoever may be next can still be next, and every set of completions
that may share a poll can still share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spectest.kernel.operations import Operation

__all__ = ["Menu", "around_deadlines"]

Option = tuple[Operation | None, int]
Decide = Callable[[int, str, Sequence[int]], int]
Arrange = Callable[[list[Operation]], list[Operation]]


class Menu:
    """Of one poll that had to be waited for: who was offered as the next one, and when."""

    def __init__(self) -> None:
        self._offered: dict[int, tuple[int, int]] = {}

    def one_each(self, options: Sequence[Option]) -> list[Option]:
        """Of the moments of each the first. Who would just meet a deadline can still join it."""
        exact_ns = next((moment for operation, moment in options if operation is None), None)
        first: dict[Operation | None, int] = {}
        for operation, moment in options:
            if operation is None or moment != exact_ns:
                first.setdefault(operation, moment)
        self._offered = {
            it.number: (moment, it.number) for it, moment in first.items() if it is not None
        }
        return list(first.items())

    def passes(self, operation: Operation, forced: Operation | None) -> bool:
        """Whether it cannot share the poll of `forced`, who was chosen to be next.

        Of those that share a poll the one that was possible last is chosen, and the others join it;
        any other choice among them would be a second way to the same.
        """
        if forced is None:
            return False
        mine = self._offered.get(operation.number)
        return mine is None or mine > self._offered[forced.number]


def around_deadlines(stock: list[Operation], decide: Decide, arrange: Arrange) -> list[Operation]:
    """The order of one poll: operations before all of its deadlines, or after them.

    What is usual stays as it is, even where stock order puts somebody between two deadlines.
    """
    exact = [operation for operation in stock if not operation.elastic]
    usual: tuple[list[Operation], list[Operation]] = ([], [])
    sides: tuple[list[Operation], list[Operation]] = ([], [])
    for place, operation in enumerate(stock):
        if operation.elastic:
            after = bool(exact) and exact[0] in stock[:place]
            usual[after].append(operation)
            other = exact and decide(2, "tie", (operation.chain, -1))
            sides[not after if other else after].append(operation)
    before, afterwards = map(arrange, sides)
    return stock if (before, afterwards) == usual else before + exact + afterwards
