"""The engine `events`: one request after the other, one event after the other, on SimPy's calendar.

This is the reference: slow, and meant to be read. A `Request` is a state machine. It is told what
happened to its attempts; it asks the decision who has won and the policy whom to launch, the same
objects that production code asks; and it makes appointments in the calendar.

Each request has a clock of its own, which is 0 when it arrives. What is due at x on that clock
stands in the calendar at arrival + x. A request hears of all that ends at one moment of its clock
before it asks, and free servers are handed on after it has asked.
"""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from simulators.appointments import ARRIVED, LEFT, RANG, SERVED, UNSERVED, Calendar, Event, Try
from simulators.arrivals import Closed
from simulators.chances import Chances, cancels_nobody, checked_count
from simulators.collecting import Collector
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
from simulators.ticks import in_seconds, in_ticks
from spectest.patterns.policies import Attempt, Situation

__all__ = ["Event", "run"]

_WAITING = Attempt()
_running = functools.lru_cache(maxsize=64)(functools.partial(Attempt, "running"))  # many are alike
Who: TypeAlias = "tuple[Request, int]"


def run(
    scenario: Scenario, n: int, seed: int = 0, *, trace: bool = False, ticks: bool = False
) -> Requests:
    """Simulate `n` requests; with `trace`, `Requests.events` is what happened, in order.

    `ticks`: in whole nanoseconds; see `simulators.ticks`. `ScenarioError` if `n` is too many.
    """
    checked_count(scenario, n)
    if ticks:
        return in_seconds(run(in_ticks(scenario, n, seed), n, seed, trace=trace), scenario)
    return World(scenario, n, seed, trace=trace, kind=Request).run()


class World:
    """The calendar, the servers, the limiter, and the results so far; `kind` of what arrives."""

    def __init__(
        self, scenario: Scenario, n: int, seed: int, *, trace: bool, kind: type[Request]
    ) -> None:
        self.scenario, self.n, self.kind = scenario, n, kind
        self.chances = Chances(scenario, seed)
        self.calendar = Calendar()
        self.collector = Collector(scenario, n)
        self.log: list[Event] | None = [] if trace else None
        self.closed = isinstance(scenario.arrivals, Closed)
        self.watching = not cancels_nobody(scenario)
        self.from_service = scenario.timer == "service_start"
        self.timeouts = any(branch.timeout is not None for branch in scenario.racing)
        self.permits: Permits[Who] = Permits(scenario.limiter, _stands_in_line)
        pools = {pool.name: Servers[Who](pool, _stands_in_line) for pool in scenario.pools}
        self.pools = [pools[b.pool] if b.pool else None for b in scenario.racing]
        self.touched: deque[Servers[Who]] = deque()
        self._arrivals: Iterator[float] = iter(())
        self._issued = 0

    def run(self) -> Requests:
        """All requests, until the last server is free."""
        if isinstance(self.scenario.arrivals, Closed):
            for user in range(min(self.scenario.arrivals.users, self.n)):
                self._user_comes(self.chances.thinks(user, first=True))
            self.calendar.run()
        elif self.scenario.shares:
            self._arrivals = self.chances.arrivals(self.n)
            self._next_arrival()
            self.calendar.run()
        else:
            for number, moment in enumerate(self.chances.arrivals(self.n)):
                self.calendar.rewind()
                self.kind(self, number, 0.0, shown=moment).proceed(0.0)
                self.calendar.run()
        return self.collector.requests("events", self.chances.seed, self.log or ())

    def settle(self) -> None:
        """Hand free permits and servers to those who wait for them."""
        while self.touched or self.permits.line:
            if self.permits.line and (who := self.permits.next()) is not None:
                who[0].permitted(who[1], self.calendar.now - who[0].arrival)
            elif self.touched:
                if (who := self.touched[0].next()) is None:
                    self.touched.popleft()
                else:
                    who[0].handed(who[1], self.calendar.now - who[0].arrival)
            else:
                return

    def over(self, request: Request) -> None:
        """The request is answered or given up; its user thinks about it."""
        if self.closed and self._issued < self.n:
            self._user_comes(self.calendar.now + self.chances.thinks(request.number))

    def _user_comes(self, moment: float) -> None:
        self._issued += 1
        self.calendar.at(moment, (ARRIVED, self._issued, 0), self._arrives, 0)

    def _next_arrival(self) -> None:
        if (moment := next(self._arrivals, None)) is not None:
            self.calendar.at(moment, (ARRIVED, self._issued, 0), self._arrives, 0)
            self._issued += 1

    def _arrives(self, _: int) -> None:
        now = self.calendar.now
        request = self.kind(self, self.collector.arrived(), now, shown=now)
        self._next_arrival()
        self.permits.request()
        request.proceed(0.0)
        self.settle()


