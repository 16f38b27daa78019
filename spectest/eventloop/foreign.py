"""Threads that the program started by itself: may one of them still wake the loop?

A loop on which nothing can run any more is in a deadlock, unless another thread is about to call
`call_soon_threadsafe`. One that stands in a wait of the standard library is not: it waits for
somebody else, and all the others are waiting, too.
"""

from __future__ import annotations

import queue
import sys
import threading
from concurrent.futures import thread as executor_threads

__all__ = ["ForeignThreads", "stands_in_a_wait"]

# Condition.wait, in which every lock, queue and future of the library waits; the idle worker of an
# executor waits in C.
_WAITS = {
    (threading.__file__, "wait"),
    (queue.__file__, "get"),
    (executor_threads.__file__, "_worker"),
}


class ForeignThreads:
    """The threads that have come since this object was made."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before = frozenset(threading.enumerate())

    def present(self) -> list[threading.Thread]:
        """Those that are alive."""
        return [thread for thread in threading.enumerate() if thread not in self._before]

    def busy(self) -> bool:
        """Whether one of them is doing something."""
        return any(not stands_in_a_wait(thread.ident) for thread in self.present())


def stands_in_a_wait(ident: int | None) -> bool:
    """Whether the thread waits for another thread, in the standard library."""
    frame = sys._current_frames().get(ident or 0)
    return frame is not None and (frame.f_code.co_filename, frame.f_code.co_name) in _WAITS
