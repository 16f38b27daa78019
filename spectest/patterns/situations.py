"""What policies and decisions may know: a snapshot of one speculation, and nothing else.

A snapshot is plain data, so that the code that runs branches and a simulator that only imagines
them ask the same functions and get the same answers. It holds no clock, no task and no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["ENDED_IN_VAIN", "Attempt", "Situation", "State", "in_vain", "valid_attempts"]

State: TypeAlias = Literal[
    "waiting", "running", "valid", "invalid", "failed", "timed out", "dropped", "cancelled"
]

ENDED_IN_VAIN: frozenset[State] = frozenset({"invalid", "failed", "timed out", "cancelled"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far one branch is. Times are seconds since the speculation began.

    `state` is "waiting" before the launch and "running" after it, then what came of it: "valid",
    "invalid", "failed", "timed out", "dropped" by the limiter, or "cancelled" in favour of another
    one. `began` is when the branch said that it is being served.
    """

    state: State = "waiting"
    launched: float | None = None
    ended: float | None = None
    began: float | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """A speculation at the moment `now`.

    `ranking` is the order that counts, best first, as indexes into `attempts`; `attempts` and the
    branches have the same order. `seed` is the number that the literal rule divides.
    """

    now: float
    ranking: tuple[int, ...]
    seed: int
    attempts: tuple[Attempt, ...]

    def states(self) -> list[State]:
        """The states of the attempts, best ranked first."""
        return [self.attempts[index].state for index in self.ranking]

    def having(self, *states: State) -> list[int]:
        """The branches in one of these states, best ranked first."""
        return [index for index in self.ranking if self.attempts[index].state in states]


def valid_attempts(situation: Situation) -> list[int]:
    """The branches with a valid answer, best ranked first."""
    return situation.having("valid")


def in_vain(situation: Situation) -> int:
    """How many attempts have run and ended without a valid answer."""
    return sum(attempt.state in ENDED_IN_VAIN for attempt in situation.attempts)
