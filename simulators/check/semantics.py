"""What code does that no field of a scenario says: the engine `events`, bent in one place.

These are the mistakes of code, not choices of a model, so a scenario has no field for them. A slot
that never comes back, a failed call that is made again, an answer that nobody has judged.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

from simulators import events, fast
from simulators.appointments import LEFT, RANG
from simulators.events import Request, World
from simulators.results import FAILED, INVALID, NOT_LAUNCHED, VALID, Requests
from simulators.scenario import Scenario

__all__ = ["AS_SAID", "Semantics", "run"]


@dataclass(frozen=True, slots=True)
class Semantics:
    """How code departs from its scenario.

    `losers_stay`: seconds for which an attempt whose request is over goes on, until its own timeout
    at most; `staying`: of this branch only. `late_stay`: who times out goes on to its end.
    `sleeps`: by how many seconds longer each branch holds its server before it asks than the one
    declared before it. `servers_lost` and `permits_lost`: states in which an attempt that ends
    never gives its server, or its permit of the limiter, back. `retries`: how often a failed
    attempt is made again, on the server that it has or, if it `waits_again`, on one for which it
    stands in line. `invalid_wins`: an answer is taken unjudged. `ends`: states in which an attempt
    that ends takes its request with it, which is then given up. `hasty`: a free server is handed on
    before the request that has set it free decides. `hidden_permits`: an attempt that waits for a
    permit is launched only when it has one, as far as anybody sees.
    """

    losers_stay: float = 0.0
    staying: str | None = None
    late_stay: bool = False
    sleeps: float = 0.0
    servers_lost: frozenset[str] = frozenset()
    permits_lost: frozenset[str] = frozenset()
    retries: int = 0
    waits_again: bool = False
    invalid_wins: bool = False
    ends: frozenset[str] = frozenset()
    hasty: bool = False
    hidden_permits: bool = False


AS_SAID = Semantics()


def run(
    scenario: Scenario, semantics: Semantics, n: int, seed: int, *, trace: bool = False
) -> Requests:
    """Simulate `n` requests of code that departs from its scenario in this way."""
    if semantics == AS_SAID:
        return events.run(scenario, n, seed, trace=True) if trace else fast.run(scenario, n, seed)
    kind: Any = functools.partial(Departing, semantics)
    return World(scenario, n, seed, trace=trace, kind=kind).run()


class Departing(Request):
    """One request of code that departs from its scenario."""

    def __init__(self, semantics: Semantics, world: World, *arguments: Any, **named: Any) -> None:
        super().__init__(world, *arguments, **named)
        self.semantics = semantics
        self.held: dict[int, tuple[float, float, float]] = {}

    def _decided(self, now: float) -> bool:
        if super()._decided(now):
            return True
        if any(attempt.state in self.semantics.ends for attempt in self.attempts):
            self._finish(None, now)
        return self.over

    def _end(self, index: int, state: Any, outcome: int, now: float) -> None:
        attempt, branch = self.tries[index], self.branches[index]
        stays = self.semantics.losers_stay if self.over else 0.0
        until = min(now + stays, self._deadline(index))
        if state == "timed out" and self.semantics.late_stay:
            until = math.inf
        served = attempt.place in {"served", "in line", "asleep"}
        if until <= now or not served or self.semantics.staying not in {None, branch.name}:
            super()._end(index, state, outcome, now)
            return
        attempt.gone = until + branch.lingers
        self._ended(index, state, outcome, now)
        if attempt.gone < math.inf:
            self._at(attempt.gone, LEFT, self._left, index)

    # An attempt sleeps on its server until its time has come.

    def _begins(self, index: int, now: float) -> None:
        attempt, sleeps = self.tries[index], self.semantics.sleeps * index
        if not sleeps or attempt.place == "asleep" or attempt.made > 1:
            super()._begins(index, now)
            return
        attempt.place, attempt.due = "asleep", now + sleeps
        self._at(attempt.due, RANG, self._wakes, index)

    def _wakes(self, index: int) -> None:
        attempt = self.tries[index]
        if attempt.place == "asleep":
            self._begins(index, attempt.due)

    # A failed attempt is made again; its row has all of its work.

    def _served(self, index: int) -> None:
        attempt = self.tries[index]
        running = self.attempts[index].state == "running" and attempt.place == "served"
        again = running and attempt.made <= self.semantics.retries
        if self.semantics.late_stay and self.attempts[index].state == "timed out" and not self.over:
            self.world.collector.ended(self.number, index, self._would_be(index))
        if again and self.world.chances.fails(self.number, index, attempt.made):
            self._is_made_again(index, attempt.due)
        else:
            super()._served(index)

    def _is_made_again(self, index: int, now: float) -> None:
        attempt = self.tries[index]
        self.log("failed", index)
        attempt.made += 1
        if not self.semantics.waits_again:
            self._holds(index, attempt.service)
            self._begins(index, now)
            return
        self._leaves(index, attempt.service)
        self.world.permits.take()
        if self._enters(index, now):
            self.proceed(now)
        self.world.settle()

    def _holds(self, index: int, work: float) -> None:
        attempt = self.tries[index]
        began, before, service = self.held.get(index, (attempt.began, 0.0, 0.0))
        self.held[index] = began, before + work, service + attempt.service
        self.world.collector.left(self.number, index, *self.held[index])

    # How an attempt ends, and what it leaves behind.

    def _answers(self, index: int, now: float) -> None:
        super()._answers(index, now)
        if self.semantics.invalid_wins and self.attempts[index].state == "invalid":
            self.attempts[index] = replace(self.attempts[index], state="valid")
            self.valid += 1

    def _would_be(self, index: int) -> int:
        """How the service ends of an attempt for which nobody waits."""
        chances, made = self.world.chances, self.tries[index].made
        if chances.fails(self.number, index, made):
            return FAILED
        return VALID if chances.is_valid(self.number, index, made) else INVALID

    def permitted(self, index: int, now: float) -> None:
        """The limiter lets an attempt go that was in line for a permit."""
        if self.semantics.hidden_permits:
            self.world.collector.launched(self.number, index, now)
        super().permitted(index, now)

    def _ended(self, index: int, state: Any, outcome: int, now: float) -> None:
        super()._ended(index, state, outcome, now)
        waited = self.tries[index].place == "in line for a permit"
        if waited and self.semantics.hidden_permits:
            self.world.collector.launched(self.number, index, math.nan)
            self.world.collector.ended(self.number, index, NOT_LAUNCHED)

    def _leaves(self, index: int, work: float) -> None:
        super()._leaves(index, work)
        self._holds(index, work)
        servers, state = self.world.pools[index], self.attempts[index].state
        if servers is not None and state in self.semantics.servers_lost:
            servers.lose()
        if state in self.semantics.permits_lost:
            self.world.permits.take()
        if self.semantics.hasty:
            self.world.settle()

    def _withdraws(self, index: int) -> None:
        servers, place = self.world.pools[index], self.tries[index].place
        had_permit = place in {"in line", "asleep"}
        super()._withdraws(index)
        if place == "asleep":
            self.world.permits.leave()
            if servers is not None:
                servers.leave()
                self.world.touched.append(servers)
        if had_permit and self.attempts[index].state in self.semantics.permits_lost:
            self.world.permits.take()
