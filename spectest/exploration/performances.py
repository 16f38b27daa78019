"""Worlds for a confirmation: a rehearsal on virtual time, and performances in real time.

A program without threads of its own is performed by a stock event loop that keeps a timetable. One
with threads is performed by real threads that play from a score of turns, and stock loops among
them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from spectest.eventloop.cancelling import loop_of
from spectest.eventloop.performance import Performance
from spectest.eventloop.performed import PerformedLoop
from spectest.eventloop.stock import StockLoop
from spectest.eventloop.timetable import Score, Timetable
from spectest.exploration.notes import Notes
from spectest.kernel.plan import Plan
from spectest.kernel.turns import Turns
from spectest.threads.agents import current
from spectest.threads.budget import Budget
from spectest.threads.carriers import Carriers
from spectest.threads.lives import Threads
from spectest.threads.patching import Installation
from spectest.threads.performers import Performers, length_of
from spectest.threads.recording import RecordingThreads
from spectest.threads.score import RehearsedThreads, TurnScore
from spectest.threads.surroundings import chance_lent
from spectest.watch.watcher import Watcher
from spectest.world import Limits, World

__all__ = ["StockRehearsal", "StockWorld", "ThreadedRehearsal", "ThreadedWorld"]


class _NotedWorld(World):
    """One in real time: where oracles judge, they get to see what was noted of it."""

    _notes: Notes

    def _take_notes(self, now_ns: Callable[[], int]) -> None:
        self._notes = Notes(now_ns)
        self.recorder = self._notes.recorder if self.limits.oracles else None
        self._by_lines = True

    def _tell(self, kind: str, subject: str, detail: str) -> None:
        self._notes.tell(kind, subject, detail)

    def _watcher(self) -> Watcher | None:
        return self._notes.watcher if self.limits.oracles else None

    def _judge_trace(self) -> None:
        self._notes.name_tasks()
        super()._judge_trace()


class StockWorld(_NotedWorld):
    """A world whose loops are stock and keep a timetable: same beginning, judgement and end."""

    def __init__(self, plan: Plan, limits: Limits, performance: Performance) -> None:
        super().__init__(plan, limits=limits)
        self.performance = performance
        self._take_notes(lambda: round(performance.timetable.virtual(performance.now()) * 1e9))

    @property
    def lagged_s(self) -> float:
        """How late the machine was, at worst."""
        return self.performance.lagged_s

    def new_loop(self) -> StockLoop:  # type: ignore[override]
        loop = loop_of(StockLoop, self.cancellations, self.performance, self.scheduler)
        self.loops.append(loop)  # type: ignore[arg-type]
        if self.recorder is not None:
            self._notes.listen(loop)
        return loop

    def _run_on_platform(self, program: Callable[[], Any]) -> Any:
        nobody = Threads(self.scheduler, Turns(self.scheduler, 0), Budget(0, 0, 0), Carriers())
        with chance_lent(self.sources):
            return self._run(program, nobody)

    def _drain(self, loop: Any, threads: Threads) -> None:  # noqa: ARG002
        # What is alive after the last instant of the score was alive when the score ended.
        limit_s, self.performance.limit_s = (
            self.performance.limit_s,
            self.performance.timetable.end_s,
        )
        loop.draining_until_ns = 0
        if self.limits.drain_s == 0:
            loop.run_what_is_ready()
        else:
            loop.run_forever()
        loop.draining_until_ns = None
        self.performance.limit_s = limit_s

    def _tear_down(self, loop: Any) -> None:
        self.performance.release()
        with suppress(RuntimeError):  # Stopped while a cleanup was still waiting.
            super()._tear_down(loop)


class StockRehearsal(World):
    """The plan on virtual time; `score` says what shares a poll of the selector."""

    stage = "stock asyncio"

    def __init__(self, plan: Plan, limits: Limits) -> None:
        super().__init__(plan, limits=limits)
        self.score = Score(self.door, self.clock, elasticity=limits.elasticity)
        self.scheduler = self.score
        self._asked = plan

    def length_s(self, gap_s: float) -> float:
        """How long a performance with these gaps takes."""
        return Timetable(self.score, gap_s).end_s

    def performance(self, gap_s: float) -> StockWorld | ThreadedWorld:
        """A world for one try."""
        return StockWorld(self._asked, self.limits, Performance(Timetable(self.score, gap_s)))


class ThreadedWorld(_NotedWorld):
    """A world of real threads and stock loops that play from `score`."""

    def __init__(self, plan: Plan, limits: Limits, score: TurnScore, gap_s: float) -> None:
        super().__init__(plan, limits=limits)
        self._score = score
        self._gap_s = gap_s
        self._performers: Performers | None = None
        self._take_notes(self._now_ns)

    @property
    def lagged_s(self) -> float:
        """How late the machine was, at worst."""
        return 0.0 if self._performers is None else self._performers.lagged_s

    def _new_threads(self, installation: Installation) -> Threads:
        # Several of them run at once, so there is no holder to watch.
        options = {**self._thread_options(installation), "on_start": None}
        self._performers = Performers(
            self._score, self._gap_s, *self._thread_parts(installation), **options
        )
        if self.recorder is not None:
            self._performers.on_birth = self._notes.thread_started
            self._performers.on_pause = self._notes.paused
        return self._performers

    def _now_ns(self) -> int:
        agent = current()
        performers = self._performers
        return 0 if agent is None or performers is None else performers.now_ns(agent)

    def new_loop(self) -> PerformedLoop:  # type: ignore[override]
        assert self._performers is not None
        loop = loop_of(PerformedLoop, self.cancellations, self._performers, self.scheduler)
        self.loops.append(loop)  # type: ignore[arg-type]
        if self.recorder is not None:
            self._notes.listen(loop)
        return loop

    def _drain(self, loop: Any, threads: Threads) -> None:
        loop.draining_until_ns = 0
        loop.run_forever()
        loop.draining_until_ns = None
        threads.drain(0)

    def _tear_down(self, loop: Any) -> None:
        assert self._performers is not None
        self._performers.over = True
        with suppress(RuntimeError):  # Stopped while a cleanup was still waiting.
            super()._tear_down(loop)


class _RecordedRehearsal(RehearsedThreads, RecordingThreads):
    """For judges, who want to see a trace."""


class ThreadedRehearsal(StockRehearsal):
    """The same with a score of turns."""

    stage = "threads"

    def __init__(self, plan: Plan, limits: Limits) -> None:
        super().__init__(plan, limits)
        self.turns = TurnScore()

    def _new_threads(self, installation: Installation) -> Threads:
        parts, options = self._thread_parts(installation), self._thread_options(installation)
        if self.recorder is not None:
            return _RecordedRehearsal(self.turns, self.recorder, *parts, **options)
        return RehearsedThreads(self.turns, *parts, **options)

    def length_s(self, gap_s: float) -> float:
        return length_of(self.turns, gap_s / 4)

    def performance(self, gap_s: float) -> ThreadedWorld:
        return ThreadedWorld(self._asked, self.limits, self.turns, gap_s / 4)
