"""How code launches that departs from the policy it is said to have."""

from __future__ import annotations

import dataclasses
from typing import Any

from spectest.patterns.policies import Hedge, Situation

__all__ = ["Final", "Patient", "as_declared"]


class Patient(Hedge):
    """Launches by the clock alone."""

    def launches(self, situation: Situation) -> tuple[int, ...]:
        due = self.wakes(situation)
        if situation.having("running") or due is None or situation.now >= due:
            return super().launches(situation)
        gone = len(situation.attempts) - len(situation.having("waiting"))
        return () if gone else super().launches(situation)


class Final(Hedge):
    """Launches beside a running attempt, and never in place of one."""

    def launches(self, situation: Situation) -> tuple[int, ...]:
        gone = len(situation.attempts) - len(situation.having("waiting"))
        return () if gone and not situation.having("running") else super().launches(situation)

    def wakes(self, situation: Situation) -> float | None:
        return super().wakes(situation) if situation.having("running") else None


def as_declared(policy: Any) -> Any:
    """The policy, with the declared order in place of that of the seed chain."""

    def ranking_of(_: object, chain: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(range(len(chain)))

    kind = type("AsDeclared", (type(policy),), {"ranking_of": ranking_of})
    return kind(**{one.name: getattr(policy, one.name) for one in dataclasses.fields(policy)})
