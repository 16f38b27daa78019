"""A world is what one execution runs in: one door, one clock, one scheduler, and loops on them.

It is entered, runs one program to quiescence, judges what every program promises, and leaves
nothing behind: no patch, no running loop, no thread, no pending task.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from spectest import ambient
from spectest.errors import (
    Livelock,
    UsageError,
    Violation,
)
from spectest.eventloop.cancellations import Cancellations
from spectest.eventloop.cancelling import loop_of
from spectest.eventloop.lending import loops_lent
from spectest.eventloop.loop import (
    DEFAULT_MAX_STEPS,
    DEFAULT_MAX_STEPS_AT_ONCE,
    DEFAULT_MAX_VIRTUAL_S,
    VirtualEventLoop,
)
from spectest.eventloop.recording import RecordingEventLoop
from spectest.eventloop.sets import ordered_sets
from spectest.eventloop.waiting import label_of
from spectest.executors.lent_pools import process_pools_lent
from spectest.faults import NO_FAULTS, FaultPlan, Firing
from spectest.kernel.cancellation import cancellations_of
from spectest.kernel.choices import Chooser, Door, concerns_order
from spectest.kernel.clock import VirtualClock, seconds_to_ns
from spectest.kernel.observers import Observer, TraceRecorder
from spectest.kernel.plan import OrderModel, Plan
from spectest.kernel.sampling import Sampler
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.trace import Trace
from spectest.kernel.turns import Turns
from spectest.promises import judge_loop, judge_threads, parts_of
from spectest.threads.agents import WorldEnded
from spectest.threads.budget import Budget
from spectest.threads.carriers import Carriers
from spectest.threads.endings import DeadThread, dead_threads, tell
from spectest.threads.lines import line_points
from spectest.threads.lives import Threads
from spectest.threads.patching import Installation, installed
from spectest.threads.recording import RecordingThreads
from spectest.threads.surroundings import FREEZERS

__all__ = ["Limits", "World"]

_TEARDOWN_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules of a world that do not depend on the plan.

    `elasticity`: by which part an undeclared sleep may stretch under `ties` and `any`.
    `exact`: modules whose sleeps never stretch.
    `lines`: modules of which every line is a choice point of its thread; "*": all of the user's.
    `stall_s`: how much later than their sleep or timeout is over threads may get the processor, in
    virtual seconds, all stalls of an execution together; only if there is more than one thread.
    `faults`: what may go wrong with the calls of services.
    `leaks`: whether a task that outlives the program is an error. A library's background tasks,
    which `asyncio.run` would cancel, are not the program's.
    `drain_s`: virtual seconds after the program's return in which tasks may end by themselves.
    `wall_start`: where the wall clock begins, in ISO 8601 or as a `datetime`, with its time zone.
    `max_steps`, `max_steps_at_once`, `max_virtual_s`: budgets beyond which a `Livelock` is raised.
    """

    elasticity: float = 0.1
    exact: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    stall_s: float = 0.1
    faults: FaultPlan = NO_FAULTS
    leaks: Literal["error", "ignore"] = "error"
    drain_s: float = 60.0
    wall_start: str | dt.datetime = ambient.WALL_START
    max_steps: int = DEFAULT_MAX_STEPS
    max_steps_at_once: int = DEFAULT_MAX_STEPS_AT_ONCE
    max_virtual_s: float = DEFAULT_MAX_VIRTUAL_S


