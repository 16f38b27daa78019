"""A world is what one execution runs in: one door, one clock, one scheduler, and loops on them.

It is entered, runs one program to quiescence, judges what every program promises, and leaves
nothing behind: no patch, no running loop, no thread, no pending task.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from asyncio import events
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from spectest import ambient
from spectest.errors import (
    CallbackFailure,
    Livelock,
    TaskLeaked,
    UnretrievedException,
    UsageError,
    Violation,
)
from spectest.eventloop.jobs import virtual_sleep
from spectest.eventloop.loop import (
    DEFAULT_MAX_STEPS,
    DEFAULT_MAX_STEPS_AT_ONCE,
    DEFAULT_MAX_VIRTUAL_S,
    VirtualEventLoop,
)
from spectest.eventloop.recording import RecordingEventLoop
from spectest.eventloop.sets import ordered_sets
from spectest.eventloop.waiting import describe, label_of
from spectest.kernel.choices import Chooser, Door
from spectest.kernel.clock import VirtualClock, seconds_to_ns
from spectest.kernel.observers import Observer, TraceRecorder
from spectest.kernel.plan import OrderModel, Plan
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.trace import Trace

__all__ = ["Limits", "World"]

_TEARDOWN_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules of a world that do not depend on the plan.

    `elasticity`: by which part an undeclared sleep may stretch under `ties` and `any`.
    `exact`: modules whose sleeps never stretch.
    `leaks`: whether a task that outlives the program is an error.
    `drain_s`: virtual seconds after the program's return in which tasks may end by themselves.
    `max_steps`, `max_steps_at_once`, `max_virtual_s`: budgets beyond which a `Livelock` is raised.
    """

    elasticity: float = 0.1
    exact: tuple[str, ...] = ()
    leaks: Literal["error", "ignore"] = "error"
    drain_s: float = 60.0
    max_steps: int = DEFAULT_MAX_STEPS
    max_steps_at_once: int = DEFAULT_MAX_STEPS_AT_ONCE
    max_virtual_s: float = DEFAULT_MAX_VIRTUAL_S


