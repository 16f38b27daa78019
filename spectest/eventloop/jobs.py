"""Executor jobs on virtual time: real threads, one running at a time, and sleeps that cost none.

A job of `run_in_executor` or `to_thread` runs in a thread of its own, as on stock asyncio, but it
runs alone: the loop waits while a job works, and the job waits while the loop does. A job gives way
when it calls `time.sleep`, which is an operation of the world, and when it ends, which is delivered
to the loop as the completion of an operation. What a job does between two sleeps is one step.

A job that blocks for real, on a result that only the loop can bring, is left alone until it comes
back: the loop serves it, and the clock stands still meanwhile.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import time
from asyncio import futures
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from spectest.errors import RealWorldError
from spectest.eventloop.foreign import stands_in_a_wait
from spectest.eventloop.source import calling_frame
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns
from spectest.kernel.operations import Operation
from spectest.kernel.scheduler import Scheduler

__all__ = ["Jobs", "virtual_sleep"]

_real_sleep = time.sleep
_mine = threading.local()
_LOOK_EVERY_S = 0.02
_PATIENCE_S = 60.0


class _WorldEnded(BaseException):
    """Unwinds a job that is still asleep when its world ends."""


class _Job:
    """One call in one thread. It runs between `resume` and the next `stopped`."""

    def __init__(self, name: str, call: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        self.name = name
        self.call = call
        self.future = future
        self.executor: Any = None
        self.thread: threading.Thread | None = None
        self.ident = 0
        self.ended = False
        self.abandoned = False
        self.sleeping: tuple[str, float] | None = None
        self.alarm: Any = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.resume = threading.Semaphore(0)
        self.stopped = threading.Semaphore(0)

    def run(self) -> None:
        """The body of the thread."""
        self.resume.acquire()
        _mine.job = self
        self.ident = threading.get_ident()
        try:
            if not self.abandoned:
                self.result = self.call()
        except BaseException as error:
            self.error = error
        finally:
            _mine.job = None
            self.ended = True
            self.stopped.release()

    def sleep(self, name: str, seconds: float) -> None:
        """`time.sleep` in this thread: stop until the loop says that the time has passed."""
        self.sleeping = (name, seconds)
        self.stopped.release()
        self.resume.acquire()
        if self.abandoned:
            raise _WorldEnded

    def deliver(self) -> None:
        """Give the result to whoever awaits it."""
        if self.future.done():
            return
        if self.error is not None:
            # As between a real executor and its loop: concurrent.futures' errors become asyncio's.
            self.future.set_exception(futures._convert_future_exc(self.error))  # type: ignore[attr-defined]
        else:
            self.future.set_result(self.result)


def _sleep(seconds: float) -> None:
    job: _Job | None = getattr(_mine, "job", None)
    if job is None:
        _real_sleep(seconds)
        return
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    frame = calling_frame(sys._getframe(1))
    job.sleep(job.name if frame is None else frame.f_code.co_name, seconds)


@contextmanager
def virtual_sleep() -> Iterator[None]:
    """While the block lasts, `time.sleep` in an executor job takes virtual time."""
    before = time.sleep
    time.sleep = _sleep  # type: ignore[assignment]
    try:
        yield
    finally:
        time.sleep = before


class _Host(Protocol):
    """What the jobs need of their loop."""

    scheduler: Scheduler

    def create_future(self) -> asyncio.Future[Any]: ...

    def schedule_operation(
        self,
        when: float,
        start: Callable[[asyncio.TimerHandle], Operation],
        callback: Callable[[], object],
    ) -> asyncio.TimerHandle: ...

    def woken_from_outside(self) -> bool: ...


class Jobs:
    """The executor jobs of one loop. `in_flight`: how many are blocked in the real world."""

    def __init__(self, loop: _Host) -> None:
        self._loop = loop
        self._alive: list[_Job] = []
        self._blocked: list[_Job] = []
        self._queues: dict[Any, deque[_Job]] = {}
        self._patched: Any = None

    @property
    def in_flight(self) -> int:
        return len(self._blocked)

    def submit(
        self, executor: Any, func: Callable[..., Any], args: tuple[Any, ...]
    ) -> asyncio.Future[Any]:
        """`run_in_executor`; the default executor has a thread for every job."""
        future = self._loop.create_future()
        if executor is not None and not isinstance(executor, ThreadPoolExecutor):
            return self._elsewhere(executor, func, args, future)
        self._lend_sleep()
        job = _Job(_name(func), functools.partial(func, *args), future)
        job.executor = executor
        self._alive.append(job)
        if executor is None:
            self._start(job)
        else:
            waiting = self._queues.get(executor)
            if waiting is None:
                waiting = self._queues[executor] = deque()
                executor.shutdown = functools.partial(  # type: ignore[method-assign]
                    self._shutdown, executor
                )
            waiting.append(job)
            if len(waiting) <= executor._max_workers:
                self._start(job)
        return future

    def _lend_sleep(self) -> None:
        if self._patched is None and time.sleep is not _sleep:
            self._patched = time.sleep
            time.sleep = _sleep  # type: ignore[assignment]

    def _shutdown(self, executor: Any, wait: bool = True, **options: Any) -> None:
        """`shutdown(wait=True)` blocks the loop: time passes, and nothing but the jobs goes on."""
        unfinished = self._queues[executor]
        while wait and unfinished:
            job = min(
                (job for job in unfinished if job.alarm is not None),
                key=lambda job: job.alarm.operation.due_ns,
                default=None,
            )
            if job is None:
                break
            clock = self._loop.scheduler.clock
            clock.advance_to(max(clock.now_ns, job.alarm.operation.due_ns))
            job.alarm.cancel()
            self._resume(job)
        type(executor).shutdown(executor, wait=wait and not unfinished, **options)

    def wait(self) -> bool:
        """Nothing is ready while jobs are blocked: whether one came back, or woke the loop.

        False: all of them wait for the loop, so that the clock may go on.
        """
        while True:
            for job in list(self._blocked):
                if job.stopped.acquire(timeout=_LOOK_EVERY_S):
                    self._blocked.remove(job)
                    self._stopped(job)
                    return True
            if self._loop.woken_from_outside():
                return True
            if all(stands_in_a_wait(job.ident) for job in self._blocked):
                return False

    def close(self) -> None:
        """End the threads of jobs that are still asleep, and give `time.sleep` back."""
        for job in self._alive:
            job.abandoned = True
            job.resume.release()
            if job.thread is not None:
                job.thread.join(_PATIENCE_S)
        self._alive.clear()
        for executor in self._queues:
            vars(executor).pop("shutdown", None)
        self._queues.clear()
        if self._patched is not None:
            time.sleep = self._patched
            self._patched = None

    def _elsewhere(
        self, executor: Any, func: Callable[..., Any], args: tuple[Any, ...], future: Any
    ) -> asyncio.Future[Any]:
        """An executor that is not made of threads does its work at once, in real time."""
        job = _Job(_name(func), func, future)
        try:
            job.result = executor.submit(func, *args).result()
        except Exception as error:
            job.error = error
        self._completes(job)
        return job.future

    def _start(self, job: _Job) -> None:
        if job.executor is None:
            job.thread = threading.Thread(target=job.run, name=f"job {job.name}", daemon=True)
            job.thread.start()
        else:
            job.executor.submit(job.run)
        self._resume(job)

    def _resume(self, job: _Job) -> None:
        """Let `job` run until it sleeps or ends, or turns out to wait for the loop."""
        job.sleeping = job.alarm = None
        job.resume.release()
        waited = 0.0
        while not job.stopped.acquire(timeout=_LOOK_EVERY_S):
            waited += _LOOK_EVERY_S
            if self._loop.woken_from_outside():
                self._blocked.append(job)
                return
            if waited > _PATIENCE_S:
                raise RealWorldError(
                    f"the executor job {job.name} has been working for {waited:.0f} real seconds.\n"
                    "While it works, the virtual clock must stand still.\n"
                    "If it waits for the real world (a socket, a subprocess), pass a fake; if it "
                    "waits for the loop, let it use asyncio.run_coroutine_threadsafe.",
                    call=job.name,
                    where=None,
                )
        self._stopped(job)

    def _stopped(self, job: _Job) -> None:
        if job.sleeping is None:
            self._completes(job)
            return
        name, seconds = job.sleeping
        scheduler = self._loop.scheduler
        when = scheduler.clock.now_ns + seconds_to_ns(seconds)
        reading = scheduler.clock.next_reading()
        job.alarm = self._loop.schedule_operation(
            when / NANOSECONDS,
            lambda handle: scheduler.sleep(name, when, reading, -1, handle),
            functools.partial(self._resume, job),
        )

    def _completes(self, job: _Job) -> None:
        scheduler = self._loop.scheduler
        self._loop.schedule_operation(
            scheduler.clock.now_ns / NANOSECONDS,
            lambda handle: scheduler.operation("job", job.name, (0, 0, 0), -1, handle),
            job.deliver,
        )
        if job in self._alive:
            self._alive.remove(job)
        waiting = self._queues.get(job.executor) if job.executor is not None else None
        if waiting:
            waiting.remove(job)
            workers = job.executor._max_workers
            if len(waiting) >= workers:
                self._start(waiting[workers - 1])


def _name(func: Callable[..., Any]) -> str:
    """The name of the user's function, through `partial` and `to_thread`'s `Context.run`."""
    while isinstance(func, functools.partial):
        func = func.args[0] if getattr(func.func, "__name__", "") == "run" else func.func
    return str(getattr(func, "__name__", type(func).__name__))
