"""When a speculation is decided, and for whom: pure functions of a `Situation`.

A decision is asked after each event. `winner` returns the index of a branch, or None while it has
to wait; `wakes` is the moment at which it wants to be asked again although nothing happened. Who
has not been launched by the policy does not count: policies launch in the order of the ranking.

Each class says whether it is deterministic: whether the same inputs and run ID give the same winner
at all latencies, provided that the same branches answer validly. A timeout, a drop by the limiter
and `Tied` make validity itself a matter of time, and no decision can undo that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from spectest.patterns.situations import Situation, valid_attempts

__all__ = ["AfterFirst", "Decision", "FirstValid", "Pick", "Ranked", "WaitForAll"]

Pick: TypeAlias = Literal["ranking", "literal"]


@runtime_checkable
class Decision(Protocol):
    """Who wins, and when that is known."""

    deterministic: ClassVar[bool]

    def winner(self, situation: Situation) -> int | None:
        """The branch that has won, or None while this is open."""

    def wakes(self, situation: Situation) -> float | None:
        """The moment at which to ask again, or None: after the next event."""


@dataclass(frozen=True)
class Ranked:
    """The highest-ranked valid branch wins, as soon as every branch above it has ended otherwise.

    Deterministic, and returns early: a valid answer of the best ranked is returned at once, whoever
    still runs. It waits for a slow branch that is ranked above a fast one.
    """

    deterministic: ClassVar[bool] = True

    def winner(self, situation: Situation) -> int | None:
        for index in situation.ranking:
            state = situation.attempts[index].state
            if state == "valid":
                return index
            if state == "running":
                return None
        return None

    def wakes(self, situation: Situation) -> float | None:  # noqa: ARG002
        return None


@dataclass(frozen=True)
class WaitForAll:
    """Once every launched branch has ended, one of the valid ones wins.

    Deterministic, at the price of the slowest branch. `pick="ranking"` takes the highest-ranked
    valid one. `pick="literal"` takes number `seed % len(valid)` of the valid ones in the order of
    the branches; that is deterministic only if all are launched, as by `EagerRace`, for a hedge
    that was not needed is not among them.
    """

    pick: Pick = "ranking"
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_pick(self.pick)

    def winner(self, situation: Situation) -> int | None:
        return None if situation.having("running") else picked(situation, self.pick)

    def wakes(self, situation: Situation) -> float | None:  # noqa: ARG002
        return None


@dataclass(frozen=True)
class AfterFirst:
    """`window` seconds after the first valid answer, one of the valid ones wins.

    Not deterministic: which branches are valid by then depends on latencies. Decided earlier when
    no branch is running any more. `pick` is that of `WaitForAll`.
    """

    window: float
    pick: Pick = "ranking"
    deterministic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_pick(self.pick)
        if not self.window >= 0:
            raise ValueError(f"AfterFirst: window is {self.window!r}; it is seconds, 0 or more")

    def winner(self, situation: Situation) -> int | None:
        closes = self.wakes(situation)
        if closes is None or (situation.now < closes and situation.having("running")):
            return None
        return picked(situation, self.pick)

    def wakes(self, situation: Situation) -> float | None:
        answers = [situation.attempts[index] for index in valid_attempts(situation)]
        ended = [answer.ended for answer in answers if answer.ended is not None]
        return min(ended) + self.window if ended else None


@dataclass(frozen=True)
class FirstValid:
    """The first valid answer wins.

    Not deterministic: the winner depends on latencies, so the branches must be interchangeable. It
    is the decision with the lowest latency. `pick` decides between answers that are found at the
    same moment: "ranking" or "literal", as for `WaitForAll`.
    """

    pick: Pick = "ranking"
    deterministic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_pick(self.pick)

    def winner(self, situation: Situation) -> int | None:
        return picked(situation, self.pick)

    def wakes(self, situation: Situation) -> float | None:  # noqa: ARG002
        return None


def picked(situation: Situation, pick: Pick) -> int | None:
    """One of the valid branches, or None if there is none."""
    valid = valid_attempts(situation)
    if not valid:
        return None
    return valid[0] if pick == "ranking" else sorted(valid)[situation.seed % len(valid)]


def _check_pick(pick: str) -> None:
    if pick not in get_args(Pick):
        raise ValueError(f'pick is {pick!r}; it is "ranking" or "literal"')
