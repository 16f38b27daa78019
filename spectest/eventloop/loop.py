"""`VirtualEventLoop`: stock asyncio whose clock and whose outside belong to a scheduler.

Everything that decides the order of callbacks is stock: the FIFO ready queue, one poll for each
round of it, the timer heap. What differs is where a poll gets its completions from. Used bare, it
is a loop factory like any other and keeps the order of stock asyncio, on virtual time.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVarTuple, Unpack

from spectest.errors import Deadlock, Livelock
from spectest.eventloop import waiting
from spectest.eventloop.closed_world import ClosedWorld
from spectest.eventloop.foreign import ForeignThreads
from spectest.eventloop.handles import RemoteHandle, VirtualHandle, VirtualTimerHandle, name_of_wait
from spectest.eventloop.registry import TaskRegistry
from spectest.eventloop.stepping import bring_to_front
from spectest.eventloop.tasks import (
    number_of,
)
from spectest.kernel.choices import Door
from spectest.kernel.clock import NANOSECONDS, Instant, VirtualClock, seconds_to_ns
from spectest.kernel.identity import Identities
from spectest.kernel.operations import Operation
from spectest.kernel.plan import Plan
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.steps import Steps
from spectest.source.lines import calling_frame, in_modules
from spectest.threads.agents import Agent, Stage, current
from spectest.threads.alone import OwnThreads

__all__ = ["VirtualEventLoop"]

_current_task = asyncio.current_task
_Ts = TypeVarTuple("_Ts")

DEFAULT_MAX_STEPS = 200_000
DEFAULT_MAX_STEPS_AT_ONCE = 100_000
DEFAULT_MAX_VIRTUAL_S = 366 * 86_400.0


class VirtualEventLoop(ClosedWorld, TaskRegistry):
    """An asyncio event loop on virtual time.

    `scheduler`: decides what completes when; by default one that keeps stock order.
    `exact`: sleeps called from these modules (by prefix of their dotted names) are the program's
    own timers and never stretch.
    `max_steps`, `max_steps_at_once`, `max_virtual_s`: budgets of callbacks in all, of callbacks
    within one virtual instant, and of virtual seconds; beyond them a `Livelock` is raised.
    `quiet`: a world judges what goes wrong here; the loop keeps it and logs nothing.
    """

    def __init__(
        self,
        scheduler: Scheduler | None = None,
        *,
        exact: Sequence[str] = (),
        max_steps: int = DEFAULT_MAX_STEPS,
        max_steps_at_once: int = DEFAULT_MAX_STEPS_AT_ONCE,
        max_virtual_s: float = DEFAULT_MAX_VIRTUAL_S,
        quiet: bool = False,
    ) -> None:
        super().__init__()
        self.quiet = quiet
        if scheduler is None:
            scheduler = Scheduler(Door(Plan()), VirtualClock())
        self.scheduler = scheduler
        self.identities = Identities(scheduler.door)
        self.draining_until_ns: int | None = None
        self.failed_futures: list[asyncio.Future[Any]] = []
        self.callback_failures: list[dict[str, Any]] = []
        self.steps = 0
        self._clock = scheduler.clock
        self._exact = tuple(exact)
        self._max_steps = max_steps
        self._max_steps_at_once = max_steps_at_once
        self._max_virtual_ns = seconds_to_ns(max_virtual_s)
        self._arrived: list[asyncio.Handle] = []
        self._agent: Agent | None = None
        self._own_threads: OwnThreads | None = None
        self._foreign = ForeignThreads()
        self._steps = Steps(scheduler) if scheduler.order == "any" else None

    # Time.

    def time(self) -> float:
        """Virtual seconds since the beginning of the world."""
        return self._clock.read()

    def call_soon(
        self,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)
        handle = VirtualHandle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _call_soon(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context | None,
    ) -> asyncio.Handle:
        """What stock makes of `call_soon` in debug mode, and of `call_soon_threadsafe`."""
        handle = VirtualHandle(callback, args, self, context)
        if self._debug:
            handle.note_caller(sys._getframe(1))
        self._ready.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        if delay is None:
            raise TypeError("delay must not be None")
        when = self._clock.now_ns / NANOSECONDS + delay
        reading = self._clock.next_reading()
        return self._schedule(when, reading, callback, args, context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        if when is None:
            raise TypeError("when cannot be None")
        reading = when.reading if isinstance(when, Instant) else 0
        return self._schedule(when, reading, callback, args, context)

    def _schedule(
        self,
        when: float,
        reading: int,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context | None,
    ) -> asyncio.TimerHandle:
        self._check_closed()
        if self._debug:
            self._check_thread()
            self._check_callback(callback, "call_at")
        if math.isnan(when):
            raise ValueError("a deadline must not be NaN")
        handle = VirtualTimerHandle(when, callback, args, self, context)
        due_ns = seconds_to_ns(when)
        chain = number_of(_current_task(self))
        frame = calling_frame(sys._getframe(2))
        name, sleeping = name_of_wait(callback, frame)
        start = self.scheduler.timer
        if sleeping and not in_modules(frame, self._exact):
            start = self.scheduler.sleep
        handle.operation = start(name, due_ns, reading, chain, handle)
        handle._scheduled = True
        return handle

    def schedule_operation(
        self,
        when: float,
        start: Callable[[asyncio.TimerHandle], Operation],
        callback: Callable[[], object],
    ) -> asyncio.TimerHandle:
        """Call `callback` when the operation that `start` starts is delivered.

        `when`: its nominal moment, in seconds of this loop.
        """
        handle = RemoteHandle(when, callback, (), self)
        handle.operation = start(handle)
        handle._scheduled = True
        return handle

    def call_remote(
        self, label: str, interval_ns: tuple[int, int, int], callback: Callable[[], object]
    ) -> asyncio.TimerHandle:
        """Call `callback` when something outside the program is done.

        It takes (shortest, usual, longest) nanoseconds, and has got its `label` from the scheduler.
        """
        chain = number_of(_current_task(self))

        def start(handle: asyncio.TimerHandle) -> Operation:
            return self.scheduler.begin("call", label, interval_ns, chain, handle)

        when = (self._clock.now_ns + interval_ns[1]) / NANOSECONDS
        return self.schedule_operation(when, start, callback)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        if handle._scheduled:  # type: ignore[attr-defined]
            operation: Operation = handle.operation  # type: ignore[attr-defined]
            self.scheduler.cancel(operation)
            operation.payload = None

    # The loop.

    def run_forever(self) -> None:
        """Like stock, as the agent that the calling thread is; a bare loop makes it one."""
        agent = current()
        if agent is not None and agent.baton.scheduler is self.scheduler:
            self._run_as(agent)
            return
        if self._own_threads is None:
            self._own_threads = OwnThreads(self.scheduler)
        with self._own_threads.running() as agent:
            self._run_as(agent)

    def _run_as(self, agent: Agent) -> None:
        before, self._agent = self._agent, agent
        agent.loops += 1
        try:
            super().run_forever()
        finally:
            agent.loops -= 1
            self._agent = before

    def _run_once(self) -> None:
        """Poll and run the ready queue, again and again until somebody stops the loop."""
        ready, arrived, clock, run_ready = (
            self._ready,
            self._arrived,
            self._clock,
            self._run_ready,
        )
        instant = left = -1
        while True:
            if not self._poll():
                continue
            if arrived:
                ready.extend(arrived)
                arrived.clear()
            todo = len(ready)
            if self._steps is not None and todo:
                bring_to_front(ready, self._steps)
                todo = 1
            if clock.now_ns != instant:
                instant = clock.now_ns
                left = self._steps_left(instant)
            left -= todo
            self.steps += todo
            if left < 0:
                self._spinning()
            run_ready(todo)
            if self._stopping:
                return

    def busy(self) -> bool:
        """Whether a poll must not wait."""
        return bool(self._ready or self._arrived) or self._stopping

    def arriving(self) -> Sequence[asyncio.Handle]:
        """What this poll has found due."""
        return self._arrived

    def _poll(self) -> bool:
        """What has completed arrives, and other threads may go on. Whether there is work now."""
        agent = self._agent
        assert agent is not None
        baton = agent.baton
        if len(baton.agents) > 1:
            baton.polls(agent, self)
            return self.busy()
        busy = self.busy()
        batch = self.scheduler.poll(busy)
        if not batch and not busy:
            self.nothing_happens(None)
            return False
        for operation in batch:
            payload, operation.payload = operation.payload, None
            payload.arrive(operation)
        if baton.watchful:
            baton.polled(agent, self._arrived)
        return True

    def arrive(self, handle: asyncio.TimerHandle, operation: Operation) -> None:
        """What `handle` waited for is over; the next poll of this loop will see it."""
        handle._scheduled = False  # type: ignore[attr-defined]
        self._arrived.append(handle)
        self._wake()

    def _wake(self) -> None:
        agent = self._agent
        if agent is not None and agent.looping is self:
            agent.baton.wake(agent)

    def _steps_left(self, instant: int) -> int:
        """How many callbacks may run at the instant that begins; below zero: time is over."""
        if self.draining_until_ns is not None and instant > self.draining_until_ns:
            self.stop()
        if instant > self._max_virtual_ns:
            return -1
        return min(self._max_steps_at_once, self._max_steps - self.steps)

    def _run_ready(self, todo: int) -> None:
        popleft = self._ready.popleft
        for _ in range(todo):
            handle = popleft()
            if not handle._cancelled:
                handle._run()
        # The traceback of a failed task keeps this frame, and must not keep the task through it.
        handle = None  # type: ignore[assignment]

    def nothing_happens(self, stage: Stage | None) -> None:
        """Nothing can happen any more: wait for threads outside, or it is a deadlock."""
        if self._foreign.wait_for(self._ready):
            return
        if self.draining_until_ns is not None:
            self.stop()
            return
        if stage is not None:
            raise stage.deadlock()
        blocked = self.describe_blocked()
        raise Deadlock(
            "nothing can run any more and the program has not finished.\n"
            + "\n".join(f"  {line}" for line in blocked),
            blocked=tuple(blocked),
        )

    def describe_blocked(self) -> list[str]:
        """One line for each task that waits."""
        alive = self.tasks if self.quiet else sorted(asyncio.all_tasks(self), key=number_of)
        return waiting.describe(alive)

    def _spinning(self) -> None:
        spinner = waiting.busiest(self._ready)
        where = f" in {spinner}" if spinner else ""
        raise Livelock(
            f"the program goes on for ever{where}: {self.steps} steps, and the clock is at "
            f"{self._clock.now_ns / NANOSECONDS:.3f} s.\n"
            "Wait for an event instead of polling for it; if the program is only long, raise "
            "max_steps, max_steps_at_once or max_virtual_s.",
            spinner=spinner,
        )

    def _write_to_self(self) -> None:
        caller = current()
        if caller is None:
            self._foreign.notify()
            return
        self._wake()
        if caller is not self._agent:
            caller.baton.point(caller)

    def __del__(self) -> None:
        if not self.quiet:
            super().__del__()

    def close(self) -> None:
        """Like stock; the threads of a bare loop end with it."""
        super().close()
        own, self._own_threads = self._own_threads, None
        if own is not None:
            own.close()

    # Exceptions.

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep it for the judgement at the end; a bare loop logs it as stock does."""
        if self.quiet:
            self.callback_failures.append(context)
        else:
            super().default_exception_handler(context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Like stock; what an abandoned task says after the end of the world is not heard."""
        if not (self.quiet and self._closed):
            super().call_exception_handler(context)
