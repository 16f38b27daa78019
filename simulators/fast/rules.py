"""What the policies and decisions of `spectest.patterns` say, written out for the event loop.

`Cells` is the state of all attempts, in flat lists; `rules_of` gives an object that answers what a
policy and a decision would. For other classes it asks them, with a `Situation`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simulators.fast.draws import Bulk
from simulators.fast.lockstep import RUNNING, vectorised
from simulators.results import (
    CANCELLED,
    DROPPED,
    FAILED,
    INVALID,
    NOT_LAUNCHED,
    NOT_SERVED,
    TIMED_OUT,
    VALID,
)
from simulators.scenario import Scenario
from spectest.patterns.policies import (
    AfterFirst,
    Attempt,
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Sequential,
    Situation,
    State,
)

__all__ = ["RUNNING", "Cells", "Rules", "rules_of"]

_STATES: dict[int, State] = {
    NOT_LAUNCHED: "waiting",
    RUNNING: "running",
    VALID: "valid",
    INVALID: "invalid",
    FAILED: "failed",
    TIMED_OUT: "timed out",
    DROPPED: "dropped",
    CANCELLED: "cancelled",
    NOT_SERVED: "failed",
}
Launches = list[tuple[int, bool]]


class Cells:
    """The attempts of `n` requests. `counted`: from when an attempt's own time counts."""

    def __init__(self, bulk: Bulk, n: int) -> None:
        scenario = bulk.scenario
        self.n, self.branches = n, scenario.racing
        self.width = len(self.branches)
        cells = n * self.width
        self.state = [NOT_LAUNCHED] * cells
        self.launched, self.counted = [math.nan] * cells, [math.nan] * cells
        self.began, self.due, self.ended = ([math.nan] * cells for _ in range(3))
        self.running, self.valid, self.over = [0] * n, [0] * n, [False] * n
        self.from_service = scenario.timer == "service_start"
        self._timeouts = [branch.timeout for branch in self.branches]
        self._bulk = bulk
        self._declared = tuple(range(self.width)) if bulk.declared else None
        self._rankings: list[tuple[int, ...]] | None = None

    def ranking(self, request: int) -> tuple[int, ...]:
        """The branches of this request, best first."""
        if self._declared is not None:
            return self._declared
        if self._rankings is None:
            numbers = np.arange(self.n, dtype=np.uint64)
            self._rankings = list(map(tuple, self._bulk.rankings(numbers).tolist()))
        return self._rankings[request]

    def deadline(self, request: int, index: int) -> float:
        """When a running attempt is given up; infinite: never."""
        cell, timeout = request * self.width + index, self._timeouts[index]
        if timeout is None or self.state[cell] != RUNNING:
            return math.inf
        return self.counted[cell] + timeout

    def forget(self, request: int) -> None:
        """Begin again: the request has not arrived."""
        cells = slice(request * self.width, (request + 1) * self.width)
        self.state[cells] = [NOT_LAUNCHED] * self.width
        for times in (self.launched, self.counted, self.began, self.due, self.ended):
            times[cells] = [math.nan] * self.width
        self.running[request] = self.valid[request] = 0
        self.over[request] = False

    def mark(self, request: int, index: int, now: float) -> tuple[int, bool]:
        """Launch a branch now; speculatively, if another one is running."""
        cell = request * self.width + index
        speculative = self.running[request] > 0
        self.state[cell] = RUNNING
        self.launched[cell] = self.counted[cell] = now
        self.running[request] += 1
        return index, speculative


class Rules:
    """Those of any policy and any decision: they are asked."""

    watching = True

    def __init__(self, scenario: Scenario, cells: Cells) -> None:
        self._scenario = scenario
        self._cells = cells
        self._timeouts = any(branch.timeout is not None for branch in scenario.racing)
        self.gives_up = self._timeouts or self.watching
        self._single = cells._bulk.single  # noqa: SLF001 - the draws of the same scenario
        self._asked, self._ranked = -1, self._single.ranked(0)

    def forget(self, request: int) -> None:
        """Begin again: the request has not arrived."""

    def launches(self, request: int, now: float) -> Launches:
        """The branches to launch now, which are marked as running, and which are speculative."""
        found: Launches = []
        while due := self._scenario.policy.launches(self._situation(request, now)):
            for index in due:
                if self._cells.state[request * self._cells.width + index] != NOT_LAUNCHED:
                    policy = self._scenario.policy
                    raise ValueError(f"{policy!r} launches branch {index} a second time")
                found.append(self._cells.mark(request, index, now))
        return found

    def cancels(self, request: int, now: float) -> tuple[int, ...]:
        """The branches to end in favour of another one."""
        return self._scenario.policy.cancels(self._situation(request, now))

    def winner(self, request: int, now: float) -> int:
        """The branch that has won, -1 while this is open; asked when an answer is valid."""
        winner = self._scenario.decision.winner(self._situation(request, now))
        return -1 if winner is None else winner

    def wakes(self, request: int, now: float) -> float:
        """When to ask again although nothing happened."""
        situation = self._situation(request, now)
        moments = [self._scenario.policy.wakes(situation), self._scenario.decision.wakes(situation)]
        return self._earliest(request, now, moments)

    def _earliest(self, request: int, now: float, moments: list[float | None]) -> float:
        if self._timeouts:
            cells = self._cells
            moments += [cells.deadline(request, index) for index in range(cells.width)]
        return min((at for at in moments if at is not None and at > now), default=math.inf)

    def _situation(self, request: int, now: float) -> Situation:
        if request != self._asked:  # most are asked about several times in a row
            self._asked, self._ranked = request, self._single.ranked(request)
        ranking, seed = self._ranked
        first = request * self._cells.width
        attempts = tuple(map(self._attempt, range(first, first + self._cells.width)))
        return Situation(now, ranking, seed, attempts)

    def _attempt(self, cell: int) -> Attempt:
        cells = self._cells
        times = (cells.counted[cell], cells.ended[cell], cells.began[cell])
        launched, ended, began = (None if math.isnan(time) else time for time in times)
        return Attempt(_STATES[cells.state[cell]], launched, ended, began)


