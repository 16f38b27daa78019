"""One speculation as a state machine: events in, actions out.

The coroutine, thread and process forms differ in how they launch and cancel; what to launch, whom
to cancel and who has won is decided here, for all of them, by one task or thread. Nothing here
waits, reads a clock or knows a branch, and a decision is made at most once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from spectest.patterns.decisions import Decision
from spectest.patterns.policies import Policy
from spectest.patterns.situations import Attempt, Situation

__all__ = ["Action", "Cancel", "Decide", "GiveUp", "Launch", "Race"]

Ending: TypeAlias = Literal["valid", "invalid", "failed"]


@dataclass(frozen=True, slots=True)
class Launch:
    """Launch this branch. A speculative one, launched beside others, may be dropped instead."""

    index: int
    speculative: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """End this branch: its time is over, or another one is preferred."""

    index: int
    because: Literal["timed out", "cancelled"]


@dataclass(frozen=True, slots=True)
class Decide:
    """The branch has won."""

    index: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No branch has a valid answer, and none will."""


Action: TypeAlias = Launch | Cancel | Decide | GiveUp


class Race:
    """The state of one speculation.

    Tell it what happened (`dropped`, `began`, `ended`), then ask `actions` what to do, with the
    seconds since the beginning. What comes after the decision is ignored. `alarm` is when to ask
    again although nothing happened, or None.
    """

    def __init__(
        self,
        policy: Policy,
        decision: Decision,
        *,
        ranking: tuple[int, ...],
        seed: int,
        timeouts: Sequence[float | None],
    ) -> None:
        self.policy = policy
        self.decision = decision
        self.alarm: float | None = None
        self.over = False
        self._ranking = ranking
        self._seed = seed
        self._timeouts = timeouts
        self._attempts = [Attempt() for _ in timeouts]

    def dropped(self, index: int, at: float) -> None:
        """The limiter dropped this branch, which was to be launched."""
        self._attempts[index] = Attempt("dropped", ended=at)

    def began(self, index: int, at: float) -> None:
        """The branch says that it is being served."""
        attempt = self._attempts[index]
        if attempt.state == "running" and attempt.began is None:
            self._attempts[index] = replace(attempt, began=at)

    def ended(self, index: int, state: Ending, at: float) -> None:
        """The branch ended; ignored if it had been given up before."""
        attempt = self._attempts[index]
        if attempt.state == "running":
            self._attempts[index] = replace(attempt, state=state, ended=at)

    def actions(self, now: float, *, rang: bool = False) -> list[Action]:
        """What to do now. To be asked again after each of the events that the actions bring.

        `rang` says that the alarm went off: a clock may wake a little early.
        """
        if self.over:
            return []
        if rang and self.alarm is not None:
            now = max(now, self.alarm)
        if decided := self._decided(now):
            return decided
        given_up = [*self._timed_out(now), *self._preferred(now)]
        if decided := self._decided(now):
            return [*given_up, *decided]
        launched = self._launched(now)
        self.alarm = self._next_alarm(now)
        if self.alarm is not None or self._running():
            return [*given_up, *launched]
        self.over = True
        return [*given_up, GiveUp()]

    def _situation(self, now: float) -> Situation:
        return Situation(now, self._ranking, self._seed, tuple(self._attempts))

    def _running(self) -> list[int]:
        return [index for index in self._ranking if self._attempts[index].state == "running"]

    def _decided(self, now: float) -> list[Action]:
        winner = self.decision.winner(self._situation(now))
        if winner is None:
            return []
        if (state := self._attempts[winner].state) != "valid":
            raise ValueError(f"{self.decision!r} chose branch {winner}, which is {state}")
        self.over = True
        losers = [Cancel(index, "cancelled") for index in self._running()]
        return [Decide(winner), *losers]

    def _timed_out(self, now: float) -> list[Action]:
        late = [index for index in self._running() if now >= self._deadline(index)]
        return [self._end(index, "timed out", now) for index in late]

    def _preferred(self, now: float) -> list[Action]:
        others = [
            index
            for index in self.policy.cancels(self._situation(now))
            if self._attempts[index].state == "running"
        ]
        return [self._end(index, "cancelled", now) for index in others]

    def _end(self, index: int, because: Literal["timed out", "cancelled"], now: float) -> Action:
        self._attempts[index] = replace(self._attempts[index], state=because, ended=now)
        return Cancel(index, because)

    def _launched(self, now: float) -> list[Action]:
        actions: list[Action] = []
        while due := self.policy.launches(self._situation(now)):
            for index in due:
                if self._attempts[index].state != "waiting":
                    state = self._attempts[index].state
                    raise ValueError(f"{self.policy!r} launches branch {index}, which is {state}")
                actions.append(Launch(index, speculative=bool(self._running())))
                self._attempts[index] = Attempt("running", launched=now)
        return actions

    def _deadline(self, index: int) -> float:
        timeout, launched = self._timeouts[index], self._attempts[index].launched
        return float("inf") if timeout is None or launched is None else launched + timeout

    def _next_alarm(self, now: float) -> float | None:
        situation = self._situation(now)
        moments = [self.policy.wakes(situation), self.decision.wakes(situation)]
        moments += [self._deadline(index) for index in self._running()]
        return min(
            (at for at in moments if at is not None and now < at < float("inf")), default=None
        )
