"""Shrinking finds few and short holds that still show the same bug.

Every step replays a smaller plan and keeps it only if the program fails with the same signature
(kind of error, line, message up to values), so that a rare bug is never traded for a common one.
Passes: nothing at all; each deviation alone; halves and quarters of them; one single hold, or one
thread that is preempted once, in the place of several; then each hold shorter, to the first moment
that matters and from there to a round number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from spectest.exploration.candidates import Entry, is_turn, single_holds, size_of, without
from spectest.exploration.execution import Outcome, Program, execute
from spectest.kernel.choices import Chooser
from spectest.kernel.plan import Hold, Plan
from spectest.kernel.trace import Trace
from spectest.strategies.holds import Lowered
from spectest.world import Limits

__all__ = ["Shrinker"]

_TRIES, _FEW_TRIES = 400, 4
_SHIFTS = (0, 1, -1, 2, -2)
_ROUND_NS = (10_000_000, 1_000_000, 100_000, 10_000, 1_000)


class Shrinker:
    """Makes the plan of one failure small.

    `budget`: executions at most; by default few if the failure is slow to notice, else many.
    `executions`: how many it took. `before_each`: called before each.
    """

    def __init__(
        self,
        program: Program,
        limits: Limits,
        failing: Outcome,
        budget: int | None = None,
        *,
        before_each: Callable[[], None] | None = None,
    ) -> None:
        self.best = failing
        self.executions = 0
        self._program = program
        self._limits = limits
        if budget is None:
            budget = _FEW_TRIES if getattr(failing.error, "slow", False) else _TRIES
        self._budget = budget
        self._before_each = before_each
        self._tried: set[Plan] = {failing.plan}

    def shrink(self, stock_trace: Trace) -> Plan:
        """The smallest plan found."""
        self._try(self._plan([]))
        self._try_each_alone()
        self._drop_chunks()
        self._merge_stalls()
        if len(self.best.plan) > 1:
            self._replace_by_one_hold(stock_trace)
        if len(self.best.plan) > 1 and any(is_turn(name) for name in self.best.plan.holds):
            self._replace_by_one_turn()
            self._drop_and_shift()
        before = None
        while self.best.plan != before and self._left:
            before = self.best.plan
            self._drop_chunks()
            self._simplify_holds()
            self._lower_picks()
        return self.best.plan

    # Candidates.

    @property
    def _left(self) -> bool:
        return self.executions < self._budget

    def _try(self, plan: Plan) -> bool:
        """Keep `plan` if it is smaller and shows the bug; the effective plan is what is kept."""
        if plan in self._tried or not self._left or size_of(plan) >= size_of(self.best.plan):
            return False
        self._tried.add(plan)
        outcome = self._execute(plan)
        if outcome.signature != self.best.signature or size_of(outcome.plan) > size_of(plan):
            return False
        if outcome.misplaced_stall:
            return False  # It says less that a thread stands still where it waits for nothing.
        self.best = outcome
        return True

    def _execute(self, plan: Plan, chooser: Chooser | None = None) -> Outcome:
        self.executions += 1
        if self._before_each is not None:
            self._before_each()
        return execute(self._program, plan, self._limits, chooser=chooser)

    def _plan(self, entries: list[Entry]) -> Plan:
        return replace(
            self.best.plan,
            holds={name: value for name, value in entries if isinstance(value, Hold)},
            picks={name: value for name, value in entries if not isinstance(value, Hold)},
        )

    @property
    def _entries(self) -> list[Entry]:
        plan = self.best.plan
        return [*plan.holds.items(), *plan.picks.items()]

    # Passes.

    def _drop_chunks(self) -> None:
        size = max(len(self._entries) // 2, 1)
        while self._left:
            dropped = False
            start = 0
            while start < len(self._entries):
                entries = self._entries
                if self._try(self._plan(entries[:start] + entries[start + size :])):
                    dropped = True
                else:
                    start += size
            if not dropped:
                if size == 1:
                    return
                size = max(size // 2, 1)

    def _try_each_alone(self) -> None:
        """One hold may be all it takes, although no single one can be left out of several.

        Those of operations first: an unusual duration is easier to believe than a thread that has
        to wait for the processor.
        """
        entries = self._entries
        if 1 < len(entries) <= self._budget // 4:
            for entry in sorted(entries, key=lambda entry: is_turn(entry[0])):
                if self._try(self._plan([entry])):
                    return

    def _merge_stalls(self) -> None:
        """One longer stall of a thread in the place of several of its stalls."""
        stalls: dict[str, list[str]] = {}
        for name in self.best.plan.holds:
            thread, found, _ = name.partition(" stall#")
            if found:
                stalls.setdefault(thread, []).append(name)
        for names in stalls.values():
            names.sort(key=lambda name: int(name.rpartition("#")[2]))
            length = sum(self.best.plan.holds[name].by_ns for name in names)
            others = [entry for entry in self._entries if entry[0] not in names]
            if any(self._try(self._plan([*others, (n, Hold(length))])) for n in names[:-1]):
                return

    def _replace_by_one_hold(self, stock_trace: Trace) -> None:
        spare = self._budget // 3
        for name, hold in single_holds(stock_trace, self._limits.elasticity):
            if spare == 0 or not self._left:
                return
            spare -= 1
            if self._try(self._plan([(name, hold)])):
                return

    def _replace_by_one_turn(self) -> None:
        """One thread that goes last from some choice point on."""
        for at in range(self._budget // 3):
            chooser = Lowered(at)
            if not self._left:
                return
            outcome = self._execute(self._plan([]), chooser)
            smaller = size_of(outcome.plan) < size_of(self.best.plan)
            if smaller and outcome.signature == self.best.signature:
                self.best = outcome
                return
            if chooser.asked <= at:
                return

    def _drop_and_shift(self) -> None:
        """Without a preemption, the later turns of its thread may have other numbers."""
        dropped = True
        while dropped and len(self.best.plan) > 1:
            dropped = any(
                self._try(self._plan(without(self._entries, name, shift)))
                for name in sorted(self.best.plan.holds)
                if is_turn(name)
                for shift in _SHIFTS
            )

    def _simplify_holds(self) -> None:
        for name in list(self.best.plan.holds):
            for field in ("behind", "polls", "by_ns"):
                if name in self.best.plan.holds:
                    self._shorten(name, field)

    def _lower_picks(self) -> None:
        for label, pick in list(self.best.plan.picks.items()):
            for lower in range(1, pick):
                entries = [
                    (name, lower if name == label else value) for name, value in self._entries
                ]
                if self._try(self._plan(entries)):
                    break

    def _shorten(self, name: str, field: str) -> None:
        value = getattr(self.best.plan.holds[name], field)
        sign, length = (-1 if value < 0 else 1), abs(value)
        low = 0
        if length and self._try_field(name, field, 0):
            return
        while low + 1 < length and self._left:
            middle = (low + length) // 2
            if self._try_field(name, field, sign * middle):
                length = middle
            else:
                low = middle
        if field == "by_ns":
            self._round(name, length, abs(value), sign)

    def _try_field(self, name: str, field: str, value: int) -> bool:
        entries = [
            (label, replace(entry, **{field: value}) if label == name else entry)  # type: ignore[type-var]
            for label, entry in self._entries
        ]
        return self._try(self._plan(entries))

    def _round(self, name: str, length: int, longest: int, sign: int) -> None:
        """From the shortest hold to the roundest one that is hardly longer."""
        if name not in self.best.plan.holds:
            return
        for unit in _ROUND_NS:
            rounded = -(-length // unit) * unit
            if self._left and length < rounded <= min(longest, 2 * length):
                entries = [
                    (label, Hold(sign * rounded, entry.polls, entry.behind))
                    if label == name and isinstance(entry, Hold)
                    else (label, entry)
                    for label, entry in self._entries
                ]
                plan = self._plan(entries)
                outcome = self._execute(plan)
                if outcome.signature == self.best.signature and len(outcome.plan) <= len(plan):
                    self.best = outcome
                    return
