"""A hedged pipeline written by hand on SimPy, as somebody would: with a mistake or without.

It shares nothing with the engines but the draws, in whole nanoseconds.
"""

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from simulators.chances import Chances
from simulators.results import (
    CANCELLED,
    DROPPED,
    FAILED,
    INVALID,
    NOT_LAUNCHED,
    TIMED_OUT,
    VALID,
    Requests,
)
from simulators.scenario import Branch, Limiter, Poisson, Pool, Scenario
from simulators.ticks import in_seconds, in_ticks, ticks
from spectest.latency import LogNormal
from spectest.patterns.policies import Hedge

HEDGED = Scenario(
    [
        Branch(name, LogNormal(1.0, 1.0), pool="gpu", timeout=6.0, valid=0.9, failure=0.1)
        for name in ("llm", "backup")
    ],
    Hedge(2.0),
    limiter=Limiter("drop", capacity=6),
    pools=[Pool("gpu", 4)],
    arrivals=Poisson(1.4),
)
LATE = 0.3
TIMES = 3
"""How often the one who retries asks in all."""

Steps = Generator[Any, Any, Any]


class Pipeline:
    """`mistake`: the name of one, or "none"."""

    def __init__(self, mistake: str = "none") -> None:
        self.mistake = mistake

    def __call__(self, scenario: Scenario, n: int, seed: int) -> Requests:
        ticked = in_ticks(scenario, n, seed)
        return in_seconds(_Run(self.mistake, ticked, n, seed).requests(), scenario)


class _Slot:
    """What an attempt holds, or waits for."""

    def __init__(self) -> None:
        self.permit: Any = None
        self.server: Any = None
        self.since = 0.0


