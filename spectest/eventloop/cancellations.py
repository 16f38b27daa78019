"""Where the tasks of a world wait, and which of them the plan cancels there.

An await is a suspension: it counts whatever makes a task give the processor back to its loop, in
the user's code or deep in a library. The loops of `spectest.eventloop.cancelling` tell when.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from spectest.errors import CancellationSwallowed
from spectest.eventloop import waiting
from spectest.kernel.cancellation import WAYS, Cancellation, Moment, cancellations_of
from spectest.kernel.choices import Door
from spectest.kernel.trace import NOWHERE, SourceLine
from spectest.source.lines import PLATFORM, USER, kind_of_file, shown_line, suspended_at

__all__ = ["Await", "Cancellations"]


@dataclass(slots=True)
class Await:
    """One suspension of one task in stock order.

    `task`: its label, unique in the execution. `number`: which of its suspensions, from 1.
    `where`: the user's line at which it waits. `waits_for`: the operation whose completion lets it
    go on, the task that wakes it, or in words what it waits for. `main`: it is the task of the
    program itself. `yields`: it waits for nothing and lets others run, as `asyncio.sleep(0)` does.
    `left`: it went on.
    """

    task: str
    number: int
    where: SourceLine
    waits_for: str
    main: bool
    yields: bool
    left: bool = False


class Cancellations:
    """The awaits of the tasks of one world, and what is cancelled there.

    `awaits`: all of them so far, if they are `listed`: of the tasks that the program made; of those
    that a library made, where they wait in a line of the user's own.
    `made`: the cancellations that took effect, with their tasks and the lines where they waited.
    `where`: the line of the one that is under way.
    """

    def __init__(self, door: Door, *, listed: bool = False) -> None:
        self.planned = cancellations_of(door.plan.picks)
        self.awaits: list[Await] = []
        self.made: list[tuple[Cancellation, asyncio.Task[Any], SourceLine]] = []
        self.where = NOWHERE
        self._door = door
        self._listed = listed
        self._over = False
        self._labels: dict[int, str] = {}
        self._used: dict[str, int] = {}
        self._counts: dict[int, int] = {}
        self._last: dict[int, Await] = {}
        self._outermost: dict[int, asyncio.Task[Any]] = {}
        self._program: object = None
        self._of_libraries: set[int] = set()
        self._of_the_platform: set[int] = set()
        self._timer: asyncio.Timeout | None = None
        self._went_on: asyncio.Task[Any] | None = None

    # What the world asks.

    def around(self, coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """The program's coroutine, with a timeout around it if the plan lets one expire."""
        around: Any = coroutine
        if any(one.way == "timeout" for one in self.planned.values()):
            around = self._timed(coroutine)
            around.__name__ = around.__qualname__ = getattr(coroutine, "__name__", "")
        self._program = around
        return around  # type: ignore[no-any-return]

    async def _timed(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        async with asyncio.timeout(None) as self._timer:
            result = await coroutine
            self._returned_from(asyncio.current_task())
            return result

    def _returned_from(self, task: asyncio.Task[Any] | None) -> None:
        if self.made and task is not None and task.cancelling():
            self._went_on = task

    def explains(self, error: BaseException) -> bool:
        """Whether `error`, with which the program ended, is only what it was asked for."""
        if isinstance(error, TimeoutError):
            return self._timer is not None and self._timer.expired()
        plain = any(one.way != "timeout" for one, _, _ in self.made)
        return isinstance(error, asyncio.CancelledError) and plain

    def end(self) -> None:
        """The program is over: what follows is not cancelled."""
        self._over = True

    def judge(self) -> None:
        """Raise `CancellationSwallowed` if the program was cancelled and returned all the same.

        Unless it said so by `uncancel()`, as asyncio's documentation asks of code that does.
        """
        for one, task, where in self.made:
            if one.way == "caller" and _returned(task):
                self._returned_from(task)
            if self._went_on is task:
                raise _swallowed(one, task, where)

    def survived(self) -> tuple[str, ...]:
        """The labels of the cancellations after which their task did not end as cancelled."""
        return tuple(one.label for one, task, _ in self.made if not self._ended(one, task))

    def _ended(self, one: Cancellation, task: asyncio.Task[Any]) -> bool:
        if one.way == "timeout":
            return task.done() and self._went_on is not task and not _returned(task)
        return task.cancelled()

    # What the loops tell.

    def created(self, task: asyncio.Task[Any], *, outermost: bool, by_library: bool) -> bool:
        """A task is there; whether it is suspended already, having begun eagerly."""
        if outermost:
            self._outermost[id(task.get_loop())] = task
        if by_library:
            self._of_libraries.add(id(task))
        elif self._is_of_the_platform(task):
            self._of_the_platform.add(id(task))
        coroutine = task.get_coro()
        return (
            inspect.iscoroutine(coroutine)
            and not task.done()
            and inspect.getcoroutinestate(coroutine) == inspect.CORO_SUSPENDED
        )

    def waits(self, loop: Any, task: asyncio.Task[Any]) -> None:
        """A step of the task is over, and the task is not."""
        if self._over or task.done():
            return
        number = self._counts[id(task)] = self._counts.get(id(task), 0) + 1
        label = self._label(task)
        if self._listed and self._is_of_the_program(task):
            self._list(loop, label, number, task)
        self._look(loop, task, label, number, "before")

    def goes_on(self, loop: Any, task: asyncio.Task[Any], handle: asyncio.Handle) -> None:
        """The next step of the task is about to begin."""
        number = self._counts.get(id(task), 0)
        if self._over or not number or task.done():
            return
        last = self._last.get(id(task))
        if last is not None:
            last.left = True
            if not last.yields:
                last.waits_for = loop.cause_of(handle) or last.waits_for
        self._look(loop, task, self._label(task), number, "at", handle)

    def _look(
        self,
        loop: Any,
        task: asyncio.Task[Any],
        label: str,
        number: int,
        moment: Moment,
        handle: asyncio.Handle | None = None,
    ) -> None:
        """Cancel the task here, if the plan says so."""
        for way in WAYS:
            one = Cancellation(label, number, moment, way)
            whom = task if way == "task" else self._outermost.get(id(loop))
            if one.label not in self.planned or whom is None or whom.done():
                continue
            self.where = suspended_at(task.get_coro())
            with loop.because_of(handle):
                if self._door.choose(2, one.label):
                    self.made.append((one, whom, self.where))
                    self._cancel(one, whom)

    def _cancel(self, one: Cancellation, whom: asyncio.Task[Any]) -> None:
        if one.way != "timeout":
            whom.cancel()
        elif self._timer is not None:
            self._timer._on_timeout()  # type: ignore[attr-defined]

    def _list(self, loop: Any, label: str, number: int, task: asyncio.Task[Any]) -> None:
        coroutine = task.get_coro()
        yields = getattr(task, "_fut_waiter", None) is None
        what = "" if yields else waiting.awaited(task, loop.tasks)
        main = self._outermost.get(id(loop)) is task
        found = Await(label, number, suspended_at(coroutine), what, main, yields)
        self.awaits.append(found)
        self._last[id(task)] = found

    def _label(self, task: asyncio.Task[Any]) -> str:
        """The task's label, with a number if another task has the same."""
        label = self._labels.get(id(task))
        if label is None:
            name = waiting.label_of(task)
            count = self._used[name] = self._used.get(name, 0) + 1
            label = self._labels[id(task)] = name if count == 1 else f"{name} ({count})"
        return label

    def _is_of_the_platform(self, task: asyncio.Task[Any]) -> bool:
        """Whether asyncio made the task for itself: at the end of a run, or of a generator."""
        if task.get_coro() is self._program or asyncio.current_task(task.get_loop()) is not None:
            return False
        code = getattr(task.get_coro(), "cr_code", None)
        return code is None or kind_of_file(code.co_filename) == PLATFORM

    def _is_of_the_program(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task is the user's, or waits where it runs a function of the user's."""
        if id(task) in self._of_the_platform:
            return False
        own = id(task) not in self._of_libraries
        return own or kind_of_file(suspended_at(task.get_coro()).file) == USER


def _returned(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task._exception is None


def _swallowed(
    one: Cancellation, task: asyncio.Task[Any], where: SourceLine
) -> CancellationSwallowed:
    label = waiting.label_of(task)
    how = "timed out" if one.way == "timeout" else "cancelled"
    when = "" if label == one.task else f"when {one.task} was "
    place = f", {shown_line(where)}," if where else ""
    return CancellationSwallowed(
        f"{label} was {how} {when}at its await {one.number}{place} and returned all the same.\n"
        "Who cancelled it waits for it to end: a timeout does not time out, and asyncio.TaskGroup "
        "and asyncio.run go on.\n"
        "Let CancelledError pass, or raise it again after cleaning up; code that means to go on "
        "calls asyncio.current_task().uncancel().",
        task=label,
    )
