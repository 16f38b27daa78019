"""Results as they come, request by request, until they are columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulators.results import NOT_LAUNCHED, Array, Requests, cost_of
from simulators.scenario import Scenario

__all__ = ["Collector"]


class Collector:
    """Columns under construction. Times of attempts are seconds of their request's clock."""

    def __init__(self, scenario: Scenario, n: int) -> None:
        self._scenario = scenario
        self._n, self._width = n, len(scenario.racing)
        cells = n * self._width
        self._arrival = [math.nan] * n
        self._latency = [math.nan] * n
        self._winner = [-1] * n
        self._launched = [math.nan] * cells
        self._began = [math.nan] * cells
        self._service = [math.nan] * cells
        self._work = [0.0] * cells
        self._outcome = [NOT_LAUNCHED] * cells
        self._numbers = 0

    def arrived(self) -> int:
        """The number of a request that arrives now."""
        self._numbers += 1
        return self._numbers - 1

    def begins(self, request: int, arrival: float) -> None:
        """A request arrives at this moment of the calendar."""
        self._arrival[request] = arrival

    def decided(self, request: int, winner: int | None, latency: float) -> None:
        """It is answered by the winner, or given up."""
        self._latency[request] = latency
        self._winner[request] = -1 if winner is None else winner

    def launched(self, request: int, index: int, now: float) -> None:
        """An attempt is launched."""
        self._launched[request * self._width + index] = now

    def ended(self, request: int, index: int, outcome: int) -> None:
        """An attempt has come to an end, for its request."""
        self._outcome[request * self._width + index] = outcome

    def left(self, request: int, index: int, began: float, work: float, service: float) -> None:
        """An attempt has set its server free."""
        cell = request * self._width + index
        self._began[cell] = began
        self._work[cell] = work
        self._service[cell] = service

    def requests(self, engine: str, seed: int, events: Sequence[Any] = ()) -> Requests:
        """The columns."""
        began, work = self._table(self._began), self._table(self._work)
        return Requests(
            scenario=self._scenario,
            seed=seed,
            engine=engine,
            arrival=np.array(self._arrival),
            latency=np.array(self._latency),
            winner=np.array(self._winner, dtype=np.int16),
            launched=self._table(self._launched),
            began=began,
            work=work,
            outcome=self._table(self._outcome, np.uint8),
            cost=cost_of(self._scenario, began, work, self._table(self._service)),
            events=events,
        )

    def _table(self, cells: list[Any], kind: Any = np.float64) -> Array:
        return np.array(cells, dtype=kind).reshape(self._n, self._width)