class World:
    """One execution of one program under one plan, or under a chooser that makes its plan."""

    def __init__(
        self,
        plan: Plan | None = None,
        chooser: Chooser | None = None,
        *,
        limits: Limits | None = None,
        record: bool = False,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.limits = limits or Limits()
        self.clock = VirtualClock()
        self.door = Door(Plan() if plan is None else plan, chooser)
        self.scheduler = Scheduler(self.door, self.clock, elasticity=self.limits.elasticity)
        self.recorder = TraceRecorder(self.clock, observers) if record or observers else None
        self.loops: list[VirtualEventLoop] = []

    # What the run was, afterwards.

    @property
    def trace(self) -> Trace | None:
        """The trace, if the world was told to record."""
        return self.recorder.trace() if self.recorder else None

    @property
    def order_model(self) -> OrderModel:
        """The weakest order model that allows what happened."""
        if self.scheduler.needs == "strict" and self.door.picks:
            return "ties"
        return self.scheduler.needs

    @property
    def steps(self) -> int:
        """Callbacks run."""
        return sum(loop.steps for loop in self.loops)

    # Running.

    def run(self, program: Callable[[], Any]) -> Any:
        """Run `program` to quiescence; its result, or the first promise it broke."""
        outer = asyncio._get_running_loop()
        new_event_loop = events.new_event_loop
        collecting = gc.isenabled()
        gc.disable()
        asyncio._set_running_loop(None)
        events.new_event_loop = self.new_loop
        ambient.seed(self.door.plan.seed)
        try:
            with ordered_sets(), virtual_sleep():
                return self._run(program)
        finally:
            events.new_event_loop = new_event_loop
            asyncio._set_running_loop(outer)
            if collecting:
                gc.enable()

    def new_loop(self) -> VirtualEventLoop:
        """A loop of this world."""
        limits = self.limits
        options: dict[str, Any] = {
            "exact": limits.exact,
            "max_steps": limits.max_steps,
            "max_steps_at_once": limits.max_steps_at_once,
            "max_virtual_s": limits.max_virtual_s,
        }
        if self.recorder:
            loop: VirtualEventLoop = RecordingEventLoop(self.recorder, self.scheduler, **options)
        else:
            loop = VirtualEventLoop(self.scheduler, **options)
        loop.quiet = True
        self.loops.append(loop)
        return loop

    def _run(self, program: Callable[[], Any]) -> Any:
        result = program()
        if not inspect.isawaitable(result):
            for loop in self.loops:
                self._judge(loop)
            return result
        if not inspect.iscoroutine(result):
            raise UsageError(
                f"the program returned {result!r}; it must be a coroutine function or a function "
                "that does its own waiting"
            )
        loop = self.new_loop()
        try:
            main = loop.create_task(result)
            answer = loop.run_until_complete(main)
            if self.recorder:
                self.recorder.emit("return", label_of(main))
            self._drain(loop)
            self._judge(loop)
            return answer
        finally:
            self._tear_down(loop)

    def _drain(self, loop: VirtualEventLoop) -> None:
        """Let whatever still runs go on until nothing happens any more."""
        if not loop._ready and not self.scheduler.pending:
            return
        loop.draining_until_ns = self.clock.now_ns + seconds_to_ns(self.limits.drain_s)
        loop.run_forever()
        loop.draining_until_ns = None

    def _judge(self, loop: VirtualEventLoop) -> None:
        for context in loop.callback_failures:
            raise _failure_of(context)
        alive = [task for task in loop.tasks if not task.done()]
        if alive and self.limits.leaks == "error" and not loop.is_closed():
            lines = describe(alive)
            raise TaskLeaked(
                "the program returned and left behind:\n"
                + "\n".join(f"  {line}" for line in lines)
                + "\nCancel and await it before returning, or say leaks='ignore'.",
                tasks=tuple(lines),
            )
        for future in [*loop.tasks, *loop.failed_futures]:
            if future.done() and not future.cancelled() and future._log_traceback:
                raise _unretrieved(future)

    def _tear_down(self, loop: VirtualEventLoop) -> None:
        """Cancel what is left, as asyncio.run does, and close; nothing here is judged."""
        if loop.is_closed():
            return
        try:
            for _ in range(_TEARDOWN_ROUNDS):
                alive = [task for task in loop.tasks if not task.done()]
                if not alive and not loop._asyncgens:
                    break
                for task in alive:
                    # A task that waits for itself through gather cancels itself for ever.
                    with suppress(RecursionError):
                        task.cancel()
                loop.draining_until_ns = self.clock.now_ns
                try:
                    loop.run_forever()
                    loop.run_until_complete(loop.shutdown_asyncgens())
                except (Livelock, Violation):
                    break
        finally:
            for task in loop.tasks:
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                if task.done() and not task.cancelled():
                    task.exception()
            loop.close()


def _failure_of(context: dict[str, Any]) -> Violation:
    error = context.get("exception")
    future = context.get("future") or context.get("task")
    if "never retrieved" in context["message"] and future is not None:
        return _unretrieved(future)
    handle = context.get("handle")
    callback = getattr(getattr(handle, "_callback", None), "__qualname__", "a callback")
    failure = CallbackFailure(f"{context['message']}: {error!r}", callback=callback)
    failure.__cause__ = error
    return failure


def _unretrieved(future: asyncio.Future[Any]) -> UnretrievedException:
    error = future.exception()
    label = label_of(future) if isinstance(future, asyncio.Task) else "a future"
    violation = UnretrievedException(
        f"{label} raised {type(error).__name__}: {error}\n"
        "and nobody ever asked for its result. Await it, or look at its exception().",
        task=label,
    )
    violation.__cause__ = error
    return violation
