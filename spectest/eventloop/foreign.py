"""Threads outside of every world: may one of them still wake the loop?

A C extension may have threads of its own, and the process may have had some before the world began.
A loop on which nothing can run any more is in a deadlock, unless such a thread is about to call
`call_soon_threadsafe`. One that stands in a wait of the standard library is not: it waits for
somebody else, and all the others are waiting, too.
"""

from __future__ import annotations

import _thread
import queue
import sys
import threading
from collections.abc import Collection
from concurrent.futures import thread as executor_threads

from spectest.threads.agents import present

__all__ = ["ForeignThreads", "stands_in_a_wait"]

# Condition.wait, in which every lock, queue and future of the library waits; the idle worker of an
# executor waits in C.
_WAITS = {
    (threading.__file__, "wait"),
    (queue.__file__, "get"),
    (executor_threads.__file__, "_worker"),
}
_LOOK_EVERY_S = 0.01
_MOST_LOOKS = 1000
_real_lock = _thread.allocate_lock


class ForeignThreads:
    """The threads that have come since this object was made, and belong to no world."""

    __slots__ = ("_before", "_bell")

    def __init__(self) -> None:
        self._before = frozenset(thread.ident for thread in threading.enumerate())
        self._bell = _real_lock()
        self._bell.acquire()

    def notify(self) -> None:
        """One of them has scheduled something."""
        if self._bell.locked():
            self._bell.release()

    def alive(self) -> list[threading.Thread]:
        """Those that are there."""
        return [
            thread
            for thread in threading.enumerate()
            if thread.ident not in self._before and thread.ident not in present
        ]

    def busy(self) -> bool:
        """Whether one of them is doing something."""
        return any(not stands_in_a_wait(thread.ident) for thread in self.alive())

    def wait_for(self, ready: Collection[object]) -> bool:
        """Whether one of them has scheduled something, or does while it is waited for."""
        if self._bell.acquire(False):
            return True
        idle = 0
        for _ in range(_MOST_LOOKS):
            if idle > 1 or not self.alive():
                break
            idle = 0 if self.busy() else idle + 1
            if self._bell.acquire(True, _LOOK_EVERY_S):
                return True
        return bool(ready)


def stands_in_a_wait(ident: int | None) -> bool:
    """Whether the thread waits for another thread, in the standard library."""
    frame = sys._current_frames().get(ident or 0)
    return frame is not None and (frame.f_code.co_filename, frame.f_code.co_name) in _WAITS
