"""The watcher: sees that something has changed, and says to the trace who did it, and where.

It looks whenever somebody else may have the next word: before each event of the trace, when a task
or callback stops running, when a thread gives the processor on; and, in executions that are
recorded or performed in real time, at each line of the user's own files. What has changed since the
last look was done by whoever ran. It reads, and does nothing else: no choice point, no clock, none
of the program's locks and no function of the program's.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from asyncio import Task
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import CodeType, FrameType
from typing import Any, Protocol

from spectest.eventloop.waiting import label_of, running_task
from spectest.kernel.observers import TraceRecorder
from spectest.kernel.trace import NOWHERE, SourceLine
from spectest.source.line_events import lines_told
from spectest.source.lines import calling_frame, line_of
from spectest.threads.agents import current
from spectest.threads.lines import TOOLS, is_users

__all__ = ["ABSENT", "Thing", "Watcher", "watcher", "watching"]

ABSENT = "absent"
_MOST_WRITES = 20
_present: list[Watcher] = []


class Thing(Protocol):
    """Something that is watched."""

    def look(self) -> Mapping[str, str] | None:
        """The text of each of its parts, by path; None if nothing has changed, or none is seen."""
        ...

    def close(self) -> None:
        """Nobody looks any more."""
        ...


class Watcher:
    """`recorder`: takes what is seen. `speaker`: the name of the running task or thread, "" in a
    plain callback. `lock`: held while looking, where threads run at once.
    """

    def __init__(
        self,
        recorder: TraceRecorder,
        speaker: Callable[[], str] | None = None,
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        self._recorder = recorder
        self._speaker = speaker or _speaker
        self._lock = nullcontext() if lock is None else lock
        self._things: dict[str, Thing] = {}
        self._seen: dict[str, Mapping[str, str] | None] = {}
        self._looking = 0
        self._lines: dict[int, tuple[CodeType, int]] = {}
        self._kinds: dict[CodeType, bool] = {}

    def name_for(self, name: str) -> str:
        """`name`, or with a number if something else is watched under it."""
        count, free = 1, name
        while free in self._things:
            count += 1
            free = f"{name} ({count})"
        return free

    def add(self, name: str, kind: str, thing: Thing) -> None:
        """Watch `thing` from now on, whose present state nobody is held to account for."""
        self.look()
        self._things[name] = thing
        self._seen[name] = thing.look()
        self._recorder.on_settled = self.look
        where = line_of(calling_frame(sys._getframe(2)))
        self._recorder.emit("watch", name, task=self._speaker(), where=where, detail=kind)

    def look(self, ran: Any = None) -> None:
        """Tell of all that has changed. `ran`: the task that has done it, or the handle of a plain
        callback, if that is over; else it was whoever runs.
        """
        ident = get_ident()
        if self._looking == ident or not self._things:
            return
        with self._lock:
            self._looking = ident
            try:
                for name, thing in self._things.items():
                    self._compare(name, thing.look(), ran)
            finally:
                self._looking = 0
        if ran is not None and not isinstance(ran, Task):
            self._lines.pop(ident, None)

    def _compare(self, name: str, now: Mapping[str, str] | None, ran: Any) -> None:
        before = self._seen[name]
        if now is None or now is before or now == before:
            return
        self._seen[name] = now
        if before is None:
            return
        paths = [path for path in {**before, **now} if before.get(path) != now.get(path)]
        told = sorted(paths)[:_MOST_WRITES]
        is_task = isinstance(ran, Task)
        task = label_of(ran) if is_task else self._speaker()
        where = self._line_of(id(ran) if is_task else _key())
        for path in told:
            detail = f"{before.get(path, ABSENT)} -> {now.get(path, ABSENT)}"
            self._recorder.emit("write", path, task=task, where=where, detail=detail)
        if len(paths) > len(told):
            more = f"{name} and {len(paths) - len(told)} more of its parts"
            self._recorder.emit("write", more, task=task, where=where, detail="changed")

    def _line_of(self, key: int) -> SourceLine:
        if key not in self._lines:
            return NOWHERE
        code, number = self._lines[key]
        return SourceLine(code.co_filename, number, code.co_name)

    def noticed(self, callback: Callable[..., object]) -> Callable[..., object]:
        """The same callback; what it does is seen although no line of the user's own runs."""

        def run(*args: Any) -> object:
            try:
                return callback(*args)
            finally:
                self.look(run)

        return run

    def close(self) -> None:
        """Nothing is watched any more."""
        self._recorder.on_settled = None
        for thing in self._things.values():
            thing.close()
        self._things.clear()

    # Lines.

    def is_chosen(self, frame: FrameType) -> bool:
        """Whether it is code of the user's own."""
        chosen = self._kinds.get(frame.f_code)
        if chosen is None:
            chosen = self._kinds[frame.f_code] = is_users(frame)
        return chosen

    def at_line(self, code: CodeType, number: int) -> bool:
        """What was done up to now was done by the line before."""
        if self._things:
            self.look()
            self._lines[_key()] = code, number
        return True

    def at_exit(self, frame: FrameType, suspended: bool) -> None:
        """The caller's line goes on; if the frame is suspended, its own line does, later."""
        if not self._things:
            return
        self.look()
        outer = None if suspended else calling_frame(frame.f_back)
        if outer is not None and self.is_chosen(outer):
            self._lines[_key()] = outer.f_code, outer.f_lineno


def _key() -> int:
    """For each task, and each thread beside its tasks, another one."""
    task = running_task()
    return get_ident() if task is None else id(task)


def _speaker() -> str:
    agent, task = current(), running_task()
    if task is not None:
        return label_of(task)
    return "" if agent is None or agent.loops else agent.name


def watcher() -> Watcher | None:
    """That of the present world; None outside of worlds and where nobody judges."""
    return _present[-1] if _present else None


@contextmanager
def watching(one: Watcher | None, *, lines: bool) -> Iterator[None]:
    """While the block lasts, what a program wants to have watched is watched by `one`.

    `lines`: at each line, too.
    """
    if one is None:
        yield
        return
    with ExitStack() as stack:
        stack.callback(one.close)
        if lines:
            chosen, line, leaves = one.is_chosen, one.at_line, one.at_exit
            stack.enter_context(lines_told("oracles", TOOLS, chosen, line, leaves))
        _present.append(one)
        stack.callback(_present.pop)
        yield
