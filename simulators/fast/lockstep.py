"""Requests that share nothing, all at once: each step is the next event of every request.

The requests are independent, so time is each request's own, and two steps are all that most of
them need. The rules are those of `simulators.events`, and the policies and decisions those of
`spectest.patterns`, written for arrays: row i of a table belongs to branch i, column r to request
r.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.fast.draws import Bulk
from simulators.results import CANCELLED, FAILED, INVALID, NOT_LAUNCHED, TIMED_OUT, VALID, Array
from simulators.scenario import Scenario
from spectest.patterns.policies import (
    AfterFirst,
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Ranked,
    Sequential,
    Tied,
    WaitForAll,
)

__all__ = ["Block", "vectorised"]

RUNNING = 255
"""The state of an attempt between its launch and its outcome."""

_POLICIES = (Cascade, EagerRace, FirstValidOf, Hedge, Sequential, Tied)
_DECISIONS = (AfterFirst, FirstValid, Ranked, WaitForAll)


def vectorised(scenario: Scenario) -> bool:
    """Whether this module has the policy and the decision; subclasses may do anything."""
    return type(scenario.policy) in _POLICIES and type(scenario.decision) in _DECISIONS


@dataclass(slots=True)
class _State:
    """Requests that are not decided: `requests` are their numbers, `places` their columns."""

    requests: Array
    places: Array
    now: Array
    state: Array
    launched: Array
    due: Array
    ended: Array

    def at(self, chosen: Array) -> _State:
        """Only these requests."""
        return _State(
            self.requests[chosen],
            self.places[chosen],
            self.now[chosen],
            self.state[:, chosen],
            self.launched[:, chosen],
            self.due[:, chosen],
            self.ended[:, chosen],
        )


class Block:
    """Some requests, simulated from their arrival to their end; the tables are the results."""

    def __init__(self, bulk: Bulk, requests: Array) -> None:
        scenario, n = bulk.scenario, len(requests)
        self.scenario, self._bulk = scenario, bulk
        self.branches = scenario.racing
        width = len(self.branches)
        self.latency = np.full(n, np.nan)
        self.winner = np.full(n, -1, dtype=np.int16)
        self.launched = np.full((width, n), np.nan)
        self.service = np.full((width, n), np.nan)
        self.work = np.zeros((width, n))
        self.outcome = np.zeros((width, n), dtype=np.uint8)
        delays = (
            getattr(scenario.policy, "delay", None),
            getattr(scenario.policy, "patience", None),
        )
        self._delay = next((delay for delay in delays if delay is not None), None)
        self._most = getattr(scenario.policy, "most", None)
        self._timeouts = [branch.timeout for branch in self.branches]
        self._requests = requests
        self._rankings: Array | None = None
        self._run()

    def _run(self) -> None:
        width, n = len(self.branches), len(self._requests)
        now = _State(
            self._requests,
            np.arange(n),
            np.zeros(n),
            np.zeros((width, n), dtype=np.uint8),
            np.full((width, n), np.nan),
            np.full((width, n), np.inf),
            np.full((width, n), np.nan),
        )
        while len(now.requests):
            self._launch(now)
            following = self._next(now)
            open_ = following < np.inf
            if not open_.all():
                self._write(now, np.flatnonzero(~open_), -1)
                now, following = now.at(np.flatnonzero(open_)), following[open_]
            now.now = following
            self._end(now)
            now = self._decide(now)

    # Policies.

    def _launch(self, now: _State) -> None:
        """Whom the policy launches, until it launches nobody any more."""
        policy = self.scenario.policy
        if isinstance(policy, EagerRace):
            for index in range(len(self.branches)):
                self._begin(now, index, np.flatnonzero(now.state[index] == NOT_LAUNCHED))
        elif isinstance(policy, FirstValidOf):
            self._launch_best(now, policy.k)
        elif isinstance(policy, Tied):
            self._launch_tied(now)
        else:
            while self._launch_next(now):
                pass

    def _launch_next(self, now: _State) -> bool:
        """The next branch in order, if nobody runs or the delay is over; whether there was one."""
        chosen = self._launchable(now)
        ready = ~(now.state == RUNNING).any(axis=0)
        if self._delay is not None:
            ready |= now.now >= self._latest(now) + self._delay
        chosen &= ready
        if not chosen.any():
            return False
        for index in range(len(self.branches)):
            following = chosen & (now.state[index] == NOT_LAUNCHED)
            chosen &= ~following
            self._begin(now, index, np.flatnonzero(following))
        return True

    def _launchable(self, now: _State) -> Array:
        waiting = now.state == NOT_LAUNCHED
        chosen: Array = waiting.any(axis=0) & ~(now.state == VALID).any(axis=0)
        if self._most is not None:
            chosen &= _count(waiting) > len(self.branches) - self._most
        return chosen

    def _latest(self, now: _State) -> Array:
        latest: Array = np.fmax.reduce(now.launched, axis=0, initial=0.0)
        return latest

    def _launch_best(self, now: _State, k: int) -> None:
        """As many of the best ranked as are missing from `k` that run."""
        waiting = now.state == NOT_LAUNCHED
        gone = len(self.branches) - _count(waiting)
        vain = np.isin(now.state, (INVALID, FAILED, TIMED_OUT, CANCELLED))
        due = k + _count(vain) - gone
        due[(now.state == VALID).any(axis=0)] = 0
        chosen = np.flatnonzero((due > 0) & (gone < len(self.branches)))
        if len(chosen):
            self._launch_ranked(now, chosen, due[chosen])

    def _launch_tied(self, now: _State) -> None:
        """One is launched and served at once; it ends all others that were launched with it."""
        chosen = np.flatnonzero(
            ~(now.state == RUNNING).any(axis=0)
            & ~(now.state == VALID).any(axis=0)
            & (now.state == NOT_LAUNCHED).any(axis=0)
        )
        if not len(chosen):
            return
        self._launch_ranked(now, chosen, np.ones(len(chosen), dtype=np.intp))
        if self._delay:
            return
        for index in range(len(self.branches)):
            others = chosen[now.state[index, chosen] == NOT_LAUNCHED]
            self._begin(now, index, others)
            now.state[index, others], now.due[index, others] = CANCELLED, np.inf
            self._leave(now, index, others, CANCELLED)

    def _launch_ranked(self, now: _State, chosen: Array, due: Array) -> None:
        """Launch the `due` best ranked of those that wait."""
        ranking = self._bulk.rankings(now.requests[chosen])
        left, places = due.copy(), np.arange(len(chosen))
        for rank in range(len(self.branches)):
            ranked = ranking[places, rank]
            launched = (left > 0) & (now.state[ranked, chosen] == NOT_LAUNCHED)
            left[launched] -= 1
            for index in range(len(self.branches)):
                self._begin(now, index, chosen[launched & (ranked == index)])

    def _begin(self, now: _State, index: int, chosen: Array) -> None:
        """Launch this branch of the chosen requests; it is served at once."""
        if not len(chosen):
            return
        everyone = len(chosen) == len(now.requests)
        service = self._bulk.services(now.requests if everyone else now.requests[chosen], index)
        where = slice(None) if everyone else chosen
        places = now.places[where]
        now.state[index][where] = RUNNING
        now.launched[index][where] = now.now[where]
        now.due[index][where] = now.now[where] + service
        self.launched[index][places] = now.now[where]
        self.service[index][places] = service

    # Events.

    def _next(self, now: _State) -> Array:
        """When something happens next in each request; infinite if nothing ever will."""
        moments: Array = now.due.min(axis=0)
        for index, timeout in enumerate(self._timeouts):
            if timeout is not None:
                deadline = now.launched[index] + timeout
                late = np.where(now.state[index] == RUNNING, deadline, np.inf)
                moments = np.minimum(moments, np.where(late > now.now, late, np.inf))
        if self._delay is not None and not isinstance(self.scenario.policy, Tied):
            alarm = self._latest(now) + self._delay
            moments = np.where(
                self._launchable(now) & (alarm > now.now), np.minimum(moments, alarm), moments
            )
        if isinstance(self.scenario.decision, AfterFirst):
            closes = self._first_valid(now) + self.scenario.decision.window
            moments = np.where(closes > now.now, np.minimum(moments, closes), moments)
        return moments

    def _end(self, now: _State) -> None:
        """The services that are over now have an outcome."""
        for index in range(len(self.branches)):
            over = np.flatnonzero(now.due[index] == now.now)
            if not len(over):
                continue
            outcome = self._bulk.outcomes(now.requests[over], index)
            now.state[index][over] = outcome
            now.due[index][over] = np.inf
            now.ended[index][over] = now.now[over]
            places = now.places[over]
            self.outcome[index][places] = outcome
            self.work[index][places] = self.service[index][places]

    def _time_out(self, now: _State) -> Array:
        """Give up those whose time is over; which requests that concerns."""
        late = np.zeros(len(now.requests), dtype=bool)
        for index, timeout in enumerate(self._timeouts):
            if timeout is None:
                continue
            over = (now.state[index] == RUNNING) & (now.launched[index] + timeout <= now.now)
            chosen = np.flatnonzero(over)
            if not len(chosen):
                continue
            self._leave(now, index, chosen, TIMED_OUT)
            now.state[index][chosen], now.due[index][chosen] = TIMED_OUT, np.inf
            late |= over
        return late

    def _leave(self, now: _State, index: int, chosen: Array, outcome: int) -> None:
        """Attempts are given up; their servers are free when the cancellation takes effect."""
        if not len(chosen):
            return
        places, lingers = now.places[chosen], self.branches[index].lingers
        began, service = self.launched[index][places], self.service[index][places]
        gone = now.now[chosen] + lingers
        whole = (gone >= began + service) & (lingers > 0)
        self.work[index][places] = np.where(whole, service, gone - began)
        self.outcome[index][places] = outcome

    # Decisions.

    def _decide(self, now: _State) -> _State:
        """Write down the requests that are decided; the others."""
        now = self._settle(now)
        if any(timeout is not None for timeout in self._timeouts) and self._time_out(now).any():
            now = self._settle(now)
        return now

    def _settle(self, now: _State) -> _State:
        winner = self._winners(now)
        decided = np.flatnonzero(winner >= 0)
        if len(decided):
            self._write(now, decided, winner[decided])
            now = now.at(np.flatnonzero(winner < 0))
        return now

    def _winners(self, now: _State) -> Array:
        """The winner of each request, -1 for those that are open."""
        decision, valid = self.scenario.decision, now.state == VALID
        if isinstance(decision, Ranked):
            return self._best(now, valid, stopping=now.state == RUNNING)
        ready = valid.any(axis=0)
        if isinstance(decision, WaitForAll):
            ready &= ~(now.state == RUNNING).any(axis=0)
        elif isinstance(decision, AfterFirst):
            open_ = now.now < self._first_valid(now) + decision.window
            ready &= ~(open_ & (now.state == RUNNING).any(axis=0))
        winner = np.full(len(ready), -1)
        for index in reversed(range(len(self.branches))):
            winner[ready & valid[index]] = index
        several = np.flatnonzero(ready & (_count(valid) > 1))
        if not len(several):
            return winner
        if getattr(decision, "pick", "ranking") == "literal":
            winner[several] = self._literal(now.requests[several], valid[:, several])
        else:
            winner[several] = self._best(now.at(several), valid[:, several], stopping=None)
        return winner

    def _first_valid(self, now: _State) -> Array:
        first: Array = np.where(now.state == VALID, now.ended, np.inf).min(axis=0)
        return first

    def _best(self, now: _State, valid: Array, stopping: Array | None) -> Array:
        """The best ranked valid branch, if none that is `stopping` ranks above it."""
        everyone = np.arange(len(now.requests))
        ranking = self._bulk.rankings(now.requests) if stopping is None else self._ranked(now)
        winner = np.full(len(everyone), -1)
        still = np.ones(len(everyone), dtype=bool)
        for rank in range(len(self.branches)):
            ranked = ranking[:, rank]
            wins = still & valid[ranked, everyone]
            winner[wins] = ranked[wins]
            still &= ~wins
            if stopping is not None:
                still &= ~stopping[ranked, everyone]
        return winner

    def _ranked(self, now: _State) -> Array:
        """The rankings; all of this block's are needed, some of them again."""
        if self._rankings is None:
            self._rankings = self._bulk.rankings(self._requests)
        ranked: Array = self._rankings[now.places]
        return ranked

    def _literal(self, requests: Array, valid: Array) -> Array:
        place = self._bulk.seeds(requests) % np.count_nonzero(valid, axis=0).astype(np.uint64)
        wanted = (np.cumsum(valid, axis=0) == place.astype(np.intp) + 1) & valid
        chosen: Array = wanted.argmax(axis=0)
        return chosen

    def _write(self, now: _State, over: Array, winner: Array | int) -> None:
        """These requests are decided, or given up: whoever still runs is cancelled."""
        places = now.places[over]
        self.latency[places] = now.now[over]
        self.winner[places] = winner
        for index in range(len(self.branches)):
            running = over[now.state[index][over] == RUNNING]
            self._leave(now, index, running, CANCELLED)


def _count(rows: Array) -> Array:
    """How many branches of each request it is true for."""
    count: Array = rows.sum(axis=0, dtype=np.intp)
    return count
