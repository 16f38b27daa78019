"""Plans of faults, and how often each has fired in one execution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from spectest.errors import UsageError
from spectest.faults.kinds import Fault
from spectest.kernel.choices import FAULT, Door
from spectest.kernel.mentions import FIRED, OFFERED, Mentions

__all__ = ["NO_FAULTS", "FaultPlan", "Firing"]


def _checked(faults: Iterable[Any]) -> tuple[Fault, ...]:
    """`faults` as a tuple, or a `UsageError` about the first that is none."""
    found = tuple(faults)
    for fault in found:
        if not isinstance(fault, Fault):
            raise UsageError(
                f"{fault!r} is no fault; use Raise(ConnectionError), Hang(), ... of spectest.faults"
            )
    return found


@dataclass(frozen=True, init=False)
class FaultPlan:
    """Faults that may hit the calls of a program's services, in one object for a whole search.

    `faults`: in the order in which a call is offered to them; a call meets one at most.
    `budget`: how many may fire in one execution, all together; None: no limit beyond their own.

        plan = FaultPlan(Raise(TimeoutError, on="llm"), Hang(on="vectors", after=1.0), budget=1)
        spectest.explore(program, faults=plan)
    """

    faults: tuple[Fault, ...]
    budget: int | None

    def __init__(self, *faults: Fault, budget: int | None = None) -> None:
        if budget is not None and (type(budget) is not int or budget < 0):
            raise UsageError(f"budget={budget!r} must be a whole number, 0 or more, or None")
        object.__setattr__(self, "faults", _checked(faults))
        object.__setattr__(self, "budget", budget)

    @classmethod
    def of(cls, faults: Any) -> FaultPlan:
        """A plan itself, or one of a fault or several, or of None."""
        if isinstance(faults, cls):
            return faults
        if faults is None:
            return cls()
        if isinstance(faults, Fault):
            return cls(faults)
        if not isinstance(faults, Iterable):
            raise UsageError(f"faults={faults!r} must be a FaultPlan, or faults")
        return cls(*faults)

    def __bool__(self) -> bool:
        return bool(self.faults)


NO_FAULTS = FaultPlan()


class Firing:
    """The faults of one plan in one execution, and how often each may still fire.

    `service`: whose own failures they are, which hit no other; None for those of a search.
    """

    def __init__(self, plan: FaultPlan, mentions: Mentions, service: str | None = None) -> None:
        self._plan = plan
        self._mentions = mentions
        self._service = service
        self._left = [fault.times for fault in plan.faults]
        self._budget = plan.budget
        for fault in plan.faults:
            mentions.mention(FIRED, self._label(fault))

    def strike(
        self,
        door: Door,
        call: str,
        candidates: Callable[[Fault], bool],
        asked: Counter[str],
        chance: Callable[[Fault], float] | None = None,
    ) -> Fault | None:
        """The fault that hits `call`, if one does.

        `candidates`: whether a fault may. `asked`: what was asked about this call before, so that
        no two choices have one label. `chance`: instead of the door it decides, where latencies are
        sampled: a uniform number for each fault.
        """
        for place, fault in enumerate(self._plan.faults):
            if self._budget == 0:
                return None
            if self._left[place] == 0 or not candidates(fault):
                continue
            self._mentions.meet(OFFERED, self._label(fault))
            if chance is not None:
                fires = chance(fault) < fault.rate
            else:
                asked[fault.says] += 1
                others = f" ({asked[fault.says]})" if asked[fault.says] > 1 else ""
                label = f"{FAULT}{call} {fault.says}{others}"
                fires = door.choose(2, label, kind="fault") == 1
            if fires:
                self._fired(place)
                return fault
        return None

    def _fired(self, place: int) -> None:
        self._mentions.meet(FIRED, self._label(self._plan.faults[place]))
        left = self._left[place]
        self._left[place] = None if left is None else left - 1
        if self._budget is not None:
            self._budget -= 1

    def _label(self, fault: Fault) -> str:
        return fault.label if self._service is None else f"{self._service} {fault.says}"
