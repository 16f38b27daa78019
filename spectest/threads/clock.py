"""`time.sleep` and the clocks of `time`, for threads of a world.

`monotonic` and `perf_counter` begin at zero, like the time of an event loop of the world, and
`time.time` at the moment the world was made. Who looks at a clock again and again waits for a
moment to come, so time passes while it looks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from spectest.kernel.clock import NANOSECONDS
from spectest.source.lines import calling_frame, in_modules
from spectest.threads.agents import current

__all__ = ["CLOCKS", "sleep"]

real_sleep = time.sleep
_YIELD = 100


def sleep(seconds: float, /) -> None:
    """`time.sleep`: the others go on, and time passes."""
    agent = current()
    if agent is None:
        real_sleep(seconds)
        return
    if type(seconds) not in (int, float) or not seconds >= 0:
        real_sleep(seconds)  # Raises what it raises.
        return
    if seconds == 0:
        agent.baton.look_in_vain(agent, _YIELD)
        return
    frame = calling_frame(sys._getframe(1))
    name = agent.name if frame is None else frame.f_code.co_name
    stretches = not in_modules(frame, agent.baton.exact)
    agent.baton.sleep(agent, name, seconds, stretches=stretches)


def _clock(real: Callable[[], Any], *, wall: bool, ns: bool) -> Callable[[], Any]:
    def read() -> Any:
        agent = current()
        if agent is None:
            return real()
        baton = agent.baton
        baton.look_at_clock(agent)
        now_ns = baton.now_ns(agent)
        if wall:
            now_ns += baton.began_ns
        return now_ns if ns else now_ns / NANOSECONDS

    read.__name__ = read.__qualname__ = real.__name__
    read.__doc__ = real.__doc__
    return read


CLOCKS: dict[str, Callable[[], Any]] = {
    "monotonic": _clock(time.monotonic, wall=False, ns=False),
    "monotonic_ns": _clock(time.monotonic_ns, wall=False, ns=True),
    "perf_counter": _clock(time.perf_counter, wall=False, ns=False),
    "perf_counter_ns": _clock(time.perf_counter_ns, wall=False, ns=True),
    "time": _clock(time.time, wall=True, ns=False),
    "time_ns": _clock(time.time_ns, wall=True, ns=True),
}
"""By name in the module `time`."""
