"""A request that is under way and its calls; what a caller gets of them."""

from __future__ import annotations

import contextvars
import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Call", "CallFailed", "Reply", "Visit"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a branch to a request; `valid`: whether it is one that counts.

    `attempt` is 1, or more if the pipeline has asked the same branch before.
    """

    request: int
    branch: str
    valid: bool
    attempt: int = 1


class CallFailed(Exception):
    """A service has no answer: `why` is "failed", or "no server was free" in time."""

    def __init__(self, branch: str, request: int, why: str) -> None:
        super().__init__(branch, request, why)
        self.branch = branch
        self.request = request
        self.why = why

    def __str__(self) -> str:
        return f"branch {self.branch!r}, request {self.request}: {self.why}"


class Visit:
    """A request that is under way.

    `calls`: the latest call of each branch that was asked. `dropped`: whom a limiter held back.
    `served`: by branch, when its service first began, and for how long all of its calls held a
    server, and would have if nobody had cancelled them. `heard`: when a service last ended.
    """

    __slots__ = ("arrival", "calls", "dropped", "heard", "number", "served", "winner")

    def __init__(self, number: int, arrival: float) -> None:
        self.number = number
        self.arrival = arrival
        self.calls: dict[int, Call] = {}
        self.dropped: set[int] = set()
        self.served: dict[int, tuple[float, float, float]] = {}
        self.winner: int | None = None
        self.heard = math.nan


class Call:
    """A call of a service. Times are ticks of the request's clock.

    `place`: "in line", "served" or "gone". `outcome`: what came of it for its request, a number of
    `simulators.results`, or None while that is open; `ending`: how its service ended, which a
    caller hears who still waits then. `wake`: called when it is gone.
    """

    __slots__ = (
        "attempt", "began", "context", "ending", "index", "launched", "outcome", "place", "service",
        "visit", "wake",
    )  # fmt: skip

    def __init__(self, visit: Visit, index: int, launched: float, wake: Callable[[], None]) -> None:
        before = visit.calls.get(index)
        self.visit = visit
        self.index = index
        self.attempt: int = 1 if before is None else before.attempt + 1
        self.launched = launched
        self.wake = wake
        self.context = contextvars.copy_context()
        self.place = "nowhere"
        self.outcome: int | None = None
        self.ending: int | None = None
        self.began = self.service = math.nan
