"""One door for everything undecided: `choose(n, label)` is an integer in `range(n)`, 0 is stock.

A `Door` either reads a `Plan` (replay: what the plan does not mention is 0) or asks a `Chooser`
(exploration). What a chooser answers to a *labelled* choice is written down as a pick. The
scheduler's questions about completions are asked through `decide`: their answers are written down
as holds, in the terms of the operation they delay, when it completes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from spectest.errors import InternalError
from spectest.kernel.cancellation import CANCEL
from spectest.kernel.plan import NO_HOLD, Hold, Plan

__all__ = ["FAULT", "SOMETIMES", "Chooser", "Door", "concerns_order", "fault_of"]

FAULT = "fault "
"""Begins the label of every choice whether something goes wrong: with what, and what happens."""

SOMETIMES = "sometimes "
"""Begins the label of every choice that the program itself asks for, by its name."""

_FAULT = re.compile(rf"{FAULT}(.*?#\d+) (.*)")


def fault_of(label: str) -> tuple[str, str]:
    """Of the label of a fault: the call that it hits, and what happens to it."""
    found = _FAULT.fullmatch(label)
    return (found[1], found[2]) if found else (label.removeprefix(FAULT), "")


def concerns_order(label: str) -> bool:
    """Whether a pick is about who comes first, and not about what the outside world does."""
    return not label.startswith((FAULT, SOMETIMES, CANCEL))


class Chooser(Protocol):
    """Who answers: an exploration strategy.

    One with a true attribute `sparse` is asked who completes next and who shares the poll, but not
    at which moment: for each order of completions there is one execution.
    """

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        """An integer in `range(n)`.

        `label` says what is being decided; choices that are alike have equal labels. `chains`, if
        not empty, has n entries: the chain (task, by number of creation; -1: none) that goes first
        if that option is taken.
        """
        ...


class Door:
    """The one source of deviations of an execution."""

    __slots__ = ("chooser", "contested", "holds", "met", "on_choice", "picks", "plan")

    def __init__(self, plan: Plan, chooser: Chooser | None = None) -> None:
        self.plan = plan
        self.chooser = chooser
        self.holds: dict[str, Hold] = {}
        self.picks: dict[str, int] = {}
        self.contested = 0
        self.met: set[str] = set()
        self.on_choice: Callable[[str, int, int], None] | None = None

    def choose(self, n: int, label: str, *, kind: str = "") -> int:
        """Decide the choice point `label`, which must be unique within the execution."""
        if n < 2:
            return 0
        if self.chooser is None:
            answer = min(self.plan.picks.get(label, 0), n - 1)
            self.met.add(label)
        else:
            answer = self._ask(n, kind or label, ())
        if answer:
            self.picks[label] = answer
        if self.on_choice is not None:
            self.on_choice(label, n, answer)
        return answer

    def decide(self, n: int, label: str, chains: Sequence[int] = ()) -> int:
        """Decide something whose outcome the caller writes down as a hold."""
        if n < 2 or self.chooser is None:
            return 0
        return self._ask(n, label, chains)

    def _ask(self, n: int, label: str, chains: Sequence[int]) -> int:
        assert self.chooser is not None
        self.contested += 1
        answer = self.chooser.choose(n, label, chains)
        if not 0 <= answer < n:
            raise InternalError(f"{self.chooser!r} answered {answer} to {label!r} of {n} options")
        return answer

    def hold(self, label: str) -> Hold:
        """What the plan says of the operation, timer or step `label`."""
        hold = self.plan.holds.get(label)
        if hold is None:
            return NO_HOLD
        self.met.add(label)
        return hold

    def deviations(self) -> Plan:
        """The plan that repeats what happened."""
        return Plan(self.holds, self.picks, self.plan.order, self.plan.seed)
