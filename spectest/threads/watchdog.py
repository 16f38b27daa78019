"""The watchdog notices when the thread that holds the baton waits in the real world.

It is a real thread outside of every world, which now and then looks whether there were new choice
points, and if not, whether the holder at least uses the processor. One that does neither waits for
a file, a socket, a subprocess or a lock that spectest does not know: others may go on without it,
for perhaps it is they it waits for; and if it never comes back, that is an error of the program
under test. It does not bite while a debugger holds the thread.

A holder that does use the processor, and goes round and round in a few places of a loop without
coming to a choice point, waits for another thread that never gets its turn: it is stopped.
"""

from __future__ import annotations

import _thread
import dis
import sys
import time
from types import FrameType

from spectest.ambient import REAL
from spectest.threads.agents import Agent
from spectest.threads.carriers import forget_thread
from spectest.threads.lives import Threads

__all__ = ["Watchdog"]

_LOOK_EVERY_S = 0.05
_AWAY_AFTER_S = 0.25
_GIVE_UP_AFTER_S = 3.0
_SPINS_AFTER_S = 5.0
_FEW_PLACES = 50
_allocate_lock = _thread.allocate_lock
_start_new_thread = _thread.start_new_thread
_clock_of = getattr(time, "pthread_getcpuclockid", None)
_DEBUGGERS = ("/bdb.py", "/pdb.py", "/pydevd")


class Watchdog:
    """Watches one world at a time."""

    def __init__(self) -> None:
        self._threads: Threads | None = None
        self._stop: _thread.LockType | None = None

    def watch(self, threads: Threads) -> None:
        """From now on this world, which has just started its first thread."""
        self._threads = threads
        if self._stop is None:
            self._stop = _allocate_lock()
            self._stop.acquire()
            _start_new_thread(self._run, (self._stop,))

    def leave(self) -> None:
        """Watch nothing; the thread goes on for the next world."""
        self._threads = None

    def end(self) -> None:
        """Let the thread end."""
        self._threads = None
        if self._stop is not None:
            self._stop.release()
            self._stop = None

    def _run(self, stop: _thread.LockType) -> None:
        turn = _Turn()
        while not stop.acquire(True, _LOOK_EVERY_S):
            threads = self._threads
            holder = threads.current if threads is not None else None
            if threads is None or holder is None or threads.expecting:
                turn = _Turn()
                continue
            point = (id(threads), holder, threads.budget.spent)
            if turn.point != point:
                turn = _Turn(point)
            still_s = turn.still_s(holder)
            if turn.spins and not still_s and not _debugged(holder):
                threads.stop_spinning(holder)
                turn = _Turn()
            elif still_s > _AWAY_AFTER_S and not _debugged(holder):
                self._missing(threads, holder, still_s)
        forget_thread()

    def _missing(self, threads: Threads, holder: Agent, for_s: float) -> None:
        if threads.take_away(holder):
            return
        if for_s > _GIVE_UP_AFTER_S:
            threads.give_up(holder, threads.stuck(holder))


class _Turn:
    """What is seen of a holder that comes to no choice point after `point`."""

    def __init__(self, point: tuple[object, ...] = ()) -> None:
        self.point = point
        self._began = self._since = REAL.monotonic()
        self._progress: tuple[object, ...] | None = None
        self._places: set[tuple[object, int]] = set()
        self._jumps = False

    def still_s(self, holder: Agent) -> float:
        """For how many seconds the thread has done nothing at all; 0 if it has just done."""
        now = self._look(holder)
        if now != self._progress:
            self._progress, self._since = now, REAL.monotonic()
            return 0.0
        return REAL.monotonic() - self._since

    def _look(self, holder: Agent) -> tuple[object, ...]:
        """What changes when the thread does something."""
        frame = sys._current_frames().get(holder.ident)
        place = (id(frame), frame.f_lasti) if frame is not None else ()
        if frame is not None and len(self._places) <= _FEW_PLACES:
            self._places.add((frame.f_code, frame.f_lasti))
            self._jumps = self._jumps or _jumps(frame)
        if _clock_of is None:
            return place
        try:
            return (*place, round(time.clock_gettime(_clock_of(holder.ident)), 3))
        except OSError:
            return place

    @property
    def spins(self) -> bool:
        """Whether it has long been in a small loop, and not in some function of an extension."""
        long = REAL.monotonic() - self._began > _SPINS_AFTER_S
        return long and self._jumps and len(self._places) <= _FEW_PLACES


def _jumps(frame: FrameType) -> bool:
    """Whether it jumps back, or begins: there CPython lets other threads look at it."""
    name = dis.opname[frame.f_code.co_code[frame.f_lasti]] if frame.f_lasti >= 0 else ""
    return "BACKWARD" in name or name == "RESUME"


def _debugged(holder: Agent) -> bool:
    frame: FrameType | None = sys._current_frames().get(holder.ident)
    while frame is not None:
        if any(name in frame.f_code.co_filename for name in _DEBUGGERS):
            return True
        frame = frame.f_back
    return False
