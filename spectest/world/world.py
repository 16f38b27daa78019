"""A world is what one execution runs in: one door, one clock, one scheduler, and loops on them.

It is entered, runs one program to quiescence, judges what every program promises, and leaves
nothing behind: no patch, no running loop, no thread, no pending task.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from spectest import ambient
from spectest.errors import Livelock, UsageError, Violation
from spectest.eventloop.cancellations import Cancellations
from spectest.eventloop.cancelling import loop_of
from spectest.eventloop.labels import distinct_label_of as label_of
from spectest.eventloop.lending import loops_lent
from spectest.eventloop.loop import VirtualEventLoop
from spectest.eventloop.recording import RecordingEventLoop
from spectest.eventloop.sets import ordered_sets
from spectest.eventloop.waiting import running_task
from spectest.executors.lent_pools import process_pools_lent
from spectest.faults import Firing
from spectest.kernel.cancellation import cancellations_of
from spectest.kernel.choices import Chooser, Door, concerns_order
from spectest.kernel.clock import VirtualClock, seconds_to_ns
from spectest.kernel.observers import Observer, TraceRecorder
from spectest.kernel.plan import OrderModel, Plan
from spectest.kernel.sampling import Sampler
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.trace import NOWHERE, Trace
from spectest.kernel.turns import Turns
from spectest.oracles.base import judge, violation_of
from spectest.promises import judge_loop, judge_threads, parts_of
from spectest.source.lines import here
from spectest.threads.agents import WorldEnded, current
from spectest.threads.budget import Budget
from spectest.threads.carriers import Carriers
from spectest.threads.endings import DeadThread, dead_threads, tell
from spectest.threads.lines import line_points
from spectest.threads.lives import Threads
from spectest.threads.patching import Installation, installed
from spectest.threads.recording import RecordingThreads
from spectest.threads.surroundings import FREEZERS
from spectest.watch.steps import steps_heard
from spectest.watch.watcher import Watcher, watching
from spectest.watch.witness import Witness
from spectest.world.limits import Limits

__all__ = ["World"]

_TEARDOWN_ROUNDS = 100


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
        judged = bool(self.limits.oracles)
        recorded = record or judged or bool(observers)
        self.recorder = TraceRecorder(self.clock, observers) if recorded else None
        self.witness = Witness(self._tell) if judged else None
        self._sampler = sampler
        self._by_lines = record
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
        self._given_up = False

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
            self.scheduler.witness = self.witness
            if self.recorder is not None and self.witness is not None:
                self.recorder.on_step = self.witness.looks.after
            self.scheduler.firing = Firing(self.limits.faults, self.scheduler.mentions)
            with (
                loops_lent(self.new_loop),
                ordered_sets(),
                steps_heard(None if self.witness is None else self.witness.hear),
                watching(self._watcher(), lines=self._by_lines),
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
                self._returned(threads.main.name, result)
                threads.drain(self.clock.now_ns + seconds_to_ns(self.limits.drain_s))
                for loop in self.loops:
                    self._judge(loop)
                self._judge_threads(threads)
                self._judge_trace()
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
            self._returned(label_of(main), answer)
            self._settle(loop, threads)
            if check is not None:
                self._check(check, loop, threads)
            self._judge_trace()
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
            self._given_up = True
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

    def _returned(self, name: str, result: Any) -> None:
        self.returned_ns = self.clock.now_ns
        if not self.recorder:
            return
        self.recorder.stepped(name, lambda: NOWHERE)
        self.recorder.emit("return", name)
        if self.witness is not None and not self._given_up:
            whose, text = self.witness.returned(result)
            self.recorder.emit("result", whose, detail=text)

    def _tell(self, kind: str, subject: str, detail: str) -> None:
        """Append to the trace what a branch, a service or something watched has to tell."""
        agent, task = current(), running_task()
        if task is not None and self.recorder is not None:
            self.recorder.emit(kind, subject, task=label_of(task), where=here(2), detail=detail)
        elif agent is not None:
            agent.baton.tell(kind, subject, agent, detail)

    def _watcher(self) -> Watcher | None:
        """Who sees what the program wants to have watched; None if nobody judges."""
        judged = self.witness is not None and self.recorder is not None
        return Watcher(self.recorder) if judged and self.recorder else None

    def _judge_trace(self) -> None:
        """What the oracles of the run say of it, if they have something to say."""
        if self.witness is not None and self.recorder is not None:
            self.witness.looks.check()
            self.recorder.settle()
            trace = self.recorder.trace()
            verdicts = judge(trace, self.limits.oracles, reference=self.limits.reference)
            if verdicts:
                raise violation_of(verdicts)

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