class World:
    """One execution of one program under one plan, or under a chooser that makes its plan.

    Afterwards `plan` holds the deviations that took effect, `order_model` the weakest model that
    allows them, `trace` what happened, if it was recorded; `returned_ns` and `ended_ns` say when
    the program returned and when nothing was left to happen, `steps` and `contested` how long it
    was in callbacks and in questions to the chooser. `dead_threads`: those that had ended with an
    exception when the program failed with another one. `survived`: the cancellations of the plan
    after which their task did not end as cancelled.

    `list_awaits`: `cancellations` has a list of where tasks wait.
    """

    def __init__(
        self,
        plan: Plan | None = None,
        chooser: Chooser | None = None,
        *,
        limits: Limits | None = None,
        record: bool = False,
        observers: Sequence[Observer] = (),
        sampler: Sampler | None = None,
        list_awaits: bool = False,
    ) -> None:
        self.limits = limits or Limits()
        self.clock = VirtualClock()
        self.door = Door(Plan() if plan is None else plan, chooser)
        self.scheduler = Scheduler(self.door, self.clock, elasticity=self.limits.elasticity)
        self.recorder = TraceRecorder(self.clock, observers) if record or observers else None
        self._sampler = sampler
        self.loops: list[VirtualEventLoop] = []
        wanted = list_awaits or cancellations_of(self.door.plan.picks)
        self.cancellations = Cancellations(self.door, listed=list_awaits) if wanted else None
        self.threads: Threads | None = None
        self.sealed = False
        self.sources = ambient.Sources(self.door.plan.seed)
        self.plan = self.door.plan
        self.order_model: OrderModel = "strict"
        self.returned_ns = self.ended_ns = self.steps = self.contested = 0
        self.strangers: tuple[str, ...] = ()
        self.dead_threads: tuple[DeadThread, ...] = ()
        self.survived: tuple[str, ...] = ()
        self._failed_threads = 0

    # What the run was, afterwards.

    @property
    def trace(self) -> Trace | None:
        """The trace, if the world was told to record."""
        return self.recorder.trace() if self.recorder else None

    def _seal(self) -> None:
        """Keep what the run was, before the world is torn down."""
        if self.sealed:
            return
        self.sealed = True
        self.scheduler.end()
        if self.cancellations is not None:
            self.cancellations.end()
            self.survived = self.cancellations.survived()
        self.plan = self.door.deviations()
        self.order_model = self.scheduler.needs
        if self.order_model == "strict" and any(map(concerns_order, self.plan.picks)):
            self.order_model = "ties"
        self.ended_ns = self.clock.now_ns
        self.steps = sum(loop.steps for loop in self.loops)
        if self.threads is not None:
            self.steps += self.threads.budget.spent
            self._failed_threads = len(self.threads.failures)
        self.contested = self.door.contested
        met, asked = self.door.met, self.door.plan
        if met.isdisjoint(asked.holds) and met.isdisjoint(asked.picks):
            self.strangers = (*asked.holds, *asked.picks)
        self.door.chooser = None
        if self.recorder:
            self.recorder.stop()

    # Running.

    def run(self, program: Callable[[], Any]) -> Any:
        """Run `program` to quiescence; its result, or the first promise it broke."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            ambient.seed(self.door.plan.seed)
            self.scheduler.sampler = self._sampler
            self.scheduler.firing = Firing(self.limits.faults, self.scheduler.mentions)
            with (
                loops_lent(self.new_loop),
                ordered_sets(),
                line_points(self.limits.lines, self.scheduler.mentions),
            ):
                return self._run_on_platform(program)
        finally:
            if collecting:
                gc.enable()
            self._let_go()

    def _run_on_platform(self, program: Callable[[], Any]) -> Any:
        with installed() as installation, process_pools_lent(), FREEZERS.thawed_after():
            return self._run_with_threads(installation, program)

    def _run_with_threads(self, installation: Installation, program: Callable[[], Any]) -> Any:
        installation.begin_world(program)
        threads = self.threads = self._new_threads(installation)
        threads.enter()
        try:
            return self._run_to_verdict(program, threads)
        except BaseException as error:
            self._seal()
            failures = threads.failures[: self._failed_threads]
            self.dead_threads = dead_threads(failures, error)
            tell(self.dead_threads, error)
            raise
        finally:
            self._seal()
            threads.leave()
            installation.watchdog.leave()
            installation.locks.forget_holders()

    def _run_to_verdict(self, program: Callable[[], Any], threads: Threads) -> Any:
        try:
            return self._run(program, threads)
        except (Exception, WorldEnded) as error:
            verdict = threads.verdict
            if verdict is None or verdict is error:
                raise
            raise verdict from (None if isinstance(error, WorldEnded) else error)

    def _new_threads(self, installation: Installation) -> Threads:
        parts, options = self._thread_parts(installation), self._thread_options(installation)
        if self.recorder:
            return RecordingThreads(self.recorder, *parts, **options)
        return Threads(*parts, **options)

    def _thread_parts(
        self, installation: Installation
    ) -> tuple[Scheduler, Turns, Budget, Carriers]:
        limits = self.limits
        budget = Budget(
            limits.max_steps, limits.max_steps_at_once, seconds_to_ns(limits.max_virtual_s)
        )
        turns = Turns(self.scheduler, seconds_to_ns(limits.stall_s))
        return self.scheduler, turns, budget, installation.carriers

    def _thread_options(self, installation: Installation) -> dict[str, Any]:
        return {
            "exact": self.limits.exact,
            "began_ns": ambient.parse_wall_start(self.limits.wall_start),
            "sources": self.sources,
            "on_start": installation.watchdog.watch,
        }

    def new_loop(self) -> VirtualEventLoop:
        """A loop of this world."""
        limits = self.limits
        options: dict[str, Any] = {
            "exact": limits.exact,
            "max_steps": limits.max_steps,
            "max_steps_at_once": limits.max_steps_at_once,
            "max_virtual_s": limits.max_virtual_s,
            "quiet": True,
        }
        given = self.cancellations
        if self.recorder:
            loop: VirtualEventLoop = loop_of(
                RecordingEventLoop, given, self.recorder, self.scheduler, **options
            )
        else:
            loop = loop_of(VirtualEventLoop, given, self.scheduler, **options)
        self.loops.append(loop)
        return loop

    def _run(self, program: Callable[[], Any], threads: Threads) -> Any:
        try:
            result, check = parts_of(self._ended(program))
            if not inspect.isawaitable(result):
                self._returned(threads.main.name)
                threads.drain(self.clock.now_ns + seconds_to_ns(self.limits.drain_s))
                for loop in self.loops:
                    self._judge(loop)
                self._judge_threads(threads)
                return result
        finally:
            if self.loops or threads.started:
                self._seal()
            for loop in self.loops:
                self._tear_down(loop)
        if not inspect.iscoroutine(result):
            raise UsageError(
                f"the program returned {result!r}; it must be a coroutine function or a function "
                "that does its own waiting"
            )
        try:
            given = self.cancellations
            loop = self.new_loop()
            main = loop.create_task(result if given is None else given.around(result))
        except BaseException:
            result.close()  # Interrupted: nobody will ever await it.
            raise
        try:
            answer = self._ended(lambda: loop.run_until_complete(main))
            self._returned(label_of(main))
            self._settle(loop, threads)
            if check is not None:
                self._check(check, loop, threads)
            return answer
        except Exception as error:
            if loop.escape is None or loop.escape is error:
                raise
            raise loop.escape from error
        finally:
            self._seal()
            self._tear_down(loop)

    def _ended(self, run: Callable[[], Any]) -> Any:
        """What `run` returns; None if it was cancelled by the plan, and ended as cancelled."""
        try:
            return run()
        except (asyncio.CancelledError, TimeoutError) as error:
            if self.cancellations is None or not self.cancellations.explains(error):
                raise
            return None

    def _settle(self, loop: VirtualEventLoop, threads: Threads) -> None:
        self._drain(loop, threads)
        self._judge(loop)
        self._judge_threads(threads)

    def _check(self, check: Callable[[], Any], loop: VirtualEventLoop, threads: Threads) -> None:
        """The program's own judgement of what it has left, in the same world."""
        if self.cancellations is not None:
            self.cancellations.end()
        verdict = check()
        if inspect.iscoroutine(verdict):
            loop.run_until_complete(loop.create_task(verdict))
            self._settle(loop, threads)

    def _returned(self, name: str) -> None:
        self.returned_ns = self.clock.now_ns
        if self.recorder:
            self.recorder.emit("return", name)

    def _drain(self, loop: VirtualEventLoop, threads: Threads) -> None:
        """Let whatever still runs go on until nothing happens any more."""
        if not loop._ready and not self.scheduler.pending and len(threads.agents) < 2:
            return
        until_ns = self.clock.now_ns + seconds_to_ns(self.limits.drain_s)
        loop.draining_until_ns = threads.draining_until_ns = until_ns
        loop.run_forever()
        loop.draining_until_ns = threads.draining_until_ns = None

    def _judge(self, loop: VirtualEventLoop) -> None:
        judge_loop(loop, leaks=self.limits.leaks == "error")
        if self.cancellations is not None:
            self.cancellations.judge()

    def _judge_threads(self, threads: Threads) -> None:
        judge_threads(threads, leaks=self.limits.leaks == "error")

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
                    loop.draining_until_ns = None
                    loop.run_until_complete(loop.shutdown_asyncgens())
                except (Livelock, Violation):
                    break
        finally:
            for task in loop.tasks:
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                if task.done() and not task.cancelled():
                    task.exception()
            loop.close()

    def _let_go(self) -> None:
        """Cut the circles of references, so that the world is freed now and not by the collector.

        Tasks of dead worlds would also pile up in asyncio's own set of all tasks, where those of
        one number have one hash.
        """
        self.door.on_choice = None
        for loop in self.loops:
            if not loop.is_closed():  # Interrupted before or while it was torn down.
                loop.close()
            loop.tasks.clear()
            loop.failed_futures.clear()
            loop.callback_failures.clear()
