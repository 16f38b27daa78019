"""A mock of an executor that keeps the whole contract, and runs jobs when somebody waits for them.

For unit tests of code that takes a `concurrent.futures.Executor`. It has no threads, and its clock
is a fake one, so a test of a slow branch is quick and the same every time. It refuses to guess: a
script that no job follows, and a wait that could never end, are errors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.thread import BrokenThreadPool
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from spectest.errors import UsageError
from spectest.executors.agenda import Agenda
from spectest.executors.runner import Runner
from spectest.executors.script import Call, Job, Key, Script, is_seconds
from spectest.executors.scripted_futures import ScriptedFuture, deadlock
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns

__all__ = ["ScriptedExecutor"]

P = ParamSpec("P")
T = TypeVar("T")


class ScriptedExecutor(Executor):
    """An executor whose jobs run one after another, in the thread of whoever waits.

    Nothing runs at `submit`. `result`, `exception`, `wait`, `as_completed`, the iterator of `map`
    and `shutdown` (or leaving the `with`) run jobs, and only until they have what they wait for.
    Asking `done()` runs nothing. On an event loop, the loop runs the jobs.

    `max_workers`: how many jobs may be under way; these are running and cannot be cancelled, the
    others wait for a worker. None: all are under way at once, and each is pending, and can be
    cancelled, until it finishes.
    `thread_name_prefix`: ignored, there are no threads.
    `initializer`, `initargs`: called once, before the first job. If it raises, the executor is
    broken: `BrokenThreadPool`.
    `script`: a `Job` for each job that is more than a call in no time, by function, function name,
    counted name (`ask#2`) or number of the submission, from 1.
    `order`: jobs in the order in which they finish, named as in `script`; each waits for those
    before it. Jobs not named, and all without an order, finish when their delays are over, and at
    one instant in order of submission.

    All times are seconds on a fake clock that starts at 0, timeouts of waits included. What takes
    exactly as long as the timeout is in time. A wait without a timeout that can never end raises
    `Deadlock`. A script that means nothing is a `UsageError` at once, and one that no job followed
    is one at `shutdown`. Threads may share an executor; jobs still run one at a time.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        script: Mapping[Any, Job] | None = None,
        order: Sequence[Key] | None = None,
    ) -> None:
        del thread_name_prefix
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        first = None if initializer is None else functools.partial(initializer, *initargs)
        self._script = Script(script, order)
        self._agenda = Agenda(self._script, max_workers)
        self._runner = Runner(self._agenda, first)
        self._is_shut_down = False

    @property
    def now(self) -> float:
        """The fake clock, in seconds."""
        return self._agenda.now_ns / NANOSECONDS

    @property
    def calls(self) -> list[Call]:
        """The jobs that were run, in the order in which they were called.

        One whose script says `raises` is among them; one that was cancelled or never finishes is
        not.
        """
        return self._runner.calls()

    def advance(self, seconds: float) -> None:
        """Let fake time pass: run the jobs that finish within so many seconds from now."""
        if not is_seconds(seconds):
            raise UsageError(f"advance({seconds!r}) must be a number of seconds, 0 or more, finite")
        self._runner.drive(lambda: False, self._agenda.now_ns + seconds_to_ns(seconds))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As stock. The function is called when somebody waits."""
        if self._runner.broken is not None:
            raise BrokenThreadPool(self._runner.broken)
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: ScriptedFuture[T] = ScriptedFuture(self._runner)
        self._agenda.add(future, fn, args, kwargs)
        self._runner.look_again()
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
    ) -> Iterator[T]:
        """As stock, with `timeout` in fake seconds from this call; `chunksize` is ignored."""
        del chunksize
        deadline_ns = self._runner.deadline_ns(timeout)
        futures = [self.submit(fn, *args) for args in zip(*iterables, strict=False)]
        return self._results(futures, deadline_ns)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As stock; what `wait=False` leaves behind runs when somebody waits for it.

        Raises `UsageError` for a key of the script or the order that no job followed, `Deadlock` if
        a job can never finish.
        """
        self._end(wait=wait, cancel_futures=cancel_futures, complete=True)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        # A block that broke off may have submitted half of its jobs.
        self._end(wait=True, cancel_futures=False, complete=exc_type is None)

    def _end(self, *, wait: bool, cancel_futures: bool, complete: bool) -> None:
        self._is_shut_down = True
        if cancel_futures:
            for entry in self._agenda.open():
                entry.future.cancel()
        ended = not wait or self._runner.drive(lambda: not self._agenda.open(), None)
        if complete:
            self._script.check_met()
        if not ended:
            raise deadlock(self._runner.blocked())

    def _results(self, futures: list[Future[T]], deadline_ns: int | None) -> Iterator[T]:
        futures.reverse()
        try:
            while futures:
                left = None
                if deadline_ns is not None:
                    left = (deadline_ns - self._agenda.now_ns) / NANOSECONDS
                yield _result_or_cancel(futures.pop(), left)
        finally:
            for future in futures:
                future.cancel()


def _result_or_cancel(future: Future[T], timeout: float | None) -> T:
    try:
        return future.result(timeout)
    finally:
        future.cancel()
