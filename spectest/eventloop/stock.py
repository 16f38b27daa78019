"""`StockLoop`: asyncio's own selector loop, made to keep a timetable in real time.

Everything that runs the program is CPython's: `SelectorEventLoop`, its `_run_once`, its timer heap
and ready queue, the C tasks and futures, the thread pool, a real selector that really waits. The
differences to production, all of them:

* the loop's clock is a fixed function of the real monotonic clock (see `timetable`), so fine that
  the loop adds no resolution to it;
* `asyncio.sleep` takes the duration of the plan; the program's own deadlines are left alone;
* a poll may return a moment late, as it does whenever a callback was slow or the machine busy
  ("stall"), so that what the plan brings into one poll is due in it;
* what an executor job does and returns is held back until its instant;
* tasks and futures hash by creation and by the plan's picks, where production has memory addresses;
  both are arbitrary, and they decide nothing but the order of sets;
* what the plan cancels is cancelled between two callbacks (see `cancelling`), where production has
  the callback of another task;
* `random` is seeded by the plan and the garbage collector rests, as in every world.

None of them touches the ready queue or orders two callbacks, and but for a cancellation none wakes
a task. If the program fails here, then asyncio itself ran it into the failure, at latencies that
only had to be so.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from spectest.errors import Deadlock, Livelock
from spectest.eventloop import waiting
from spectest.eventloop.foreign import ForeignThreads
from spectest.eventloop.handles import name_of_wait
from spectest.eventloop.internals import LoopInternals
from spectest.eventloop.performance import Performance
from spectest.eventloop.tasks import VirtualFuture, VirtualTask, eager_task_factory
from spectest.kernel.clock import NANOSECONDS
from spectest.kernel.identity import Identities
from spectest.kernel.scheduler import Scheduler
from spectest.source.lines import calling_frame, made_by_library

__all__ = ["StockLoop"]

_SURELY_IDLE_S = 0.25
_JOIN_S = 1.0
_MOMENT_S = 0.0002


class _StallingSelector(selectors.DefaultSelector):
    """The platform's selector; it waits by the timetable's clock."""

    loop: StockLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        loop.polls()
        performance = loop.performance
        idle = not loop._ready and not loop._stopping
        if performance.now() > performance.limit_s:
            loop.out_of_time(idle)
        events = self._wait(timeout) if idle else super().select(0)
        performance.stall(loop._scheduled, idle)
        return events

    def _wait(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        performance = self.loop.performance
        moments = [performance.limit_s + _MOMENT_S]
        if timeout is not None:
            moments.append(performance.timetable.real(performance.clock() + timeout))
        elif not self.loop._foreign.busy():
            if self.loop.draining_until_ns is not None:
                self.loop.stop()
                return super().select(0)
            events = super().select(_SURELY_IDLE_S)
            if not events and not self.loop._ready:
                self.loop.hangs()
            return events
        return super().select(max(min(moments) - performance.now(), 0.0))


class _StockTask(VirtualTask):
    """Tells its loop when somebody cancels it."""

    def cancel(self, msg: Any | None = None) -> bool:
        accepted = super().cancel(msg)
        loop: StockLoop = self.get_loop()  # type: ignore[assignment]
        if accepted and loop.on_cancel is not None:
            loop.on_cancel(self)
        return accepted


class StockLoop(asyncio.SelectorEventLoop, LoopInternals):
    """A stock event loop that keeps the timetable of `performance`.

    `scheduler` gives names and nothing else. The other public attributes are those by which a
    `World` judges and ends a run, as for its own loops.
    """

    task_class = _StockTask
    _default_executor: ThreadPoolExecutor | None
    _scheduled: list[asyncio.TimerHandle]

    def __init__(
        self,
        performance: Performance | None,
        scheduler: Scheduler,
        selector: selectors.BaseSelector | None = None,
    ) -> None:
        if selector is None:
            selector = stalling = _StallingSelector()
            stalling.loop = self
        if performance is not None:
            self.performance = performance
        self.scheduler = scheduler
        self.identities = Identities(scheduler.door)
        self.tasks: list[asyncio.Task[Any]] = []
        self.background: set[int] = set()
        self.failed_futures: list[asyncio.Future[Any]] = []
        self.callback_failures: list[dict[str, Any]] = []
        self.draining_until_ns: int | None = None
        self.eager = False
        self.escape = None
        self.quiet = True
        self.steps = 0
        self._foreign = ForeignThreads()
        self.task_count = 0
        self.on_task: Callable[[asyncio.Task[Any]], object] | None = None
        self.on_poll: Callable[[], object] | None = None
        self.around_callback: Callable[[Callable[..., object]], Callable[..., object]] | None = None
        self.on_cancel: Callable[[asyncio.Task[Any]], object] | None = None
        super().__init__(selector)
        self._clock_resolution = 0.0
        super().set_task_factory(self._new_task)

    def time(self) -> float:
        return self.performance.clock()

    def polls(self) -> None:
        """Tell whoever wants to know that the selector is about to be asked."""
        if self.on_poll is not None:
            self.on_poll()

    # Sleeps and timers.

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        if delay is None:
            raise TypeError("delay must not be None")
        return self._schedule(self.time() + delay, callback, args, context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        if when is None:
            raise TypeError("when cannot be None")
        return self._schedule(when, callback, args, context)

    def _schedule(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Any
    ) -> asyncio.TimerHandle:
        name, sleeping = name_of_wait(callback, calling_frame(sys._getframe(2)))
        label = self.scheduler.name(name)
        if sleeping:
            when = self._planned(label, when)
        elif self.around_callback is not None:
            callback = self.around_callback(callback)
        handle = self.schedule_stock(when, callback, args, context)
        self._noted(label, handle)
        return handle

    def call_remote(
        self, label: str, interval_ns: tuple[int, int, int], callback: Callable[[], object]
    ) -> asyncio.TimerHandle:
        """Call `callback` when the plan has this operation done; see `VirtualEventLoop`."""
        when = self._planned(label, self.time() + interval_ns[1] / NANOSECONDS)
        handle = self.schedule_stock(when, callback, (), None)
        self._noted(label, handle)
        return handle

    def _planned(self, label: str, when: float) -> float:
        """When the operation `label` is due, which would be `when` if nothing deviated."""
        return self.performance.deadline(label, when)

    def _noted(self, label: str, handle: asyncio.TimerHandle) -> None:
        self.performance.waits(label, handle)

    def schedule_stock(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Any
    ) -> asyncio.TimerHandle:
        """CPython's own `call_at`."""
        return super().call_at(when, callback, *args, context=context)

    # Tasks and futures.

    def create_future(self) -> asyncio.Future[Any]:
        return VirtualFuture(loop=self)

    def create_task(self, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = super().create_task(coro, **kwargs)
        if kwargs.get("name") is None and isinstance(task, VirtualTask):
            task.set_name(f"Task-{task.number}")  # CPython 3.13.0 has called it "None".
        self.tasks.append(task)
        if made_by_library(sys._getframe(1)):
            self.background.add(id(task))
        if self.on_task is not None:
            self.on_task(task)
        return task

    def set_task_factory(self, factory: Any) -> None:
        """Like stock; `asyncio.eager_task_factory` makes tasks that hash by creation, too."""
        if factory is None:
            factory = self._new_task
        elif factory is getattr(asyncio, "eager_task_factory", None):
            self.eager, factory = True, eager_task_factory
        super().set_task_factory(factory)

    def _new_task(self, loop: Any, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        if kwargs.get("name") is None:
            kwargs["name"] = f"Task-{self.task_count + 1}"
        return self.task_class(coro, loop=loop, **kwargs)

    def next_task_number(self) -> int:
        """Tasks count from 1, in order of creation."""
        self.task_count += 1
        return self.task_count

    # The end.

    def run_what_is_ready(self) -> None:
        """Run callbacks until none is ready; no time passes for those that wait."""
        while self._ready:
            self.call_soon(self.stop)
            self.run_forever()

    def hangs(self) -> None:
        """Nothing is ready, scheduled or running elsewhere, and the loop waits for ever."""
        raise Deadlock("stock asyncio waits for ever", blocked=tuple(self.waits()))

    def waits(self) -> list[str]:
        """One line for each task that waits."""
        return waiting.describe(self.tasks)

    def out_of_time(self, idle: bool) -> None:
        """The program goes on long after the last instant of the score."""
        if self.draining_until_ns is None:
            raise Livelock("the program did not end in time", spinner=None)
        if idle:
            self.stop()

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep it for the judgement at the end."""
        self.callback_failures.append(context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Like stock; what an abandoned task says after the end is not heard."""
        if not self._closed:
            super().call_exception_handler(context)

    def close(self) -> None:
        """Like stock, and wait for the threads of the default executor."""
        self.performance.release()
        executor = self._default_executor
        super().close()
        for thread in executor._threads if executor is not None else ():
            thread.join(_JOIN_S)
