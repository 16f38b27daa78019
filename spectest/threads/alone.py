"""The threads of an event loop that runs outside of every world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from spectest.kernel.clock import FOREVER_NS
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.turns import Turns
from spectest.threads.agents import Agent
from spectest.threads.budget import Budget
from spectest.threads.carriers import Carriers
from spectest.threads.lives import Threads
from spectest.threads.patching import installed

__all__ = ["OwnThreads"]

_MANY = 10**12


class OwnThreads:
    """Executor jobs and other threads that a bare loop's program starts.

    They stand still while the loop does not run, and end when it is closed.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._carriers = Carriers()
        self._threads = Threads(
            scheduler,
            Turns(scheduler, stall_ns=0),
            Budget(_MANY, _MANY, FOREVER_NS),
            self._carriers,
        )

    @contextmanager
    def running(self) -> Iterator[Agent]:
        """The calling thread is their main thread while the block lasts."""
        with installed() as installation:
            installation.watchdog.watch(self._threads)
            self._threads.enter()
            try:
                yield self._threads.main
            finally:
                self._threads.pause()
                installation.watchdog.leave()

    def close(self) -> None:
        """Unwind what is left of them."""
        with installed():
            self._threads.enter()
            self._threads.leave()
        self._carriers.end()