class _OneByOne(Rules):
    """Sequential, Cascade and Hedge: the next in order, if nobody runs or the delay is over."""

    watching = False

    def __init__(self, scenario: Scenario, cells: Cells) -> None:
        super().__init__(scenario, cells)
        policy: Any = scenario.policy
        delay = getattr(policy, "delay", None)
        self._delay = getattr(policy, "patience", None) if delay is None else delay
        most = getattr(policy, "most", None)
        self._most = cells.width if most is None else min(most, cells.width)
        self._gone = [0] * cells.n
        self._latest = [0.0] * cells.n
        decision = scenario.decision
        self._asks_first = isinstance(decision, FirstValid) and decision.pick == "ranking"
        self._window = decision.window if isinstance(decision, AfterFirst) else None

    def forget(self, request: int) -> None:
        self._gone[request], self._latest[request] = 0, 0.0

    def launches(self, request: int, now: float) -> Launches:
        found: Launches = []
        cells, gone = self._cells, self._gone[request]
        while gone < self._most and not cells.valid[request]:
            if cells.running[request] and not self._is_due(request, now):
                break
            found.append(cells.mark(request, gone, now))
            gone += 1
            self._gone[request] = gone
            self._latest[request] = now
        return found

    def _is_due(self, request: int, now: float) -> bool:
        return self._delay is not None and now >= self._since(request) + self._delay

    def _since(self, request: int) -> float:
        """When a branch was last launched, or dropped instead, or served, as the timer says."""
        cells = self._cells
        if not cells.from_service:
            return self._latest[request]
        first = request * cells.width
        latest = 0.0
        for cell in range(first, first + self._gone[request]):
            dropped = cells.state[cell] == DROPPED
            latest = max(latest, cells.ended[cell] if dropped else cells.counted[cell])
        return latest

    def winner(self, request: int, now: float) -> int:
        if self._asks_first and self._cells.valid[request] == 1:
            first = request * self._cells.width
            return self._cells.state.index(VALID, first) - first
        return super().winner(request, now)

    def wakes(self, request: int, now: float) -> float:
        due = math.inf
        launchable = self._gone[request] < self._most and not self._cells.valid[request]
        if self._delay is not None and launchable:
            due = self._since(request) + self._delay
        if self._timeouts or self._window is not None:
            moments: list[float | None] = [due]
            if self._window is not None and self._cells.valid[request]:
                moments.append(self._scenario.decision.wakes(self._situation(request, now)))
            return self._earliest(request, now, moments)
        return due if due > now else math.inf

    def cancels(self, request: int, now: float) -> tuple[int, ...]:  # noqa: ARG002
        return ()


class _Together(Rules):
    """EagerRace and FirstValidOf: the best ranked at once."""

    watching = False

    def __init__(self, scenario: Scenario, cells: Cells) -> None:
        super().__init__(scenario, cells)
        policy = scenario.policy
        self._k = policy.k if isinstance(policy, FirstValidOf) else cells.width
        self._eager = isinstance(policy, EagerRace)
        self._first = isinstance(scenario.decision, FirstValid) and not self._timeouts

    def launches(self, request: int, now: float) -> Launches:
        cells, first = self._cells, request * self._cells.width
        if cells.valid[request] and not self._eager:
            return []
        states = cells.state[first : first + cells.width]
        waiting = states.count(NOT_LAUNCHED)
        if not waiting:
            return []
        vain = sum(state in _IN_VAIN for state in states)
        due = waiting if self._eager else max(0, self._k + vain - (cells.width - waiting))
        found: Launches = []
        for index in cells.ranking(request):
            if len(found) == due:
                break
            if cells.state[first + index] == NOT_LAUNCHED:
                found.append(cells.mark(request, index, now))
        return found

    def winner(self, request: int, now: float) -> int:
        if self._first and self._cells.valid[request] == 1:
            first = request * self._cells.width
            return self._cells.state.index(VALID, first) - first
        return super().winner(request, now)

    def wakes(self, request: int, now: float) -> float:
        return math.inf if self._first else super().wakes(request, now)

    def cancels(self, request: int, now: float) -> tuple[int, ...]:  # noqa: ARG002
        return ()


_IN_VAIN = (INVALID, FAILED, TIMED_OUT, CANCELLED, NOT_SERVED)


def rules_of(scenario: Scenario, cells: Cells) -> Rules:
    """The rules of the scenario's policy and decision."""
    if vectorised(scenario):
        if type(scenario.policy) in (Sequential, Cascade, Hedge):
            return _OneByOne(scenario, cells)
        if type(scenario.policy) in (EagerRace, FirstValidOf):
            return _Together(scenario, cells)
    return Rules(scenario, cells)
