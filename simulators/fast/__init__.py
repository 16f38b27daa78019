"""The engine `fast`: the results of `simulators.events`, to the last bit, from arrays.

Where requests share nothing, all of them are simulated at once. Where they share a pool, a limiter
or a user, one event after the other has to be looked at, in a loop that does nothing else; but only
while a pool is full.
"""

from __future__ import annotations

import numpy as np

from simulators.chances import checked_count
from simulators.fast import pairs
from simulators.fast.draws import Bulk
from simulators.fast.lockstep import Block, vectorised
from simulators.fast.loop import Loop
from simulators.fast.pairs import Pairs
from simulators.fast.regions import Alone, crowded, separable, settle
from simulators.results import Requests, cost_of
from simulators.scenario import Scenario
from simulators.ticks import in_seconds, in_ticks

__all__ = ["run"]

_BLOCK = 16384
"""Requests at once: their tables fit into a processor's cache."""

_CROWDED = 0.25
_CROWDED_PAIRS = 0.01
"""How many attempts for each request may find a pool full; beyond it, a loop does it all."""

_PROBE = 2048
"""How many requests tell whether a pool is crowded."""


def run(scenario: Scenario, n: int, seed: int = 0, *, ticks: bool = False) -> Requests:
    """Simulate `n` requests.

    `ticks`: everything in whole nanoseconds, as `simulators.live` has it; see `simulators.ticks`.
    `ScenarioError` if `n` is no number of requests that the scenario has.
    """
    checked_count(scenario, n)
    if ticks:
        return in_seconds(run(in_ticks(scenario, n, seed), n, seed), scenario)
    bulk = Bulk(scenario, seed)
    if not scenario.shares and vectorised(scenario):
        return _alone(bulk, n).requests()
    if separable(scenario) and not _too_crowded(bulk, min(n, _PROBE)):
        columns = _alone(bulk, n)
        if moments := crowded(scenario, columns.alone()):
            loop = Loop(bulk, n)
            columns.take(loop, settle(loop, columns.alone(), moments))
        return columns.requests()
    everything = Pairs(bulk, n) if pairs.fits(scenario) else Loop(bulk, n)
    everything.run()
    return Columns.of(bulk, everything).requests()


def _too_crowded(bulk: Bulk, n: int) -> bool:
    """Whether so many of the first `n` requests find a pool full that the loop is faster."""
    limit = _CROWDED_PAIRS if pairs.fits(bulk.scenario) else _CROWDED
    return len(crowded(bulk.scenario, _alone(bulk, n).alone())) > n * limit


def _alone(bulk: Bulk, n: int) -> Columns:
    """The requests, none of which notices another."""
    columns, numbers = Columns(bulk, n), np.arange(n, dtype=np.uint64)
    columns.arrival[:] = bulk.arrivals(n)
    for start in range(0, n, _BLOCK):
        columns.put(slice(start, start + _BLOCK), Block(bulk, numbers[start : start + _BLOCK]))
    return columns


class Columns:
    """Results under construction."""

    def __init__(self, bulk: Bulk, n: int) -> None:
        width = len(bulk.scenario.racing)
        self._bulk = bulk
        self.arrival, self.latency = np.empty(n), np.empty(n)
        self.winner = np.empty(n, dtype=np.int16)
        self.launched, self.work = np.empty((width, n)).T, np.empty((width, n)).T
        self.outcome, self.cost = np.empty((width, n), dtype=np.uint8).T, np.empty(n)
        self.began = self.launched

    def put(self, part: slice, block: Block) -> None:
        """Requests that were simulated alone."""
        self.latency[part], self.winner[part] = block.latency, block.winner
        self.launched[part], self.work[part] = block.launched.T, block.work.T
        self.outcome[part] = block.outcome.T
        launched, work, service = block.launched.T, block.work.T, block.service.T
        self.cost[part] = cost_of(self._bulk.scenario, launched, work, service)

    def alone(self) -> Alone:
        """What these requests hold, if they were simulated alone."""
        return Alone(self.arrival, self.latency, self.launched, self.work)

    @classmethod
    def of(cls, bulk: Bulk, loop: Loop | Pairs) -> Columns:
        """All requests of an event loop."""
        n, width = loop.n, loop.width
        columns = cls(bulk, 0)
        columns.arrival, columns.latency = np.asarray(loop.arrival), np.asarray(loop.latency)
        columns.winner = np.asarray(loop.winner, dtype=np.int16)
        columns.launched = np.asarray(loop.launched).reshape(n, width)
        columns.began = np.asarray(loop.began).reshape(n, width)
        columns.work = np.asarray(loop.work).reshape(n, width)
        columns.outcome = np.asarray(loop.state, dtype=np.uint8).reshape(n, width)
        service = np.asarray(loop.service).T
        columns.cost = cost_of(bulk.scenario, columns.began, columns.work, service)
        return columns

    def take(self, loop: Loop, chosen: list[int]) -> None:
        """Some requests from the event loop, in place of what they would be alone."""
        if not chosen:
            return
        self.began = self.launched.copy()
        for name in ("latency", "winner"):
            cells = getattr(loop, name)
            getattr(self, name)[chosen] = [cells[request] for request in chosen]
        rows = [slice(request * loop.width, (request + 1) * loop.width) for request in chosen]
        for name, cells in (("launched", loop.launched), ("began", loop.began)):
            getattr(self, name)[chosen] = [cells[row] for row in rows]
        self.work[chosen] = [loop.work[row] for row in rows]
        self.outcome[chosen] = [loop.state[row] for row in rows]
        service = np.array([[drawn[request] for drawn in loop.service] for request in chosen])
        scenario, began, work = self._bulk.scenario, self.began[chosen], self.work[chosen]
        self.cost[chosen] = cost_of(scenario, began, work, service)

    def requests(self) -> Requests:
        """The results."""
        return Requests(
            scenario=self._bulk.scenario,
            seed=self._bulk.seed,
            engine="fast",
            arrival=self.arrival,
            latency=self.latency,
            winner=self.winner,
            launched=self.launched,
            began=self.began,
            work=self.work,
            outcome=self.outcome,
            cost=self.cost,
        )
