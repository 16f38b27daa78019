"""A thread pool whose jobs take declared times, for programs that run in a spectest world.

In a world the stock `ThreadPoolExecutor` already runs on virtual threads: its queue, its workers
and its futures take part in the search. This class is that pool; it adds what a pool does to its
jobs in production and a test cannot wait for: a job takes a time that varies, and a job hangs.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from spectest.executors.submissions import (
    Interval,
    Keys,
    Latency,
    PerWorld,
    Submissions,
    checked_keys,
    checked_latency,
    interval_of,
    is_named,
    mention,
    seconds_of,
)
from spectest.kernel.clock import FOREVER_NS
from spectest.threads.agents import Agent, current

__all__ = ["VirtualThreadPool"]

P = ParamSpec("P")
T = TypeVar("T")

_FOR_EVER: Interval = (FOREVER_NS, FOREVER_NS, FOREVER_NS)


class VirtualThreadPool(ThreadPoolExecutor):
    """`ThreadPoolExecutor` with latencies, on virtual threads in a world and on real ones outside.

    The first four arguments and all methods are those of the stock pool.

    `latency`: how long a job takes before its function is called, in seconds: a number; or
    (shortest, usual, longest), of which the search takes any, under every order model; or a
    function that is given the submitted call (`number`, `name`, `count`, `function`, `args`,
    `kwargs`) and returns one of these; or None. The worker is busy meanwhile.
    `hangs`: jobs that never end, by function, function name, counted name (`ask#2`) or number of
    the submission, from 1; one or several. Such a job is taken up, is running, and its function is
    not called. It is unwound at the end of the world, and its worker is not counted as a leak.

    Whether a worker takes up a job before somebody cancels it is a choice of the search.

    Outside of a world (a test run without spectest) jobs really sleep for their usual latency, and
    one that hangs does so until the interpreter exits. Raises `UsageError` for a latency or a name
    of a job that can mean nothing.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        latency: Latency = None,
        hangs: Keys = (),
    ) -> None:
        self._latency = checked_latency(latency)
        self._hangs = checked_keys("hangs", hangs)
        mention("hangs", self._hangs)
        self._submissions = PerWorld(Submissions)
        super().__init__(max_workers, thread_name_prefix, initializer, initargs)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As stock."""
        submission = self._submissions.here().next(fn, args, kwargs)
        if is_named(submission, "hangs", self._hangs):
            return super().submit(_Hanging(fn, submission.name, _FOR_EVER))
        interval_ns = interval_of(self._latency, submission)
        if not interval_ns[2]:
            return super().submit(fn, *args, **kwargs)
        return super().submit(_Lasting(fn, submission.name, interval_ns), *args, **kwargs)


class _Lasting:
    """A job that takes a time, and then calls `func`."""

    def __init__(self, func: Callable[..., Any], name: str, interval_ns: Interval) -> None:
        self.func = func
        self.__name__ = name
        self._interval_ns = interval_ns

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        agent = current()
        if agent is None:
            time.sleep(seconds_of(self._interval_ns))
        else:
            self._operate(agent)
        return self.func(*args, **kwargs)

    def _operate(self, agent: Agent) -> None:
        agent.baton.operate(agent, "job", self.__name__, self._interval_ns)


class _Hanging(_Lasting):
    """A job that never ends."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        agent = current()
        if agent is None:
            return _exiting().wait()
        agent.daemon = True  # Nobody can end it, so it is no leak.
        while True:
            self._operate(agent)


@functools.cache
def _exiting() -> threading.Event:
    """Set when the interpreter exits, before it joins the workers of pools."""
    event = threading.Event()
    threading._register_atexit(event.set)  # type: ignore[attr-defined]  # noqa: SLF001
    return event
