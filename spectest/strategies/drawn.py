"""Deviations that somebody else has drawn up front: a property-testing library, for instance.

Stock order, but for a short list of departures from it. Such a list shrinks well: it becomes
shorter, earlier and simpler, and what is outside of an execution has no effect and is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spectest.kernel.plan import OrderModel, check_order

__all__ = ["Departure", "DrawnPlan"]


@dataclass(frozen=True, slots=True, order=True)
class Departure:
    """At choice point number `at`, from 0, another option is taken than the one of stock order.

    `option`: which of the others, from 1; beyond the last one it is the last. `hold`: at so many
    choice points afterwards whoever was passed over is still held back.
    """

    at: int
    option: int = 1
    hold: int = 0


@dataclass(frozen=True, slots=True)
class DrawnPlan:
    """What `spectest.run` accepts as a plan before the names of the operations are known.

    `departures`: any number, whose order means nothing.
    """

    departures: Sequence[Departure] = ()
    order: OrderModel = "ties"

    def __post_init__(self) -> None:
        check_order(self.order)
        object.__setattr__(self, "departures", tuple(sorted(self.departures)))

    def chooser(self) -> Departing:
        """One that follows it, for one execution."""
        return Departing(self.departures)


class Departing:
    """A chooser that takes stock order but for the departures."""

    def __init__(self, departures: Sequence[Departure]) -> None:
        self._departures = {it.at: it for it in departures}
        self._until: dict[int, int] = {}
        self._asked = 0

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        """An integer in `range(n)`."""
        del label
        at = self._asked
        self._asked += 1
        usual = self._first_free(n, chains, at)
        departure = self._departures.get(at)
        if departure is None:
            return usual
        others = [option for option in range(n) if option != usual]
        answer = others[min(departure.option, len(others)) - 1]
        if chains and chains[answer] != chains[usual]:
            self._until[chains[usual]] = at + departure.hold
        return answer

    def _first_free(self, n: int, chains: Sequence[int], at: int) -> int:
        if not chains or not self._until:
            return 0
        free = (option for option in range(n) if self._until.get(chains[option], -1) < at)
        return next(free, 0)
