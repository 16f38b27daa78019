"""A future that runs the script as soon as somebody waits for it.

`result` and `exception` are methods, and can be overridden. `concurrent.futures.wait` and
`as_completed` are functions of the standard library: they put a waiter into the list `_waiters` of
each future and block in the waiter's event. The list is ours here, and hands such a waiter an event
of which waiting means running jobs.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed, wait
from concurrent.futures._base import _AsCompletedWaiter, _Waiter
from types import FrameType
from typing import Any, TypeVar

from spectest.errors import Deadlock
from spectest.executors.loop_timers import loop_behind
from spectest.executors.runner import Runner

__all__ = ["ScriptedFuture", "deadlock"]

T = TypeVar("T")

_WAITS = (as_completed.__code__, wait.__code__)


class ScriptedFuture(Future[T]):
    """The future of a job of a scripted executor."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self.runner = runner
        self._waiters = _Waiters(self)

    def result(self, timeout: float | None = None) -> T:
        """As stock, with `timeout` in fake seconds; `Deadlock` if it could never end."""
        self._run_script(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """As stock, with `timeout` in fake seconds; `Deadlock` if it could never end."""
        self._run_script(timeout)
        return super().exception(0)

    def cancel(self) -> bool:
        """As stock: True while pending, False once taken up for good or finished."""
        cancelled = super().cancel()
        self.runner.look_again()
        return cancelled

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """As stock; on an event loop, the loop runs the job."""
        super().add_done_callback(fn)
        loop = None if self.done() else loop_behind(fn)
        if loop is not None:
            self.runner.serve(loop)

    def _run_script(self, timeout: float | None) -> None:
        # A future that is done may be asked while stock code holds the locks of many.
        if self.done():
            return
        deadline_ns = self.runner.deadline_ns(timeout)
        if not self.runner.drive(self.done, deadline_ns, {self}) and timeout is None:
            raise deadlock(self.runner.blocked([self]))


def deadlock(blocked: Sequence[str]) -> Deadlock:
    """The error of who waits without a timeout for what can never finish: a line for each job."""
    from spectest.source.lines import here, shown

    line = here()
    where = f" at {shown(line.file)}:{line.line} in `{line.function}`" if line else ""
    return Deadlock(
        "\n".join(
            [
                f"the wait{where} can never end.",
                *(f"  {text}" for text in blocked),
                "A real executor would hang here, without a word.",
                "Give the wait a timeout, or see to it that the job can finish.",
            ]
        ),
        blocked=tuple(blocked),
    )


class _Waiters(list[_Waiter]):
    """The waiters of one future."""

    def __init__(self, future: ScriptedFuture[Any]) -> None:
        super().__init__()
        self._future = future

    def append(self, waiter: _Waiter) -> None:
        super().append(waiter)
        event = waiter.event
        if not isinstance(event, _ScriptedEvent):
            # No future of the call can end now: stock code holds the locks of all of them.
            event = waiter.event = _ScriptedEvent(waiter, inspect.currentframe())
        event.add(self._future)


class _ScriptedEvent(threading.Event):
    """The event of one `wait` or `as_completed`.

    `as_completed` looks at the real clock and asks for what is left of its timeout, which in fake
    time is another number. What it was called with stands in its frame, and so do the futures of
    others that it waits for, `fs`.
    """

    def __init__(self, waiter: _Waiter, appending: FrameType | None) -> None:
        super().__init__()
        call = _arguments(appending)
        self._timeout: float | None = call.get("timeout")
        self._iterates = isinstance(waiter, _AsCompletedWaiter)
        self._others = [f for f in call.get("fs", ()) if not isinstance(f, ScriptedFuture)]
        self._mine: list[ScriptedFuture[Any]] = []
        self._deadlines: dict[Runner, int | None] = {}

    def add(self, future: ScriptedFuture[Any]) -> None:
        """One more future that is waited for."""
        self._mine.append(future)
        if future.runner not in self._deadlines:
            self._deadlines[future.runner] = future.runner.deadline_ns(self._timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Run jobs until the event is set; then wait for the futures of others, in real time."""
        for runner, known_ns in self._deadlines.items():
            deadline_ns = runner.deadline_ns(timeout) if known_ns is None else known_ns
            if runner.drive(self.is_set, deadline_ns, self._mine):
                return True
        if not all(future.done() for future in self._others):
            return super().wait(timeout)
        if timeout is None and not self.is_set():
            raise deadlock([text for each in self._deadlines for text in each.blocked(self._mine)])
        if self._iterates and not self.is_set():
            unfinished = sum(not future.done() for future in self._mine)
            total = len(self._mine) + len(self._others)
            raise TimeoutError(f"{unfinished} (of {total}) futures unfinished")
        return self.is_set()


def _arguments(appending: FrameType | None) -> Mapping[str, Any]:
    """Of the `wait` or `as_completed` for which a stock function appends a waiter."""
    installing = appending and appending.f_back
    calling = installing and installing.f_back
    if calling is None or calling.f_code not in _WAITS:
        return {}
    return calling.f_locals
