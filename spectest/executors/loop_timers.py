"""Jobs that an event loop waits for: nobody blocks, so the loop itself runs each when it is due.

`await loop.run_in_executor(...)` returns to the loop, and so does any code that leaves a callback
behind. A timeout of such code (`asyncio.wait_for`) is one of the loop's clock. Hence a delay is
one, too: anything else could not be compared with it. The loop is stock asyncio's or any other.
"""

from __future__ import annotations

import contextlib
import heapq
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from spectest.executors.agenda import Entry
from spectest.kernel.clock import NANOSECONDS

if TYPE_CHECKING:
    import asyncio

__all__ = ["LoopTimers", "loop_behind"]


class Jobs(Protocol):
    """What the timers need to know of the runner."""

    def taken_up(self) -> list[tuple[Entry, int]]:
        """The jobs that can finish, and in how many nanoseconds."""

    def finish(self, entry: Entry) -> None:
        """Run this job."""


class LoopTimers:
    """A timer on `loop` for each job that was taken up.

    Timers of one instant fire in an order that is the loop's affair. So each firing runs the
    earliest job that is left, whichever timer fired.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, jobs: Jobs) -> None:
        self.loop = loop
        self._jobs = jobs
        self._set: set[Entry] = set()
        self._due: list[tuple[float, int, Entry]] = []

    def wake(self) -> None:
        """Look for jobs to set timers for, in the next iteration of the loop; from any thread."""
        if _running_loop() is self.loop:
            self.loop.call_soon(self._look)
            return
        with contextlib.suppress(RuntimeError):  # a loop that is closed waits for nothing
            self.loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        now = self.loop.time()
        for entry, left_ns in self._jobs.taken_up():
            if entry not in self._set:
                self._set.add(entry)
                due = now + left_ns / NANOSECONDS
                heapq.heappush(self._due, (due, len(self._set), entry))
                self.loop.call_at(due, self._fire)

    def _fire(self) -> None:
        _, _, entry = heapq.heappop(self._due)
        self._jobs.finish(entry)


def loop_behind(callback: Callable[..., Any]) -> asyncio.AbstractEventLoop | None:
    """The loop that waits for a future to call `callback`.

    That of `asyncio.wrap_future`, which knows its loop whether or not it runs, else the one that
    runs in this thread.
    """
    if getattr(callback, "__module__", None) == "asyncio.futures":
        code, cells = getattr(callback, "__code__", None), getattr(callback, "__closure__", None)
        known = dict(zip(code.co_freevars, cells, strict=True)) if code and cells else {}
        if "dest_loop" in known:
            loop: asyncio.AbstractEventLoop | None = known["dest_loop"].cell_contents
            return loop
    return _running_loop()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    imported = sys.modules.get("asyncio")  # whoever runs a loop has imported it
    if imported is None:
        return None
    try:
        loop: asyncio.AbstractEventLoop = imported.get_running_loop()
    except RuntimeError:
        return None
    return loop
