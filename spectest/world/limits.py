"""The rules of a world."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from spectest import ambient
from spectest.eventloop.loop import (
    DEFAULT_MAX_STEPS,
    DEFAULT_MAX_STEPS_AT_ONCE,
    DEFAULT_MAX_VIRTUAL_S,
)
from spectest.faults import NO_FAULTS, FaultPlan
from spectest.kernel.trace import Trace
from spectest.oracles.base import Oracle

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules of a world that do not depend on the plan.

    `elasticity`: by which part an undeclared sleep may stretch under `ties` and `any`.
    `exact`: modules whose sleeps never stretch.
    `lines`: modules of which every line is a choice point of its thread; "*": all of the user's.
    `stall_s`: how much later than their sleep or timeout is over threads may get the processor, in
    virtual seconds, all stalls of an execution together; only if there is more than one thread.
    `faults`: what may go wrong with the calls of services.
    `oracles`: who judges each execution, by its trace. `reference`: what those compare it with that
    compare, the program in stock order; None while that is not known.
    `leaks`: whether a task that outlives the program is an error. A library's background tasks,
    which `asyncio.run` would cancel, are not the program's.
    `drain_s`: virtual seconds after the program's return in which tasks may end by themselves.
    `wall_start`: where the wall clock begins, in ISO 8601 or as a `datetime`, with its time zone.
    `max_steps`, `max_steps_at_once`, `max_virtual_s`: budgets beyond which a `Livelock` is raised.
    """

    elasticity: float = 0.1
    exact: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    stall_s: float = 0.1
    faults: FaultPlan = NO_FAULTS
    oracles: tuple[Oracle, ...] = ()
    reference: Trace | None = None
    leaks: Literal["error", "ignore"] = "error"
    drain_s: float = 60.0
    wall_start: str | dt.datetime = ambient.WALL_START
    max_steps: int = DEFAULT_MAX_STEPS
    max_steps_at_once: int = DEFAULT_MAX_STEPS_AT_ONCE
    max_virtual_s: float = DEFAULT_MAX_VIRTUAL_S
