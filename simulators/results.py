"""What became of each request, as columns: the same from every engine, to the last bit.

A column has a row for each request, in the order of arrival, and some have a column for each
branch, in the order of `Scenario.racing`. Times are float seconds; those of an attempt count from
the arrival of its request. Nothing is averaged here.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from simulators.scenario import Scenario

__all__ = [
    "CANCELLED",
    "DROPPED",
    "FAILED",
    "INVALID",
    "NOT_LAUNCHED",
    "NOT_SERVED",
    "OUTCOMES",
    "TIMED_OUT",
    "VALID",
    "Array",
    "Difference",
    "Requests",
    "cost_of",
]

Array: TypeAlias = "np.ndarray[Any, Any]"

OUTCOMES = (
    "not launched",
    "valid",
    "invalid",
    "failed",
    "timed out",
    "dropped",
    "cancelled",
    "not served",
)
"""What an outcome's number means. "not served": no server was free within `acquire_timeout`."""

NOT_LAUNCHED, VALID, INVALID, FAILED, TIMED_OUT, DROPPED, CANCELLED, NOT_SERVED = range(8)


@dataclass(frozen=True)
class Difference:
    """The first request for which two results differ, and in which column."""

    request: int
    column: str
    values: tuple[object, object]

    def __str__(self) -> str:
        one, other = self.values
        return f"request {self.request} differs in {self.column}: {one!r} and {other!r}"


@dataclass(frozen=True, eq=False)
class Requests:
    """`n` requests of a scenario.

    `arrival`: when each arrived. `latency`: seconds from there until it was answered or given up.
    `winner`: the index of the branch whose answer was taken, -1: none. For each request and branch:
    `launched`, when the attempt was launched, and `began`, when its service began, NaN for never;
    `work`, the seconds for which it held its server, until its cancellation took effect; `outcome`,
    a number whose name is in `OUTCOMES`. `cost`: of all attempts of the request.

    `engine`, `seed`, `scenario`: where the numbers come from. `events`: what happened, if it was
    asked for.
    """

    scenario: Scenario
    seed: int
    engine: str
    arrival: Array
    latency: Array
    winner: Array
    launched: Array
    began: Array
    work: Array
    outcome: Array
    cost: Array
    events: Sequence[Any] = field(default=(), repr=False)

    COLUMNS = (
        "arrival", "latency", "winner", "launched", "began", "work", "outcome", "cost",
    )  # fmt: skip

    def __len__(self) -> int:
        return len(self.latency)

    @property
    def answered(self) -> Array:
        """Which requests got a valid answer."""
        answered: Array = self.winner >= 0
        return answered

    @functools.cached_property
    def ordered(self) -> Array:
        """The latencies of the requests that were answered, ascending."""
        return np.sort(self.latency[self.answered])

    @property
    def done(self) -> Array:
        """When each was answered or given up."""
        done: Array = self.arrival + self.latency
        return done

    @property
    def launches(self) -> Array:
        """How many attempts each request launched; dropped ones do not count."""
        return np.asarray(np.count_nonzero(~np.isnan(self.launched), axis=1))

    @property
    def drops(self) -> Array:
        """How many attempts of each request the limiter dropped."""
        return np.asarray(np.count_nonzero(self.outcome == DROPPED, axis=1))

    @property
    def waits(self) -> Array:
        """Seconds that each attempt waited for a server; NaN if it got none."""
        waits: Array = self.began - self.launched
        return waits

    @property
    def wasted(self) -> Array:
        """Seconds of work of each request that did not lead to its answer."""
        rows = np.arange(len(self))
        useful = np.where(self.answered, self.work[rows, self.winner], 0.0)
        wasted: Array = self.work.sum(axis=1) - useful
        return wasted

    def rows(self, chosen: Any) -> Requests:
        """These requests alone: a slice, or an array of numbers or booleans."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in self.COLUMNS})

    def difference(self, other: Requests) -> Difference | None:
        """The first request for which `other` says something else, or None: equal bit for bit.

        `ValueError` if the two have not the same number of requests or branches.
        """
        if self.work.shape != other.work.shape:
            raise ValueError(
                f"results of {self.work.shape} and {other.work.shape} requests and branches "
                "cannot be compared; simulate the same number of both"
            )
        found: list[tuple[int, int, str]] = []
        for place, column in enumerate(self.COLUMNS):
            one, two = getattr(self, column), getattr(other, column)
            differs = _bits(one) != _bits(two)
            rows = differs if differs.ndim == 1 else differs.any(axis=1)
            if rows.any():
                found.append((int(rows.argmax()), place, column))
        if not found:
            return None
        request, _, column = min(found)
        values = (getattr(self, column)[request], getattr(other, column)[request])
        return Difference(request, column, (values[0].tolist(), values[1].tolist()))


def cost_of(scenario: Scenario, began: Array, work: Array, service: Array) -> Array:
    """What the attempts of each request cost; `service` is how long each would have taken."""
    total = np.zeros(len(work))
    for index, branch in enumerate(scenario.racing):
        cost = branch.cost
        if not (cost.fixed or cost.per_gpu_second or (cost.per_token and cost.tokens)):
            continue
        served = ~np.isnan(began[:, index])
        spent, whole = work[:, index], service[:, index]
        share = np.ones(len(total))
        np.divide(spent, whole, out=share, where=served & (whole > 0))
        made = cost.per_token * cost.tokens * np.minimum(share, 1.0)
        total += np.where(served, cost.fixed + made + cost.per_gpu_second * spent, 0.0)
    return total


def _bits(column: Array) -> Array:
    """Floats as integers: NaN equals NaN, and 0.0 does not equal -0.0."""
    return column.view(np.int64) if column.dtype == np.float64 else column
