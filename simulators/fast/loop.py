"""Requests that share pools, a limiter or users: one event after the other, and nothing else.

The rules are those of `simulators.events`; that module says why. Here an attempt is a number, its
cell: request * branches + branch. Everything that chance decides has been drawn before, and what
policies and decisions of `spectest.patterns` say is written out in `simulators.fast.rules`; others
are asked.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush
from itertools import chain
from typing import TypeAlias

import numpy as np

from simulators.arrivals import Closed
from simulators.chances import ALL
from simulators.fast.draws import Bulk
from simulators.fast.quantiles import quantiles
from simulators.fast.rules import RUNNING, Cells, rules_of
from simulators.results import (
    CANCELLED,
    DROPPED,
    NOT_SERVED,
    TIMED_OUT,
    VALID,
)
from simulators.servers import Permits, Servers

__all__ = ["Loop"]

SERVED, LEFT, UNSERVED, RANG, ARRIVED = range(5)
NOWHERE, PERMIT_LINE, LINE, SERVER, GONE = range(5)

_Appointment: TypeAlias = tuple[float, int, int, int]
"""When, what, which request, which branch."""


class Loop(Cells):
    """All requests of a scenario with this seed; its lists are the results."""

    def __init__(self, bulk: Bulk, n: int) -> None:
        scenario = bulk.scenario
        super().__init__(bulk, n)
        cells = n * self.width
        self.place = [NOWHERE] * cells
        self.work = [0.0] * cells
        self.latency, self.winner = [math.nan] * n, [-1] * n
        self.alarm = [math.inf] * n
        self._bulk = bulk
        self._rules = rules_of(scenario, self)
        self._lingers = [branch.lingers for branch in self.branches]
        self._timeouts = [branch.timeout for branch in self.branches]
        self._limited = scenario.limiter.kind != "none"
        self._permits: Permits[int] = Permits(scenario.limiter, self._stands_in_line)
        self._open_pools()
        self._touched: deque[Servers[int]] = deque()
        self._calendar: list[_Appointment] = []
        self.affected: list[int] = []
        self._crowd, self._crowded = deque[int](), set[int]()
        self._closed = isinstance(scenario.arrivals, Closed)
        self._issued = 0
        self._draw(bulk)

    def _open_pools(self) -> None:
        declared = self._bulk.scenario.pools
        pools = {pool.name: Servers[int](pool, self._stands_in_line) for pool in declared}
        self._pools = [pools[b.pool] if b.pool else None for b in self.branches]

    def _draw(self, bulk: Bulk) -> None:
        numbers = np.arange(self.n, dtype=np.uint64)
        self.service, self._answer = [], []
        for index in range(self.width):
            self.service.append(bulk.services(numbers, index).tolist())
            self._answer.append(bulk.outcomes(numbers, index).tolist())
        arrivals = bulk.scenario.arrivals
        if isinstance(arrivals, Closed):
            self.arrival = [math.nan] * self.n
            thinks = bulk.draws.uniforms(numbers, ALL, kind="think")
            firsts = bulk.draws.uniforms(numbers, ALL, kind="first think")
            self._thinks = quantiles(arrivals.thinking, thinks).tolist()
            for moment in quantiles(arrivals.thinking, firsts[: arrivals.users]).tolist():
                self._user_comes(moment)
        else:
            self.arrival = bulk.arrivals(self.n).tolist()

    def run(self) -> None:
        """All requests, until the last server is free."""
        calendar, comes, numbers = self._calendar, math.inf, iter(range(self.n))
        if not self._closed:
            comes = self.arrival[0]
        following = next(numbers)
        while calendar or comes < math.inf:
            if not calendar or comes < calendar[0][0]:
                self._arrives(following, comes)
                following = next(numbers, -1)
                comes = math.inf if following < 0 else self.arrival[following]
                continue
            appointment = heappop(calendar)
            if appointment[1] == ARRIVED:
                self.arrival[following] = appointment[0]
                self._arrives(following, appointment[0])
                following = next(numbers, -1)
            else:
                self._happens(*appointment)

    def _happens(self, moment: float, what: int, request: int, index: int) -> None:
        if what == SERVED:
            self._served(request, index, moment)
        elif what == RANG:
            alarm = self.alarm[request]
            if alarm < math.inf and self.arrival[request] + alarm <= moment:
                self._proceed(request, alarm, moment)
                self._settle(moment)
        elif what == LEFT:
            self._left(request, index, moment)
        else:
            self._not_served(request, index, moment)

    def run_from(self, under_way: list[int], following: int, crowded: float) -> float:
        """Run those under way again from their arrival, and others, while anybody is affected.

        `crowded`: until then nobody is; `following`: the first request to arrive after that.
        Returns the moment up to which this holds: all who were affected have left without a trace.
        """
        self._reset(under_way)
        calendar, numbers = self._calendar, chain(under_way, range(following, self.n))
        request = next(numbers, -1)
        while request >= 0 or calendar:
            comes = self.arrival[request] if request >= 0 else math.inf
            if calendar and calendar[0][0] <= comes:
                self._happens(*heappop(calendar))
                continue
            if comes > crowded and not self._anybody_affected():
                return comes
            self._arrives(request, comes)
            request = next(numbers, -1)
        return math.inf

    def _reset(self, requests: list[int]) -> None:
        """Nothing has happened: no appointments, free servers, and these have not arrived."""
        self._calendar.clear()
        self._touched.clear()
        self._open_pools()
        self.affected.clear()
        self._crowd.clear()
        self._crowded.clear()
        for request in requests:
            self.forget(request)
            self.alarm[request] = math.inf
            self._rules.forget(request)
            for cell in range(request * self.width, (request + 1) * self.width):
                self.place[cell], self.work[cell] = NOWHERE, 0.0

    def _anybody_affected(self) -> bool:
        """Whether somebody is here who has waited or been dropped."""
        while self._crowd:
            request = self._crowd[0]
            first = request * self.width
            places = self.place[first : first + self.width]
            if not self.over[request] or LINE in places or SERVER in places:
                return True
            self._crowded.remove(self._crowd.popleft())
        return False

    def _affects(self, request: int) -> None:
        if request not in self._crowded:
            self._crowd.append(request)
            self._crowded.add(request)
            self.affected.append(request)

    def _arrives(self, request: int, moment: float) -> None:
        if self._limited:
            self._permits.request()
        self._proceed(request, 0.0, moment)
        self._settle(moment)

    def _user_comes(self, moment: float) -> None:
        self._issued += 1
        heappush(self._calendar, (moment, ARRIVED, self._issued, 0))

    def _settle(self, moment: float) -> None:
        """Hand free permits and servers to those who wait for them."""
        while True:
            if self._limited and (cell := self._permits.next()) is not None:
                request, index = divmod(cell, self.width)
                now = moment - self.arrival[request]
                if self._enters(request, index, now) or self.from_service:
                    self._proceed(request, now, moment)
            elif self._touched:
                if (cell := self._touched[0].next()) is None:
                    self._touched.popleft()
                    continue
                request, index = divmod(cell, self.width)
                now = moment - self.arrival[request]
                self._begins(request, index, now)
                if self._rules.watching or self.from_service:
                    self._proceed(request, now, moment)
            else:
                return

    # Asking.

    def _proceed(self, request: int, now: float, moment: float) -> None:
        if self.over[request]:
            return
        rules = self._rules
        while True:
            if self._decided(request, now, moment):
                return
            if (
                rules.gives_up
                and self._gave_up(request, now)
                and (self._decided(request, now, moment))
            ):
                return
            again = False
            for index, speculative in rules.launches(request, now):
                again |= self._launch(request, index, now, speculative)
            if not again:
                break
        due = rules.wakes(request, now)
        if due == math.inf:
            self.alarm[request] = due
            if not self.running[request]:
                self._finish(request, -1, now, moment)
        elif due != self.alarm[request]:
            self.alarm[request] = due
            heappush(self._calendar, (self.arrival[request] + due, RANG, request, 0))

    def _decided(self, request: int, now: float, moment: float) -> bool:
        if not self.valid[request]:
            return False
        winner = self._rules.winner(request, now)
        if winner >= 0:
            self._finish(request, winner, now, moment)
        return self.over[request]

    def _finish(self, request: int, winner: int, now: float, moment: float) -> None:
        self.over[request], self.alarm[request] = True, math.inf
        if self.running[request]:
            first = request * self.width
            for index in self.ranking(request):
                if self.state[first + index] == RUNNING:
                    self._end(request, index, CANCELLED, now)
        self.latency[request], self.winner[request] = now, winner
        if self._closed and self._issued < self.n:
            self._user_comes(moment + self._thinks[request])

    def _gave_up(self, request: int, now: float) -> bool:
        late = [index for index in self.ranking(request) if self.deadline(request, index) <= now]
        for index in late:
            self._end(request, index, TIMED_OUT, now)
        others = self._rules.cancels(request, now)
        for index in others:
            if self.state[request * self.width + index] == RUNNING:
                self._end(request, index, CANCELLED, now)
        return bool(late or others)

    # Attempts, from launch to leaving.

    def _launch(self, request: int, index: int, now: float, speculative: bool) -> bool:
        """Launch an attempt that is marked as running; whether there is something new to ask."""
        cell, permits = request * self.width + index, self._permits
        if speculative and self._limited and permits.drops(self._pools[index]):
            self.launched[cell], self.counted[cell] = math.nan, math.nan
            self._ended(request, cell, DROPPED, now)
            self._affects(request)
            return True
        if self.from_service:
            self.counted[cell] = math.inf
        if self._limited:
            if speculative and permits.queues:
                self.place[cell] = PERMIT_LINE
                permits.wait(cell)
                return False
            permits.take()
        return self._enters(request, index, now)

    def _enters(self, request: int, index: int, now: float) -> bool:
        servers = self._pools[index]
        if servers is None or servers.take():
            self._begins(request, index, now)
            return self._rules.watching
        cell, patience = request * self.width + index, servers.pool.acquire_timeout
        self._affects(request)
        if patience == 0:
            self._ended(request, cell, NOT_SERVED, now)
            if self._limited:
                self._permits.leave()
            return True
        self.place[cell] = LINE
        servers.wait(cell)
        if patience is not None:
            self.due[cell] = now + patience
            moment = self.arrival[request] + self.due[cell]
            heappush(self._calendar, (moment, UNSERVED, request, index))
        return False

    def _begins(self, request: int, index: int, now: float) -> None:
        cell = request * self.width + index
        due = now + self.service[index][request]
        self.place[cell], self.began[cell], self.due[cell] = SERVER, now, due
        if self.from_service and self.state[cell] == RUNNING:
            self.counted[cell] = now
        heappush(self._calendar, (self.arrival[request] + due, SERVED, request, index))

    def _end(self, request: int, index: int, outcome: int, now: float) -> None:
        cell = request * self.width + index
        self._ended(request, cell, outcome, now)
        gone = now + self._lingers[index]
        if gone > now and self.place[cell] in (SERVER, LINE):
            if gone < math.inf:
                moment = self.arrival[request] + gone
                heappush(self._calendar, (moment, LEFT, request, index))
        elif self.place[cell] == SERVER:
            self._leaves(cell, index, now - self.began[cell])
        else:
            self._withdraws(cell, index)

    def _withdraws(self, cell: int, index: int) -> None:
        servers = self._pools[index]
        if self.place[cell] == LINE and servers is not None:
            servers.give_up()
            if self._limited:
                self._permits.leave()
        self.place[cell] = GONE

    def _ended(self, request: int, cell: int, outcome: int, now: float) -> None:
        self.state[cell], self.ended[cell] = outcome, now
        self.running[request] -= 1
        if outcome == VALID:
            self.valid[request] += 1

    def _leaves(self, cell: int, index: int, work: float) -> None:
        self.place[cell], self.work[cell] = GONE, work
        if self._limited:
            self._permits.leave()
        servers = self._pools[index]
        if servers is not None:
            servers.leave()
            self._touched.append(servers)

    # Appointments.

    def _served(self, request: int, index: int, moment: float) -> None:
        cell = request * self.width + index
        if self.place[cell] != SERVER:
            return
        self._leaves(cell, index, self.service[index][request])
        if self.state[cell] == RUNNING:
            now = self.due[cell]
            self._ended(request, cell, self._answer[index][request], now)
            if not (self.running[request] and self._more_end(request, now)):
                self._proceed(request, now, moment)
        self._settle(moment)

    def _more_end(self, request: int, now: float) -> bool:
        first = request * self.width
        return any(
            self.due[cell] == now and self.state[cell] == RUNNING and self.place[cell] == SERVER
            for cell in range(first, first + self.width)
        )

    def _left(self, request: int, index: int, moment: float) -> None:
        cell = request * self.width + index
        if self.place[cell] == SERVER:
            gone = self.ended[cell] + self._lingers[index]
            self._leaves(cell, index, gone - self.began[cell])
        else:
            self._withdraws(cell, index)
        self._settle(moment)

    def _not_served(self, request: int, index: int, moment: float) -> None:
        cell = request * self.width + index
        if self.place[cell] == LINE:
            self._withdraws(cell, index)
            if self.state[cell] == RUNNING:
                self._ended(request, cell, NOT_SERVED, self.due[cell])
                self._proceed(request, self.due[cell], moment)
            self._settle(moment)

    def _stands_in_line(self, cell: int) -> bool:
        return self.place[cell] in (LINE, PERMIT_LINE)
