"""`time.sleep` and the clocks of `time`, for threads of a world.

`monotonic` and `perf_counter` begin at zero, like the time of an event loop of the world, and
`time.time` at the instant that the world says, unless the program has frozen it. Who looks at a
clock again and again waits for a moment to come, so time passes while it looks.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from typing import Any

from spectest.ambient import REAL, StandIn
from spectest.ambient.freezers import Freezers, travelling
from spectest.kernel.clock import NANOSECONDS
from spectest.source.lines import calling_frame, in_modules
from spectest.threads.agents import current

__all__ = ["FREEZERS", "STAND_INS", "elapsed_ns", "sleep", "wall_ns"]

_YIELD = 100


def sleep(seconds: float, /) -> None:
    """`time.sleep`: the others go on, and time passes."""
    agent = current()
    if agent is None:
        REAL.sleep(seconds)
        return
    if type(seconds) not in (int, float) or not seconds >= 0:
        REAL.sleep(seconds)  # Raises what it raises.
        return
    if seconds == 0:
        agent.baton.look_in_vain(agent, _YIELD)
        return
    frame = calling_frame(sys._getframe(1))
    name = agent.name if frame is None else frame.f_code.co_name
    stretches = not in_modules(frame, agent.baton.exact)
    agent.baton.sleep(agent, name, seconds, stretches=stretches)


def elapsed_ns() -> int | None:
    """Virtual time since the world began; None outside of every world."""
    agent = current()
    return None if agent is None else agent.baton.now_ns(agent)


def unfrozen_ns() -> int | None:
    """The wall clock of the world, whatever the program has frozen."""
    agent = current()
    return None if agent is None else agent.baton.began_ns + agent.baton.now_ns(agent)


FREEZERS = Freezers(unfrozen_ns, elapsed_ns)
"""The user's own freezegun, while a run lasts."""


def wall_ns() -> int | None:
    """What the wall clock shows to a thread of a world; None where the platform knows."""
    agent = current()
    if agent is None or travelling():
        return None
    agent.baton.look_at_clock(agent)
    frozen_ns = FREEZERS.frozen_ns()
    return unfrozen_ns() if frozen_ns is None else frozen_ns


def _running(real: Callable[[], Any], *, ns: bool) -> Callable[[], Any]:
    @functools.wraps(real)
    def read() -> Any:
        agent = current()
        if agent is None:
            return real()
        agent.baton.look_at_clock(agent)
        now_ns = agent.baton.now_ns(agent)
        return now_ns if ns else now_ns / NANOSECONDS

    return read


def _wall(real: Callable[[], Any], *, ns: bool) -> Callable[[], Any]:
    @functools.wraps(real)
    def read() -> Any:
        now_ns = wall_ns()
        if now_ns is None:
            return real()
        return now_ns if ns else now_ns / NANOSECONDS

    return read


STAND_INS: tuple[StandIn, ...] = (
    (time, "sleep", sleep),
    (time, "monotonic", _running(REAL.monotonic, ns=False)),
    (time, "monotonic_ns", _running(REAL.monotonic_ns, ns=True)),
    (time, "perf_counter", _running(REAL.perf_counter, ns=False)),
    (time, "perf_counter_ns", _running(REAL.perf_counter_ns, ns=True)),
    (time, "time", _wall(REAL.time, ns=False)),
    (time, "time_ns", _wall(REAL.time_ns, ns=True)),
)
"""By name in the module `time`."""