class Request:
    """One request and its attempts. All times are seconds of its own clock."""

    def __init__(self, world: World, number: int, arrival: float, *, shown: float) -> None:
        self.world, self.number = world, number
        self.arrival, self.shown = arrival, shown
        self.branches = world.scenario.racing
        self.ranking, self.seed = world.chances.ranked(number)
        self.attempts = [_WAITING] * len(self.branches)
        self.tries = [Try() for _ in self.branches]
        self.running = self.valid = 0
        self.alarm: float | None = None
        self.over = False
        world.collector.begins(number, shown)
        self.log("arrived")

    # Asking.

    def proceed(self, now: float) -> None:
        """Ask the decision who has won, and the policy what to do."""
        if self.over:
            return
        while True:
            if self._decided(now) or (self._gave_up(now) and self._decided(now)):
                return
            launches = self._launches(now)
            again = [self._launch(index, now, speculative) for index, speculative in launches]
            if not any(again):
                break
        self._set_alarm(now)
        if self.alarm is None and not self.running:
            self._finish(None, now)

    def _situation(self, now: float) -> Situation:
        return Situation(now, self.ranking, self.seed, tuple(self.attempts))

    def _running(self) -> list[int]:
        if not self.running:
            return []
        return [index for index in self.ranking if self.attempts[index].state == "running"]

    def _decided(self, now: float) -> bool:
        if not self.valid:
            return False
        winner = self.world.scenario.decision.winner(self._situation(now))
        if winner is not None:
            self._finish(winner, now)
        return self.over

    def _finish(self, winner: int | None, now: float) -> None:
        self.over, self.alarm = True, None
        self.log("decided" if winner is not None else "given up", winner)
        for index in self._running():
            self._end(index, "cancelled", CANCELLED, now)
        self.world.collector.decided(self.number, winner, now)
        self.world.over(self)

    def _gave_up(self, now: float) -> bool:
        """End attempts whose time is over, and those that the policy cancels."""
        late: list[int] = []
        if self.world.timeouts:
            late = [index for index in self._running() if self._deadline(index) <= now]
        for index in late:
            self._end(index, "timed out", TIMED_OUT, now)
        if not self.world.watching:
            return bool(late)
        others = self.world.scenario.policy.cancels(self._situation(now))
        for index in others:
            if self.attempts[index].state == "running":
                self._end(index, "cancelled", CANCELLED, now)
        return bool(late or others)

    def _launches(self, now: float) -> list[tuple[int, bool]]:
        """Whom to launch, and whether beside another one that is running: speculatively."""
        found, policy = [], self.world.scenario.policy
        while due := policy.launches(self._situation(now)):
            for index in due:
                if (state := self.attempts[index].state) != "waiting":
                    raise ValueError(f"{policy!r} launches branch {index}, which is {state}")
                found.append((index, self.running > 0))
                self.attempts[index] = _running(now)
                self.running += 1
        return found

    def _deadline(self, index: int) -> float:
        timeout, launched = self.branches[index].timeout, self.attempts[index].launched
        return math.inf if timeout is None or launched is None else launched + timeout

    def _set_alarm(self, now: float) -> None:
        """Be woken when policy, decision or a timeout wants it."""
        scenario, situation = self.world.scenario, self._situation(now)
        moments = [scenario.policy.wakes(situation), scenario.decision.wakes(situation)]
        if self.world.timeouts:
            moments += [self._deadline(index) for index in self._running()]
        due = min((at for at in moments if at is not None and now < at < math.inf), default=None)
        if due is not None and due != self.alarm:
            self._at(due, RANG, self._rings, 0)
        self.alarm = due

    # Attempts, from launch to leaving.

    def _launch(self, index: int, now: float, speculative: bool) -> bool:
        """Launch an attempt; whether there is something new to ask about."""
        permits = self.world.permits
        if speculative and permits.drops(self.world.pools[index]):
            self._ended(index, "dropped", DROPPED, now)
            return True
        self.tries[index].launched = now
        self.world.collector.launched(self.number, index, now)
        self.log("launched", index)
        if self.world.from_service:
            self.attempts[index] = _running(math.inf)
        if speculative and permits.queues:
            self.tries[index].place = "in line for a permit"
            permits.wait((self, index))
            return False
        permits.take()
        return self._enters(index, now)

    def _enters(self, index: int, now: float) -> bool:
        """An attempt with its permit comes to its pool; whether there is something to ask about."""
        servers, attempt = self.world.pools[index], self.tries[index]
        if servers is None or servers.take():
            self._begins(index, now)
            return self.world.watching
        if servers.pool.acquire_timeout == 0:
            self._ended(index, "failed", NOT_SERVED, now)
            self.world.permits.leave()
            return True
        attempt.place = "in line"
        servers.wait((self, index))
        if servers.pool.acquire_timeout is not None:
            attempt.due = now + servers.pool.acquire_timeout
            self._at(attempt.due, UNSERVED, self._not_served, index)
        return False

    def permitted(self, index: int, now: float) -> None:
        """The limiter lets an attempt go that was in line for a permit."""
        if self._enters(index, now) or self.world.from_service:
            self.proceed(now)

    def handed(self, index: int, now: float) -> None:
        """A server is free for an attempt that was in line."""
        self._begins(index, now)
        if self.world.watching or self.world.from_service:
            self.proceed(now)

    def _begins(self, index: int, now: float) -> None:
        attempt = self.tries[index]
        attempt.place, attempt.began = "served", now
        attempt.service = self.world.chances.service(self.number, index, attempt.made)
        attempt.due = now + attempt.service
        if self.attempts[index].state == "running":
            launched = now if self.world.from_service else attempt.launched
            self.attempts[index] = _running(launched, None, now)
        self.log("began", index)
        self._at(attempt.due, SERVED, self._served, index)

    def _end(self, index: int, state: Any, outcome: int, now: float) -> None:
        """Give an attempt up; it leaves server or line when the cancellation takes effect."""
        attempt = self.tries[index]
        self._ended(index, state, outcome, now)
        gone = attempt.gone = now + self.branches[index].lingers
        if gone > now and attempt.place in ("served", "in line"):
            if gone < math.inf:
                self._at(gone, LEFT, self._left, index)
        elif attempt.place == "served":
            self._leaves(index, now - attempt.began)
        else:
            self._withdraws(index)

    def _withdraws(self, index: int) -> None:
        """An attempt that has no server waits no longer."""
        attempt, servers = self.tries[index], self.world.pools[index]
        if attempt.place == "in line" and servers is not None:
            servers.give_up()
            self.world.permits.leave()
        attempt.place = "gone"

    def _ended(self, index: int, state: Any, outcome: int, now: float) -> None:
        before = self.attempts[index]
        launched = None if outcome == DROPPED else before.launched
        self.attempts[index] = Attempt(state, launched, now, before.began)
        self.running -= 1
        self.valid += outcome == VALID
        self.world.collector.ended(self.number, index, outcome)
        self.log(OUTCOMES[outcome], index)

    def _leaves(self, index: int, work: float) -> None:
        """The server of an attempt is free."""
        attempt, servers = self.tries[index], self.world.pools[index]
        attempt.place = "gone"
        self.world.collector.left(self.number, index, attempt.began, work, attempt.service)
        self.log("left", index)
        self.world.permits.leave()
        if servers is not None:
            servers.leave()
            self.world.touched.append(servers)

    # Appointments.

    def _at(self, due: float, kind: int, call: Callable[[int], None], index: int) -> None:
        moment = self.arrival + due
        self.world.calendar.at(moment, (kind, self.number, index), call, index)

    def _served(self, index: int) -> None:
        attempt = self.tries[index]
        if attempt.place != "served":
            return
        running = self.attempts[index].state == "running"
        if running:
            self._answers(index, attempt.due)
        self._leaves(index, attempt.service)
        if running and not (self.running and self._more_ends(attempt.due)):
            self.proceed(attempt.due)
        self.world.settle()

    def _more_ends(self, now: float) -> bool:
        """Whether another service of this request is over at the same moment."""
        return any(
            self.attempts[index].state == "running" and one.place == "served" and one.due == now
            for index, one in enumerate(self.tries)
        )

    def _answers(self, index: int, now: float) -> None:
        chances, made = self.world.chances, self.tries[index].made
        if chances.fails(self.number, index, made):
            self._ended(index, "failed", FAILED, now)
        elif chances.is_valid(self.number, index, made):
            self._ended(index, "valid", VALID, now)
        else:
            self._ended(index, "invalid", INVALID, now)

    def _left(self, index: int) -> None:
        attempt = self.tries[index]
        if attempt.place == "served":
            self._leaves(index, attempt.gone - attempt.began)
        else:
            self._withdraws(index)
        self.world.settle()

    def _rings(self, _: int) -> None:
        if self.alarm is not None and self.arrival + self.alarm <= self.world.calendar.now:
            self.proceed(self.alarm)
            self.world.settle()

    def _not_served(self, index: int) -> None:
        if (attempt := self.tries[index]).place == "in line":
            self._withdraws(index)
            if self.attempts[index].state == "running":
                self._ended(index, "failed", NOT_SERVED, attempt.due)
                self.proceed(attempt.due)
            self.world.settle()

    def log(self, what: str, index: int | None = None) -> None:
        """Write down what happened."""
        if self.world.log is not None:
            branch = None if index is None else self.branches[index].name
            moment = self.shown - self.arrival + self.world.calendar.now
            self.world.log.append(Event(moment, self.number, what, branch))


def _stands_in_line(who: Who) -> bool:
    request, index = who
    return request.tries[index].place in ("in line", "in line for a permit")
