"""A primary and its backup at pools: the loop of `simulators.fast.loop` for the most common case.

There may be no backup. The first valid answer wins, and who is given up leaves at once. Then most
requests are an arrival and the end of a service, and those two are all that the loop itself looks
at. A timer is only set if the service that has begun lasts longer. The rules, and their results to
the last bit, are those of `simulators.events`.

Attempt 2r is the primary of request r, attempt 2r + 1 its backup.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush
from itertools import chain

import numpy as np

from simulators.arrivals import Closed
from simulators.fast.draws import Bulk
from simulators.results import (
    CANCELLED,
    DROPPED,
    FAILED,
    INVALID,
    NOT_LAUNCHED,
    TIMED_OUT,
    VALID,
    Array,
)
from simulators.scenario import Scenario
from spectest.patterns.policies import Cascade, FirstValid, Hedge, Sequential

__all__ = ["Pairs", "fits"]

SERVED, WAITING = 254, 255
"""The states of an attempt between its launch and its outcome."""


def fits(scenario: Scenario) -> bool:
    """Whether `Pairs` has this scenario."""
    policy, decision, limiter = scenario.policy, scenario.decision, scenario.limiter
    staggered = type(policy) in (Cascade, Hedge, Sequential) and _delay(scenario) > 0
    staggered = staggered and len(scenario.racing) <= 2
    first = type(decision) is FirstValid and decision.pick == "ranking"
    by_pool = limiter.kind == "none" or (limiter.kind == "drop" and limiter.capacity is None)
    at_once = all(branch.lingers == 0 for branch in scenario.racing)
    patient = all(pool.acquire_timeout is None for pool in scenario.pools)
    open_ = scenario.timer == "arrival" and not isinstance(scenario.arrivals, Closed)
    return staggered and first and by_pool and at_once and patient and open_


def _has_backup(scenario: Scenario) -> bool:
    return len(scenario.racing) == 2 and getattr(scenario.policy, "most", None) != 1


def _delay(scenario: Scenario) -> float:
    """After how many seconds the backup is launched beside the primary."""
    if not _has_backup(scenario):
        return math.inf
    delays = [getattr(scenario.policy, name, None) for name in ("delay", "patience")]
    return next((delay for delay in delays if delay is not None), math.inf)


class _Pool:
    """Free servers, and a line; who is not WAITING any more is passed over."""

    __slots__ = ("free", "line", "waiting")

    def __init__(self, capacity: float) -> None:
        self.free = capacity
        self.waiting = 0
        self.line: deque[int] = deque()


class Pairs:
    """All requests of a scenario with this seed; after `run`, the attributes are the results.

    The calendar has (moment, attempt) for the end of a service, and (moment, 2n + primary) for a
    timer, which comes later among equals.
    """

    def __init__(self, bulk: Bulk, n: int) -> None:
        scenario = bulk.scenario
        self.n, self.width = n, len(scenario.racing)
        self._has_backup = _has_backup(scenario)
        self.arrival: list[float] = bulk.arrivals(n).tolist()
        self._draw(bulk)
        self._states = [SERVED, NOT_LAUNCHED] * n
        self._begins = [0.0, math.nan] * n
        self._alarms = [math.inf] * n
        self._given_up: dict[int, float] = {}
        self._launched: dict[int, float] = {}
        self._worked: dict[int, float] = {}
        self._delay = _delay(scenario)
        self._patience = [
            math.inf if branch.timeout is None else branch.timeout for branch in scenario.racing
        ]
        self._first = min(self._delay, self._patience[0])
        self._patient: deque[int] = deque()
        self._timeouts = min(self._patience) < math.inf
        self._drops = scenario.limiter.kind == "drop"
        named = {pool.name: _Pool(pool.capacity) for pool in scenario.pools}
        self._pools = [
            named[branch.pool] if branch.pool else _Pool(math.inf) for branch in scenario.racing
        ]
        self._calendar: list[tuple[float, int]] = []

    def _draw(self, bulk: Bulk) -> None:
        numbers = np.arange(self.n, dtype=np.uint64)
        self._table: Array = np.zeros((self.n, 2))
        self._answers = [VALID] * (2 * self.n)
        for index in range(self.width):
            self._table[:, index] = bulk.services(numbers, index)
            answers = bulk.outcomes(numbers, index)
            if (answers != VALID).any():
                self._answers[index::2] = answers.tolist()
        self.service = self._table.T[: self.width]
        self._services: list[float] = self._table.ravel().tolist()

    def run(self) -> None:
        """All requests, until the last server is free."""
        calendar, pool, first = self._calendar, self._pools[0], self._first
        states, answers, cells = self._states, self._answers, 2 * self.n
        heappush(calendar, (math.inf, 2 * cells))
        arrivals = zip(self.arrival, self._services[::2], range(0, cells, 2), strict=True)
        for comes, due, primary in chain(arrivals, [(math.inf, 0.0, cells)]):
            while calendar[0][0] <= comes:
                moment, cell = heappop(calendar)
                if cell >= cells:
                    if moment == math.inf:
                        self._read()
                        return
                    self._rings(cell - cells, moment)
                elif states[cell] == SERVED:
                    if cell & 1 or states[cell + 1] or answers[cell] != VALID:
                        self._ends(cell, moment)
                        continue
                    states[cell] = VALID
                    pool.free += 1
                    if pool.waiting:
                        self._hand_on(pool, moment)
            if pool.free:
                pool.free -= 1
                heappush(calendar, (comes + due, primary))
                if due > first:
                    self._set_alarm(primary, first)
            else:
                self._comes_to_a_line(primary)

    def _comes_to_a_line(self, primary: int) -> None:
        self._begins[primary] = math.nan
        self._waits(primary)
        if self._first < math.inf:
            self._patient.append(primary)
            if len(self._patient) == 1:
                self._set_alarm(primary, self._first)

    def _set_alarm(self, primary: int, due: float) -> None:
        request = primary >> 1
        self._alarms[request] = due
        if due < math.inf:
            heappush(self._calendar, (self.arrival[request] + due, 2 * self.n + primary))

    def _rings(self, primary: int, moment: float) -> None:
        if self._patient and self._patient[0] == primary:
            self._next_patient()
        request, states = primary >> 1, self._states
        if states[primary] == VALID or states[primary + 1] == VALID:
            return
        alarm = self._alarms[request]
        if alarm < math.inf and self.arrival[request] + alarm <= moment:
            self._ask(request, alarm)
            self._settle(moment)

    def _next_patient(self) -> None:
        """Of the primaries in line, only the first one has an alarm; it has rung."""
        patient = self._patient
        patient.popleft()
        while patient and self._states[patient[0]] != WAITING:
            patient.popleft()
        if patient:
            self._set_alarm(patient[0], self._first)

    def _ends(self, cell: int, moment: float) -> None:
        """A service is over."""
        now = self._begins[cell] + self._services[cell]
        other = cell ^ 1
        self._pools[cell & 1].free += 1
        self._states[cell] = self._answers[cell]
        both = self._states[other] == SERVED
        if not both or self._begins[other] + self._services[other] != now:
            if VALID in (self._states[cell], self._states[other]):
                if self._states[other] >= SERVED:
                    self._give_up(other, CANCELLED, now)
            else:
                self._ask(cell >> 1, now)
        self._settle(moment)

    def _ask(self, request: int, now: float) -> None:
        """There is no valid answer yet: who is late, is the backup due, and what comes next?"""
        primary, backup = 2 * request, 2 * request + 1
        if self._timeouts:
            for cell in (primary, backup):
                if self._states[cell] >= SERVED and self._deadline(cell) <= now:
                    self._give_up(cell, TIMED_OUT, now)
        due = math.inf
        if self._has_backup and not self._states[backup]:
            if self._states[primary] >= SERVED and now < self._delay:
                due = self._delay
            else:
                self._launch_backup(backup, now)
        running = [cell for cell in (primary, backup) if self._states[cell] >= SERVED]
        if self._timeouts:
            due = min([due, *(at for at in map(self._deadline, running) if at > now)])
        if due == math.inf and not running:
            self._alarms[request] = due
            self._given_up[request] = now
        elif due != self._alarms[request]:
            self._set_alarm(primary, due)

    def _deadline(self, cell: int) -> float:
        launched = self._launched[cell] if cell & 1 else 0.0
        return launched + self._patience[cell & 1]

    def _launch_backup(self, cell: int, now: float) -> None:
        pool = self._pools[1]
        full = pool.waiting > 0 or not pool.free
        if full and self._drops and self._states[cell - 1] >= SERVED:
            self._states[cell] = DROPPED
            return
        self._launched[cell] = now
        if full:
            self._waits(cell)
        else:
            self._begin(cell, now)

    def _waits(self, cell: int) -> None:
        pool = self._pools[cell & 1]
        self._states[cell] = WAITING
        pool.line.append(cell)
        pool.waiting += 1

    def _begin(self, cell: int, now: float) -> float:
        """A service begins; when it will be over, on the request's clock."""
        self._pools[cell & 1].free -= 1
        self._states[cell], self._begins[cell] = SERVED, now
        due = now + self._services[cell]
        heappush(self._calendar, (self.arrival[cell >> 1] + due, cell))
        return due

    def _give_up(self, cell: int, outcome: int, now: float) -> None:
        pool = self._pools[cell & 1]
        if self._states[cell] == SERVED:
            self._worked[cell] = now - self._begins[cell]
            pool.free += 1
        else:
            pool.waiting -= 1
        self._states[cell] = outcome

    def _settle(self, moment: float) -> None:
        for pool in self._pools:
            if pool.waiting:
                self._hand_on(pool, moment)

    def _hand_on(self, pool: _Pool, moment: float) -> None:
        """Hand free servers to those who wait for them."""
        while pool.waiting and pool.free:
            cell = pool.line.popleft()
            if self._states[cell] == WAITING:
                pool.waiting -= 1
                due = self._begin(cell, moment - self.arrival[cell >> 1])
                if due > self._first and not (cell & 1 or self._states[cell + 1]):
                    self._set_alarm(cell, self._first)

    # Results.

    def _read(self) -> None:
        """Make columns of what was written down."""
        n, service = self.n, self._table
        state = np.frombuffer(bytearray(self._states), dtype=np.uint8).reshape(n, 2)
        began = np.array(self._begins).reshape(n, 2)
        launched = np.tile([0.0, math.nan], (n, 1))
        launched[[cell >> 1 for cell in self._launched], 1] = list(self._launched.values())
        valid: Array = state == VALID
        work = np.where(valid | (state == INVALID) | (state == FAILED), service, 0.0)
        work.flat[list(self._worked)] = list(self._worked.values())
        primary, backup = valid.T
        self.winner = np.where(primary, 0, np.where(backup, 1, -1)).astype(np.int16)
        ends = (began + service).T
        self.latency = np.where(primary, ends[0], ends[1])
        self.latency[list(self._given_up)] = list(self._given_up.values())
        self.state, self.began = state[:, : self.width], began[:, : self.width]
        self.launched, self.work = launched[:, : self.width], work[:, : self.width]
