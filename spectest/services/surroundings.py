"""Where a call is made: in which world of spectest, if in one, and by which clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from spectest.kernel.clock import NANOSECONDS
from spectest.kernel.scheduler import Scheduler
from spectest.threads.agents import current

__all__ = ["Surroundings", "surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`world`: tells one world, or one event loop, from the next; None in a thread without either.

    `scheduler`: that of the world, None outside of all. `now`: its clock, in seconds.
    """

    world: object
    scheduler: Scheduler | None
    now: Callable[[], float]


def surroundings() -> Surroundings:
    """Those of the calling thread, task or callback."""
    agent = current()
    if agent is not None:
        baton = agent.baton

        def now() -> float:
            return baton.now_ns(current() or agent) / NANOSECONDS

        return Surroundings(baton.scheduler, baton.scheduler, now)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return Surroundings(None, None, time.monotonic)
    scheduler: Scheduler | None = getattr(loop, "scheduler", None)
    return Surroundings(scheduler or loop, scheduler, loop.time)
