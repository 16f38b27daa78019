"""The same threads, writing down what happens, why, and at which line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from concurrent.futures import thread as pools
from threading import Thread
from types import FrameType
from typing import Any

from spectest.kernel.choices import FAULT, SOMETIMES, fault_of
from spectest.kernel.observers import TraceRecorder
from spectest.kernel.operations import Operation
from spectest.kernel.trace import NOWHERE, SourceLine
from spectest.kernel.turns import turn_of
from spectest.source.lines import calling_frame, here, line_of, raised_at
from spectest.threads.agents import Agent, current
from spectest.threads.awaited import joined, thing_of, wait_of, what
from spectest.threads.baton import Baton
from spectest.threads.jobs import idle, job_name
from spectest.threads.lives import Threads
from spectest.threads.moments import moment_of
from spectest.threads.standing import JOB, frames_of, is_platform, local_of, loop_of, where
from spectest.threads.waiting import whose

__all__ = ["RecordingThreads"]

_START = Thread.start.__code__
_OPERATIONS = {Baton.sleep.__code__, Baton.perform.__code__}
_SUBMIT = pools.ThreadPoolExecutor.submit.__code__
_EXIT = Executor.__exit__.__code__
_SHUTDOWN = pools.ThreadPoolExecutor.shutdown.__code__


class RecordingThreads(Threads):
    """Threads with a recorder.

    A thread that runs an event loop is silent here: the loop tells of its tasks. What one of them
    does to threads, locks and pools is told in the name of the task.
    """

    def __init__(self, recorder: TraceRecorder, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.records = True
        self._recorder = recorder
        self._starts: dict[int, int] = {}
        self._causes: dict[Agent, int] = {}
        self._endings: dict[Agent, BaseException] = {}
        self._lines: dict[Agent, SourceLine] = {}
        self._submitted: dict[int, tuple[SourceLine, int]] = {}
        self._at_work: set[Agent] = set()
        self._introduced = False
        self.scheduler.door.on_choice = self._chosen

    def _chosen(self, label: str, n: int, answer: int) -> None:
        if not answer:
            return
        agent = current() or self.main
        if label.startswith(FAULT):
            call, happens = fault_of(label)
            self._emit("fault", call, agent, where=here(), detail=happens)
        elif label.startswith(SOMETIMES):
            name = label.removeprefix(SOMETIMES)
            self._emit("sometimes", name, agent, where=here(), detail="is true")
        else:
            self._emit("choice", label, agent, detail=f"{answer} of {n}")

    def tell(self, kind: str, subject: str, agent: Agent, detail: str) -> None:
        self._emit(kind, subject, agent, where=here(), detail=detail)

    def _emit(self, kind: str, subject: str, agent: Agent, **fields: Any) -> int:
        if self.verdict is not None:
            return -1  # The program is over; what its cleaning up does explains nothing.
        self._introduce(agent)
        speaker = self._task_of(agent) if agent.loops else agent.name
        return self._recorder.emit(kind, subject, task=speaker, **fields)

    def _introduce(self, agent: Agent) -> None:
        """The main thread was there before, and is told of when there is something to tell."""
        if agent is self.main and not self._introduced and not agent.loops:
            self._introduced = True
            name, emit = agent.name, self._recorder.emit
            emit("thread", name, cause=-1, detail=str(agent.chain))
            self._recorder.current = emit("step", name, task=name, cause=-1)

    def _task_of(self, agent: Agent) -> str:
        """The task in which the thread is, by the trace's name for it; "" if it is in none."""
        loop = loop_of(agent)
        if loop is None or asyncio.current_task(loop) is None:
            return ""
        events = self._recorder.events
        number = self._recorder.current if agent is self.current else agent.cause
        is_step = 0 <= number < len(events) and events[number].kind == "step"
        return events[number].task if is_step else ""

    # Lives.

    def _born(self, agent: Agent) -> None:
        starter = self.current or self.main
        number = self._emit("thread", agent.name, starter, where=here(2), detail=str(agent.chain))
        self._causes[agent] = number

    def _dies(self, agent: Agent) -> None:
        error = self._endings.pop(agent, None)
        self._recorder.stepped(agent.name, lambda: self._lines.get(agent, NOWHERE))
        detail = "returned" if error is None else f"raised {type(error).__name__}"
        place = self._lines.get(agent, NOWHERE) if error is None else raised_at(error)
        self._emit("end", agent.name, agent, where=place, detail=detail)

    def failed(self, agent: Agent, error: BaseException) -> None:
        super().failed(agent, error)
        self._endings[agent] = error

    # Operations.

    def _begins(self, agent: Agent, operation: Operation) -> None:
        if operation.kind == "stall":
            if agent is self.current:
                self._stepped(agent)
            self._starts[operation.number] = self._lost("start", operation.label, agent, "stall 0 ")
            return
        place = self._lines[agent] = where(agent)
        length_ms = (operation.nominal_ns - operation.started_ns) / 1e6
        self._starts[operation.number] = self._emit(
            "start",
            operation.label,
            agent,
            where=place,
            detail=f"{operation.kind} {length_ms:.6f}",
        )

    def _completes(self, agent: Agent, operation: Operation) -> None:
        cause = self._starts.pop(operation.number, -1)
        if self.verdict is not None:
            return
        number = self._recorder.emit("complete", operation.label, cause=cause)
        self._causes[agent] = number

    # Turns.

    def _woken(self, agent: Agent) -> None:
        self._causes[agent] = self._recorder.current

    def _goes(self, agent: Agent) -> None:
        self._recorder.settle()
        if agent not in self._causes:
            self._causes[agent] = self._recorder.current
        agent.cause = self._recorder.current
        self._stepped(agent)

    def _stepped(self, agent: Agent) -> None:
        if self._recorder.on_step is not None and self.verdict is None:
            speaker = self._task_of(agent) if agent.loops else agent.name
            self._recorder.stepped(speaker, lambda: where(agent))

    def _comes(self, agent: Agent) -> None:
        cause = self._causes.pop(agent, agent.cause)
        self._recorder.current = agent.cause
        if agent.quiet or self.verdict is not None:
            return
        subject = self._task_of(agent) if agent.loops else agent.name
        if not subject:
            return
        self._introduce(agent)
        place, detail = where(agent), "blocking" if agent.loops else ""
        self._recorder.current = self._recorder.emit(
            "step", subject, task=subject, cause=cause, where=place, detail=detail
        )

    def _overtaken(self, agents: Sequence[Agent]) -> None:
        for agent in agents:
            self._lost("overtaken", turn_of(agent), agent, "")

    def _lost(self, kind: str, subject: str, agent: Agent, detail: str) -> int:
        """The thread stands there and could run, but does not get the processor."""
        if self.verdict is not None:
            return -1
        cause = self._causes.get(agent)
        if cause is None:
            if agent is self.current:
                agent.cause = self._recorder.current
            cause = agent.cause
        return self._recorder.emit(
            kind,
            subject,
            task=self._task_of(agent) or agent.name,
            cause=cause,
            where=where(agent),
            detail=f"{detail}{moment_of(agent)}",
        )

    # Waiting.

    def _waits(self, agent: Agent) -> None:
        """What for. Operations tell of themselves; beginnings and idle workers need no word."""
        agent.cause = self._recorder.current
        self._stepped(agent)
        if agent is self.main and self.draining_until_ns is not None:
            return
        frames = frames_of(agent)
        codes = [frame.f_code for frame in frames]
        if agent.looping is not None or not _OPERATIONS.isdisjoint(codes) or idle(agent):
            return
        place = self._lines[agent] = where(agent)
        thread = joined(agent) if _SHUTDOWN in codes else None
        if thread is not None:
            self._held(agent, thread, place, _pool_in(frames))
            return
        wait = wait_of(agent, from_source=True)
        if not wait.call or _START in codes:
            return
        words = what(wait, agent) + whose(agent, wait)
        self._emit("wait", words, agent, where=place, detail=thing_of(wait, agent))

    def _held(self, agent: Agent, thread: Any, place: SourceLine, pool: str) -> None:
        worker = next((one for one in self.agents if one.thread is thread), None)
        if worker is not None and place and not idle(worker):
            self._emit("held", worker.name, agent, where=place, detail=pool)

    # Jobs of pools.

    def point(self, agent: Agent) -> None:
        self._look_around(agent, sys._getframe(1))
        super().point(agent)

    def _look_around(self, agent: Agent, frame: FrameType | None) -> None:
        """A choice point in CPython's own code for pools tells of a job that changes hands."""
        user = calling_frame(frame)
        if user is not None:
            self._lines[agent] = line_of(user)
        inner: list[FrameType] = []
        while frame is not None and is_platform(frame):
            if frame.f_code is _SUBMIT:
                if any(one.f_code.co_name == "put" for one in inner):
                    self._submit(agent, local_of(frame, "w"), line_of(user))
                return
            if frame.f_code is JOB:
                self._job(agent, local_of(frame, "self"), inner)
                return
            inner.append(frame)
            frame = frame.f_back
        if frame is None:
            self._at_work.discard(agent)

    def _submit(self, agent: Agent, item: Any, place: SourceLine) -> None:
        number = self._emit("job", job_name(item), agent, where=place, detail="submitted")
        self._submitted[id(item)] = place, number

    def _job(self, agent: Agent, item: Any, inner: Sequence[FrameType]) -> None:
        calls = {frame.f_code.co_name: frame for frame in inner}
        if "set_running_or_notify_cancel" in calls:
            if agent not in self._at_work and not item.future._state.startswith("CANCELLED"):
                self._at_work.add(agent)
                place, number = self._submitted.pop(id(item), (NOWHERE, -1))
                # Oracles want to know on whose behalf; without them a trace is as it ever was.
                cause = number if self.scheduler.witness is not None else None
                name = job_name(item)
                self._emit("job", name, agent, where=place, detail="begins", cause=cause)
        elif agent in self._at_work:
            self._at_work.discard(agent)
            place, detail = self._lines.get(agent, NOWHERE), "returned"
            if "set_exception" in calls:
                error = local_of(calls["set_exception"], "exception")
                place, detail = raised_at(error), f"raised {type(error).__name__}"
            self._emit("job", job_name(item), agent, where=place, detail=detail)


def _pool_in(frames: Sequence[FrameType]) -> str:
    """In which call of which pool a thread waits for its workers, and what leaves the block."""
    for frame in reversed(frames):
        if frame.f_code in (_EXIT, _SHUTDOWN):
            pool = type(local_of(frame, "self")).__name__
            if frame.f_code is not _EXIT:
                return f"{pool}.shutdown()"
            error = local_of(frame, "exc_type")
            return f"with {pool}" if error is None else f"with {pool} raising {error.__name__}"
    return ""
