"""Runs jobs in the thread of whoever waits for them, until what is waited for has come.

Nothing here waits in real time, except for another thread that is running a job of the same
executor. When nothing can finish any more the fake clock goes to the end of the wait; a wait
without an end is told so by its caller.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from concurrent.futures.thread import BrokenThreadPool
from typing import TYPE_CHECKING, Any

from spectest.executors.agenda import Agenda, Entry
from spectest.executors.loop_timers import LoopTimers
from spectest.executors.script import Call
from spectest.executors.turn import Turn
from spectest.kernel.clock import seconds_to_ns

if TYPE_CHECKING:
    import asyncio

__all__ = ["Runner"]

_LOGGER = logging.getLogger("concurrent.futures")
_BROKEN = "A thread initializer failed, the thread pool is not usable anymore"


class Runner:
    """The one worker of a scripted executor, whichever thread lends itself.

    `broken`: the stock text of `BrokenThreadPool` once the initializer has failed, else None.
    """

    def __init__(self, agenda: Agenda, initializer: Callable[[], object] | None) -> None:
        self.agenda = agenda
        self.broken: str | None = None
        self._initializer = initializer
        self._turn = Turn()
        self._timers: LoopTimers | None = None
        self._called: list[Entry] = []

    def calls(self) -> list[Call]:
        """The jobs that were run, in the order in which they were called."""
        return [entry.record() for entry in tuple(self._called)]

    def deadline_ns(self, timeout: float | None) -> int | None:
        """The instant so many seconds from now."""
        return None if timeout is None else self.agenda.now_ns + seconds_to_ns(timeout)

    def drive(
        self,
        done: Callable[[], bool],
        deadline_ns: int | None,
        among: Collection[Future[Any]] = (),
    ) -> bool:
        """Run jobs until `done()`; False if it does not come true by then, or without a deadline,
        ever.

        `among`: what is waited for.
        """
        while True:
            with self._turn.unless(done) as taken:
                if not taken or not self._step(deadline_ns, among):
                    return done()

    def blocked(self, futures: Collection[Future[Any]] | None = None) -> list[str]:
        """Why those of `futures` that belong here, or all jobs, have not ended, a line for each."""
        return [
            self.agenda.why_blocked(entry)
            for entry in self.agenda.open()
            if futures is None or entry.future in futures
        ]

    def look_again(self) -> None:
        """A job was submitted or cancelled."""
        self._turn.look_again()
        self._wake_loop()

    # On an event loop.

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let `loop` run the jobs, each after its delay by the clock of the loop."""
        if self._timers is None or self._timers.loop is not loop:
            self._timers = LoopTimers(loop, self)
        self._timers.wake()

    def taken_up(self) -> list[tuple[Entry, int]]:
        """The jobs that can finish, and in how many nanoseconds, after free workers took some."""
        with self._turn.unless(lambda: False):
            self._begin()
            now_ns = self.agenda.now_ns
            return [(entry, max(0, entry.due_ns - now_ns)) for entry in self.agenda.ready()]

    def finish(self, entry: Entry) -> None:
        """Run this job, if nobody has done so."""
        with self._turn.unless(lambda: False):
            if entry in self.agenda.open() and not entry.called:
                self._run(entry)

    # One job.

    def _step(self, deadline_ns: int | None, among: Collection[Future[Any]]) -> bool:
        """Do one thing; False, with the clock at the deadline, if there is none to do by then."""
        if self._begin():
            return True
        entry = self.agenda.next(among)
        if entry is not None and not self._is_after(deadline_ns, entry):
            self._run(entry)
            return True
        if deadline_ns is not None:
            self.agenda.move_to(deadline_ns)
        return False

    def _is_after(self, deadline_ns: int | None, entry: Entry) -> bool:
        return deadline_ns is not None and max(entry.due_ns, self.agenda.now_ns) > deadline_ns

    def _begin(self) -> bool:
        """Initialize before the first job, let workers take jobs; whether a future ended by it."""
        if self._initializer is not None and self.agenda.open():
            initializer, self._initializer = self._initializer, None
            try:
                initializer()
            except BaseException:  # stock executors break whatever it raises
                _LOGGER.critical("Exception in initializer:", exc_info=True)
                self._break()
                return True
        return self.agenda.take_up()

    def _break(self) -> None:
        self.broken = _BROKEN
        for entry in self.agenda.open():
            self.agenda.close(entry)
            if entry.future.set_running_or_notify_cancel():
                entry.future.set_exception(BrokenThreadPool(_BROKEN))

    def _run(self, entry: Entry) -> None:
        self.agenda.move_to(entry.due_ns)
        if not entry.running and not entry.future.set_running_or_notify_cancel():
            self._close(entry)
            return
        entry.running = entry.called = True
        self._called.append(entry)
        try:
            result = entry.perform()
        except BaseException as error:  # noqa: BLE001  # whatever a job raises is its future's
            entry.end("raised", error, self.agenda.now_ns)
            self._close(entry)
            entry.future.set_exception(error)
        else:
            entry.end("returned", result, self.agenda.now_ns)
            self._close(entry)
            entry.future.set_result(result)

    def _close(self, entry: Entry) -> None:
        self.agenda.close(entry)
        self._wake_loop()

    def _wake_loop(self) -> None:
        if self._timers is not None:
            self._timers.wake()