class _Run:
    def __init__(self, mistake: str, scenario: Scenario, n: int, seed: int) -> None:
        self.mistake, self.scenario, self.n, self.seed = mistake, scenario, n, seed
        self.delay: float = scenario.policy.delay  # type: ignore[attr-defined]
        missing = mistake == "timeout missing"
        self.timeout = math.inf if missing else scenario.branches[0].timeout or math.inf
        self.chances = Chances(scenario, seed)
        self.env = simpy.Environment()
        self.gpu = simpy.Resource(self.env, scenario.pools[0].capacity)
        self.limit: Any = scenario.limiter.capacity
        self.under_way = 0
        self.permitted: list[simpy.Event] = []
        self.arrival = np.array(list(self.chances.arrivals(n)))
        self.latency = np.full(n, np.nan)
        self.winner = np.full(n, -1, dtype=np.int16)
        self.launched, self.began = np.full((n, 2), np.nan), np.full((n, 2), np.nan)
        self.work, self.outcome = np.zeros((n, 2)), np.full((n, 2), NOT_LAUNCHED, dtype=np.uint8)

    def requests(self) -> Requests:
        self.env.process(self.source())
        self.env.run()
        columns = {name: getattr(self, name) for name in Requests.COLUMNS if name != "cost"}
        cost = np.zeros(self.n)
        return Requests(self.scenario, self.seed, "by hand", cost=cost, **columns)

    def source(self) -> Steps:
        for number in range(self.n):
            yield self.env.timeout(self.arrival[number] - self.env.now)
            self.env.process(self.request(number))

    def clock(self, number: int) -> float:
        return float(self.env.now - self.arrival[number])

    # One attempt, which ends as VALID, INVALID or FAILED, or by an interruption.

    def attempt(self, number: int, index: int, served: simpy.Event, hedge: bool) -> Steps:
        slot = _Slot()
        try:
            yield from self.permit(slot, queues=hedge and self.mistake == "limiter queues")
            for made in range(1, TIMES + 1):
                slot.server = self.gpu.request()
                yield slot.server
                slot.since = self.clock(number)
                if made == 1:
                    self.began[number, index] = slot.since
                    served.succeed()
                yield self.env.timeout(self.chances.service(number, index, made))
                self.work[number, index] += self.clock(number) - slot.since
                if not self.chances.fails(number, index, made):
                    return VALID if self.chances.is_valid(number, index, made) else INVALID
                if made == TIMES or self.mistake != "retries":
                    return FAILED
                self.gpu.release(slot.server)
        except simpy.Interrupt:
            self.interrupted(slot, number, index)
        finally:
            self.ends(slot)
        return CANCELLED

    def permit(self, slot: "_Slot", *, queues: bool) -> Steps:
        if queues and self.under_way >= self.limit:
            slot.permit = self.env.event()
            self.permitted.append(slot.permit)
            yield slot.permit
        else:
            self.under_way += 1

    def interrupted(self, slot: "_Slot", number: int, index: int) -> None:
        if slot.server is not None and slot.server.triggered:
            self.work[number, index] += self.clock(number) - slot.since
            if self.mistake == "server leaked":
                slot.server = None
        if self.mistake == "permit leaked":
            self.under_way += 1

    def ends(self, slot: "_Slot") -> None:
        if slot.permit is not None and not slot.permit.triggered:
            self.permitted.remove(slot.permit)
        else:
            self.under_way -= 1
            self.env.process(self.hands_over(slot.server))

    def hands_over(self, server: Any) -> Steps:
        """Of its own accord only when all who hear of the end of an attempt have acted."""
        if server is not None and not server.triggered:
            server.cancel()
            server = None
        for _ in range(6):
            yield self.env.timeout(0)
        if self.permitted and self.under_way < self.limit:
            self.under_way += 1
            self.permitted.pop(0).succeed()
        if server is not None:
            self.gpu.release(server)

    # One request.

    def request(self, number: int) -> Steps:
        running: dict[int, Any] = {}
        served = [self.env.event(), self.env.event()]
        waiting = [0, 1]
        while True:
            if self.heard(number, running):
                return
            while waiting and (not running or self.clock(number) >= self.due(number)):
                self.launch(number, waiting.pop(0), running, served)
            if not running:
                self.decide(number, -1, running)
                return
            moments = [self.since(number, index) + self.timeout for index in running]
            moments += [self.due(number)] if waiting else []
            later = [at - self.clock(number) for at in moments if np.isfinite(at)]
            events = [*running.values(), *(served[index] for index in running)]
            events = [event for event in events if not event.processed]
            yield self.env.any_of([*events, *map(self.env.timeout, later)])

    def heard(self, number: int, running: dict[int, Any]) -> bool:
        """Look at all that has happened; whether that decides the request."""
        for index in list(running):
            if running[index].triggered:
                code = self.outcome[number, index] = running.pop(index).value
                if code == VALID or (code == INVALID and self.mistake == "invalid wins"):
                    self.decide(number, index, running)
                    return True
                if code == FAILED and self.mistake == "first done wins":
                    self.decide(number, -1, running)
                    return True
            elif self.clock(number) >= self.since(number, index) + self.timeout:
                self.outcome[number, index] = TIMED_OUT
                self.stop(running.pop(index))
        return False

    def due(self, number: int) -> float:
        """When to hedge."""
        return self.since(number, 0) + self.delay

    def since(self, number: int, index: int) -> float:
        """When the clock of an attempt began to run."""
        if self.mistake == "timer from service":
            began = float(self.began[number, index])
            return math.inf if math.isnan(began) else began
        return float(self.launched[number, index])

    def launch(self, number: int, index: int, running: dict[int, Any], served: list[Any]) -> None:
        full = self.under_way >= self.limit
        if running and full and self.mistake not in {"limiter queues", "limiter absent"}:
            self.outcome[number, index] = DROPPED
            return
        self.launched[number, index] = self.clock(number)
        attempt = self.attempt(number, index, served[index], bool(running))
        running[index] = self.env.process(attempt)

    def decide(self, number: int, winner: int, running: dict[int, Any]) -> None:
        self.winner[number], self.latency[number] = winner, self.clock(number)
        for index, attempt in running.items():
            self.outcome[number, index] = CANCELLED
            self.stop(attempt)

    def stop(self, attempt: Any) -> None:
        if self.mistake == "cancels late":
            self.env.process(self.later(attempt))
        elif self.mistake != "never cancels" and attempt.is_alive:
            attempt.interrupt()

    def later(self, attempt: Any) -> Steps:
        yield self.env.timeout(ticks(LATE))
        if attempt.is_alive:
            attempt.interrupt()
