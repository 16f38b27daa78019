"""What is outside of the pipeline: servers with their lines, latencies, failures, arrivals.

The rules are those of `simulators.events`, and so is the order at one moment. What differs is who
asks: there a state machine, here the user's code. So between two things that happen at one moment
the code runs until it has nothing more to do at that moment.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any, TypeAlias

from simulators import checks
from simulators.appointments import ARRIVED, LEFT, SERVED, UNSERVED, Event
from simulators.arrivals import Closed
from simulators.chances import Chances, cancels_nobody
from simulators.collecting import Collector
from simulators.errors import ScenarioError
from simulators.live.visits import Call, CallFailed, Reply, Visit
from simulators.results import (
    CANCELLED,
    DROPPED,
    FAILED,
    INVALID,
    NOT_SERVED,
    OUTCOMES,
    TIMED_OUT,
    VALID,
    Requests,
)
from simulators.scenario import Scenario
from simulators.servers import Permits, Servers
from spectest.patterns import began

__all__ = ["Remote"]

_WHY: dict[int | None, str] = {FAILED: "failed", NOT_SERVED: "no server was free"}

_Appointment: TypeAlias = tuple[float, tuple[int, int, int], int, Call | None]


class Remote:
    """All of it for `n` requests. Times of the calendar are ticks since the run began.

    Whoever runs the code sets `clock`, the present; `stir`, to be told that `step` is to be called
    when the code is through with this moment; `arrives`, to be told of each request, and `fail`, of
    misuse. `threads`: whether code runs in threads, too. `budget` and `coming` are for a limiter:
    what requests have saved, and how many it has let go at this moment that have not come yet.
    """

    def __init__(
        self, scenario: Scenario, n: int, seed: int, *, threads: bool, trace: bool
    ) -> None:
        self.scenario = scenario
        self.threads = threads
        self.branches = scenario.racing
        self.n = n
        self.chances = Chances(scenario, seed)
        self.collector = Collector(scenario, n)
        self.log: list[Event] | None = [] if trace else None
        self.watching = not cancels_nobody(scenario)
        self.clock: Callable[[], float] = float
        self.stir: Callable[[], None] = _nobody
        self.fail: Callable[[Exception], None] = _nobody
        self.arrives: Callable[[Visit], None] = _nobody
        self.budget: Permits[Any] | None = None
        self.coming = 0
        self.visits: dict[int, Visit] = {}
        self._names = {branch.name: index for index, branch in enumerate(self.branches)}
        pools = {pool.name: Servers[Call](pool, _stands_in_line) for pool in scenario.pools}
        self.pools = [pools[b.pool] if b.pool else None for b in self.branches]
        self._touched: deque[Servers[Call]] = deque()
        self._decided: deque[Visit] = deque()
        self._calendar: list[_Appointment] = []
        self._numbers = self._appointments = self._busy = 0
        self._arrivals: Iterator[float] = iter(())
        self._issued = 0
        self._open()

    def _open(self) -> None:
        if isinstance(self.scenario.arrivals, Closed):
            for user in range(min(self.scenario.arrivals.users, self.n)):
                self._user_comes(self.chances.thinks(user, first=True))
        else:
            self._arrivals = self.chances.arrivals(self.n)
            self._next_arrival()

    # For whoever runs the code.

    @property
    def now(self) -> float:
        """The present."""
        return self.clock()

    @property
    def next(self) -> float:
        """The next moment of the calendar; infinite if it is empty."""
        return self._calendar[0][0] if self._calendar else math.inf

    @property
    def over(self) -> bool:
        """Whether all requests are answered and all servers are free."""
        return self._numbers == self.n and not self.visits and not self._busy

    def step(self) -> bool:
        """The code is through with this moment: let something more happen at it, if there is."""
        self.coming = 0
        while self._decided:
            self._abandon(self._decided.popleft())
        while self._touched:
            call = self._touched[0].next()
            if call is None:
                self._touched.popleft()
                continue
            self._begins(call)
            if self.watching:
                return True
        if self.next > self.now:
            return False
        moment, order, _, call = heappop(self._calendar)
        self._happens(order[0], call)
        while order[0] == SERVED and self._more_ends(moment, order[1]):
            self._happens(SERVED, heappop(self._calendar)[3])
        return True

    def _more_ends(self, moment: float, request: int) -> bool:
        """Whether another service of this request is over at the same moment."""
        if not self._calendar:
            return False
        due, order, _, _ = self._calendar[0]
        return due == moment and order[:2] == (SERVED, request)

    def _happens(self, what: int, call: Call | None) -> None:
        if call is None:
            self._arrives()
        elif what == SERVED:
            self._served(call)
        elif what == LEFT:
            self._left(call)
        else:
            self._not_served(call)

    def requests(self) -> Requests:
        """What became of them, in ticks."""
        log = self.log or []
        if not self.scenario.shares:
            log.sort(key=lambda event: event.request)
        return self.collector.requests("live", self.chances.seed, log)

    # Requests.

    def _user_comes(self, moment: float) -> None:
        self._issued += 1
        self._at(moment, (ARRIVED, self._issued, 0), None)

    def _next_arrival(self) -> None:
        if (moment := next(self._arrivals, None)) is not None:
            self._at(moment, (ARRIVED, self._issued, 0), None)
            self._issued += 1

    def _arrives(self) -> None:
        self._numbers += 1
        visit = Visit(self.collector.arrived(), self.now)
        self.visits[visit.number] = visit
        self.collector.begins(visit.number, self.now)
        self._write(visit, "arrived")
        self._next_arrival()
        if self.budget is not None:
            self.budget.request()
        self.arrives(visit)

    def decided(self, visit: Visit, winner: int | None) -> None:
        """The pipeline has returned the answer of this branch, or None."""
        visit.winner = winner
        del self.visits[visit.number]
        if winner is not None:
            self._write(visit, "decided", winner)
        self.collector.decided(visit.number, winner, self.now - visit.arrival)
        self._decided.append(visit)
        if isinstance(self.scenario.arrivals, Closed) and self._issued < self.n:
            self._user_comes(self.now + self.chances.thinks(visit.number))
        self.stir()

    def _abandon(self, visit: Visit) -> None:
        """Whoever still runs is of no use any more, even if nobody has told it."""
        if visit.winner is None:
            self._write(visit, "given up")
        for call in visit.calls.values():
            if call.outcome is None:
                self._ended(call, CANCELLED)

    def dropped(self, visit: Visit, index: int) -> None:
        """A limiter has not let the pipeline ask this branch. May be told more than once."""
        if index not in visit.dropped:
            visit.dropped.add(index)
            self.collector.ended(visit.number, index, DROPPED)
            self._write(visit, OUTCOMES[DROPPED], index)

    def index_of(self, name: str) -> int:
        """The branch of this name."""
        if name not in self._names:
            remedy = checks.nearest(name, self._names)
            error = ScenarioError("a service", name, "is no branch that is raced", remedy)
            self.fail(error)  # whoever catches everything must not hide it
            raise error
        return self._names[name]

    # Calls.

    def launch(self, visit: Visit, index: int, wake: Callable[[], None]) -> Call:
        """A service is asked."""
        call = Call(visit, index, self.now - visit.arrival, wake)
        visit.calls[index] = call
        if call.attempt == 1:
            self.collector.launched(visit.number, index, call.launched)
        self._write(visit, "launched", index)
        if visit.number not in self.visits:
            self._ended(call, CANCELLED)  # its request is over
        self._busy += 1
        self.coming -= self.coming > 0
        servers = self.pools[index]
        if servers is None or servers.take():
            self._begins(call)
        elif servers.pool.acquire_timeout == 0:
            self._ends(call, NOT_SERVED)
            self._is_gone(call)
        else:
            call.place = "in line"
            servers.wait(call)
            if servers.pool.acquire_timeout is not None:
                self._appoint(UNSERVED, call, call.launched + servers.pool.acquire_timeout)
        self.stir()
        return call

    def answer(self, call: Call) -> Reply:
        """What the caller gets; `CallFailed` if that is an error."""
        number, branch = call.visit.number, self.branches[call.index].name
        if call.ending in (VALID, INVALID):
            return Reply(number, branch, call.ending == VALID, call.attempt)
        raise CallFailed(branch, number, _WHY.get(call.ending, "was given up"))

    def given_up(self, call: Call) -> None:
        """The caller waits no longer; the cancellation takes effect as the scenario says.

        `call.wake` is called when that has happened, perhaps at once.
        """
        if call.place == "gone":
            call.wake()
            return
        now = self.now - call.visit.arrival
        if call.outcome is None:
            timeout = self.branches[call.index].timeout
            late = timeout is not None and now == call.launched + timeout
            # What is given up at its deadline because there is an answer was not late.
            answered = call.visit.winner is not None and call.visit.heard == now
            self._ended(call, TIMED_OUT if late and not answered else CANCELLED)
        gone = now + self.branches[call.index].lingers
        if gone == now:
            self._goes(call)
        elif gone < math.inf:
            self._appoint(LEFT, call, gone)
        self.stir()

    def _begins(self, call: Call) -> None:
        chances, number, index = self.chances, call.visit.number, call.index
        call.place, call.began = "served", self.now - call.visit.arrival
        call.service = chances.service(number, index, call.attempt)
        self._write(call.visit, "began", index)
        self._appoint(SERVED, call, call.began + call.service)
        if self.watching:
            call.context.run(began)

    def _served(self, call: Call) -> None:
        if call.place != "served":
            return
        number, index, attempt = call.visit.number, call.index, call.attempt
        if self.chances.fails(number, index, attempt):
            self._ends(call, FAILED)
        else:
            self._ends(call, VALID if self.chances.is_valid(number, index, attempt) else INVALID)
        self._leaves(call, call.service)

    def _left(self, call: Call) -> None:
        if call.place != "gone":
            self._goes(call)

    def _not_served(self, call: Call) -> None:
        if call.place == "in line":
            self._ends(call, NOT_SERVED)
            self._goes(call)

    def _goes(self, call: Call) -> None:
        if call.place == "served":
            self._leaves(call, self.now - call.visit.arrival - call.began)
        elif call.place == "in line":
            servers = self.pools[call.index]
            assert servers is not None
            servers.give_up()
            self._is_gone(call)

    def _leaves(self, call: Call, work: float) -> None:
        """The server of a call is free."""
        visit = call.visit
        began, before, service = visit.served.get(call.index, (call.began, 0.0, 0.0))
        done = visit.served[call.index] = (began, before + work, service + call.service)
        self.collector.left(visit.number, call.index, *done)
        self._write(visit, "left", call.index)
        if (servers := self.pools[call.index]) is not None:
            servers.leave()
            self._touched.append(servers)
        self._is_gone(call)

    def _is_gone(self, call: Call) -> None:
        call.place = "gone"
        self._busy -= 1
        call.wake()

    def _ends(self, call: Call, ending: int) -> None:
        call.ending = ending
        call.visit.heard = self.now - call.visit.arrival
        if call.outcome is None:
            self._ended(call, ending)

    def _ended(self, call: Call, outcome: int) -> None:
        call.outcome = outcome
        self.collector.ended(call.visit.number, call.index, outcome)
        self._write(call.visit, OUTCOMES[outcome], call.index)

    # The calendar and the log.

    def _appoint(self, what: int, call: Call, due: float) -> None:
        self._at(call.visit.arrival + due, (what, call.visit.number, call.index), call)

    def _at(self, moment: float, order: tuple[int, int, int], call: Call | None) -> None:
        self._appointments += 1
        heappush(self._calendar, (moment, order, self._appointments, call))

    def _write(self, visit: Visit, what: str, index: int | None = None) -> None:
        if self.log is not None:
            branch = None if index is None else self.branches[index].name
            self.log.append(Event(self.now, visit.number, what, branch))


def _nobody(*_: Any) -> None:
    """Nobody listens yet."""


def _stands_in_line(call: Call) -> bool:
    return call.place == "in line"
