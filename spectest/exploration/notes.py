"""What oracles get to see of a performance in real time: a trace of what was told, and by whom.

It has the steps of branches and services, the births of tasks and threads, and who is cancelled;
neither operations nor steps of tasks are noted, which would mean to touch the stock loop. That a
callback or a job was asked for by a branch is known by a context variable, which goes wherever
asyncio copies the context to.
"""

from __future__ import annotations

import _thread
import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from spectest.eventloop.stock import StockLoop
from spectest.eventloop.waiting import label_of, running_task
from spectest.kernel.observers import TraceRecorder
from spectest.kernel.trace import NOWHERE
from spectest.source.lines import here
from spectest.threads.agents import Agent, current
from spectest.watch.watcher import Watcher

__all__ = ["Notes"]


_NOBODY = (-1, "")
_attempt: ContextVar[tuple[int, str]] = ContextVar("spectest attempt", default=_NOBODY)
"""The event by which the attempt began on whose behalf this context runs, and its task."""


class _Recorder(TraceRecorder):
    """What happens is caused by the attempt in whose context it happens.

    `lock`: threads of a performance do run at once.
    """

    def __init__(self, clock: _Clock) -> None:
        super().__init__(clock)
        self.lock = _thread.RLock()

    def emit(self, *args: Any, **kwargs: Any) -> int:
        with self.lock:
            return super().emit(*args, **kwargs)

    @property
    def current(self) -> int:
        return _attempt.get()[0]

    @current.setter
    def current(self, number: int) -> None:
        """No step is noted that could be a cause."""


class _Clock:
    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns

    @property
    def now_ns(self) -> int:
        return self._now_ns()


class Notes:
    """`now_ns`: the virtual time that a performance has come to.

    `watcher`: sees what the program wants to have watched.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.recorder = _Recorder(_Clock(now_ns))
        self._began: dict[str, int] = {}
        self._tasks: list[tuple[int, asyncio.Task[Any]]] = []
        self.watcher = Watcher(self.recorder, _speaker, self.recorder.lock)

    def tell(self, kind: str, subject: str, detail: str = "") -> int:
        """Note an event in the name of the running task or thread."""
        with self.recorder.lock:
            speaker, where = _speaker(), here(2)
            number = self.recorder.emit(kind, subject, task=speaker, where=where, detail=detail)
        if kind == "attempt" and detail != "service":
            self._began[subject] = number
            _attempt.set((number, speaker))
        elif kind == "outcome" and _attempt.get()[0] == self._began.get(subject):
            _attempt.set(_NOBODY)
        return number

    def listen(self, loop: StockLoop) -> None:
        """Note what this loop has to tell."""
        loop.on_task, loop.on_cancel = self.task_created, self.task_cancelled
        loop.on_poll, loop.around_callback = self.polled, self.watcher.noticed

    def polled(self) -> None:
        """A loop polls its selector: all that was ready has run."""
        self.recorder.stepped("", lambda: NOWHERE)

    def paused(self, agent: Agent) -> None:
        """A thread stands still."""
        self.recorder.stepped(agent.name, lambda: NOWHERE)

    def task_created(self, task: asyncio.Task[Any]) -> None:
        """Note the birth of a task."""
        self._tasks.append((self.tell("task", label_of(task)), task))

    def task_cancelled(self, task: asyncio.Task[Any]) -> None:
        """Note that somebody cancels a task."""
        self.tell("cancel", label_of(task))

    def thread_started(self, agent: Agent) -> None:
        """Note the birth of a thread."""
        self.tell("thread", agent.name)

    def name_tasks(self) -> None:
        """Give the tasks the names that they have got after they were created."""
        events = self.recorder.events
        for number, task in self._tasks:
            if number >= 0:
                events[number] = replace(events[number], subject=label_of(task))


def _speaker() -> str:
    agent, task = current(), running_task()
    if task is not None:
        return label_of(task)
    if agent is None or agent.loops:
        return ""
    number, name = _attempt.get()
    return agent.name if number < 0 or name == agent.name else ""
