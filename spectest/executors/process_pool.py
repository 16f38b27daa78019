"""A process pool without processes: its children are virtual threads that share nothing on purpose.

Stock `ProcessPoolExecutor` does the work: its queues of pending calls, its manager thread, its idea
of a broken pool are CPython's own, of whichever version runs. Only what it builds on is exchanged:
pipes (see `channels`) and processes (see `children`). So a job is running as soon as it is on its
way to a child, and cannot be cancelled from then on; what cannot be pickled fails where it really
does; and a child that dies takes every job of the pool with it.
"""

from __future__ import annotations

import functools
import inspect
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, process
from concurrent.futures.process import ProcessPoolExecutor, _ExecutorManagerThread
from multiprocessing.reduction import ForkingPickler
from traceback import format_exception
from types import FunctionType
from typing import Any, ParamSpec, TypeVar
from weakref import ref

from spectest.errors import UsageError
from spectest.executors.channels import CallQueue, Context, Inbox, Task
from spectest.executors.script import is_seconds
from spectest.executors.submissions import (
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
from spectest.kernel.clock import NANOSECONDS
from spectest.threads.agents import Agent, Stage, current
from spectest.threads.patching import LARGE_MACHINE

__all__ = ["VirtualProcessPool", "become_virtual", "restore"]

_ABSENT = object()
_OPTIONS = ("_max_workers", "_mp_context", "_initializer", "_initargs", "_max_tasks_per_child")

P = ParamSpec("P")
T = TypeVar("T")


class VirtualProcessPool(ProcessPoolExecutor):
    """`ProcessPoolExecutor` whose children are virtual threads in a world, and processes outside.

    The first five arguments and all methods are those of the stock pool. Functions, arguments,
    results and exceptions are pickled on their way. Module globals are a child's own as far as
    `module_state` says. `os.getpid()` and `multiprocessing.current_process()` tell children apart.

    `latency`: how long a job takes before its function is called, as in `VirtualThreadPool`. A
    chunk of `map` is one job, under the name of the function that is mapped.
    `seconds_per_byte`: how long a byte of pickled arguments or results is on its way.
    `dies`: jobs that kill their child, by function, function name, counted name (`work#2`) or
    number of the submission, from 1; one or several. The child dies when the latency is over, the
    function is not called, and the pool breaks: `BrokenProcessPool` for whatever has not ended.

    A child also dies by `os._exit` or `os.abort` in its job. Outside of a world (a test run without
    spectest) this is the stock pool with real processes, in which jobs sleep for their usual
    latency and really die. Raises `UsageError` for a latency, a cost or a name of a job that can
    mean nothing.
    """

    _latency: Latency = None
    _seconds_per_byte = 0.0
    _dies: tuple[Any, ...] = ()
    _world: ref[Stage] | None = None

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
        latency: Latency = None,
        seconds_per_byte: float = 0.0,
        dies: Keys = (),
    ) -> None:
        self._latency = checked_latency(latency)
        self._seconds_per_byte = _checked_cost(seconds_per_byte)
        self._dies = checked_keys("dies", dies)
        mention("dies", self._dies)
        options = (max_workers, mp_context, initializer, initargs, max_tasks_per_child)
        agent = current()
        if agent is None:
            stock: Any = super().__init__
            stock(*options[:4], max_tasks_per_child=max_tasks_per_child)
        else:
            self.begin(agent, *options)

    def begin(
        self,
        agent: Agent,
        max_workers: int | None,
        mp_context: Any,
        initializer: Any,
        initargs: Any,
        max_tasks_per_child: Any,
    ) -> None:
        """What stock's `__init__` does, in the world of `agent`."""
        if mp_context is None:
            mp_context = multiprocessing.get_context("spawn" if max_tasks_per_child else None)
        context = Context(mp_context.get_start_method(allow_none=False))
        _begin_with_our_parts(
            self,
            max_workers,
            context,
            initializer,
            initargs,
            max_tasks_per_child=max_tasks_per_child,
        )
        self._executor_manager_thread_wakeup: Any = context.inbox
        self._world = ref(agent.baton)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As stock; a job of a world goes to a virtual child."""
        agent = current()
        if agent is not None:
            settle(self, agent)
        elif id(self) in _settled:
            restore(self)
        submissions = vars(self).setdefault("_submissions", PerWorld(Submissions))
        submission = submissions.here().next(fn, args, kwargs)
        interval_ns = interval_of(self._latency, submission)
        dies = is_named(submission, "dies", self._dies)
        job: Any = fn
        if agent is not None:
            job = Task(fn, submission.name, interval_ns, dies, self._seconds_per_byte * NANOSECONDS)
        elif interval_ns[2] or dies:
            job = _RealTask(fn, seconds_of(interval_ns), dies)
        return super().submit(job, *args, **kwargs)

    def _start_executor_manager_thread(self) -> None:
        if self._world is None:
            super()._start_executor_manager_thread()
        elif self._executor_manager_thread is None:
            if self._mp_context.get_start_method() == "fork":
                self._launch_processes()
            self._executor_manager_thread = _Manager(self)
            self._executor_manager_thread.start()


class _Manager(_ExecutorManagerThread):
    """CPython's manager of a pool, who looks into our inbox."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        super().__init__(executor)
        self.name = "process pool manager"
        self.daemon = False

    def wait_result_broken_or_wakeup(self) -> tuple[Any, bool, Any]:
        """A result if there is one, whether the pool is broken, and by which error if by one."""
        inbox: Any = self.result_queue
        children: Any = list(self.processes.values())
        result, called = inbox.wait(children)
        inbox.clear()
        if result is None:
            return None, not called, None
        try:
            return ForkingPickler.loads(result), False, None
        except BaseException as error:  # noqa: BLE001  # stock catches as much
            return None, True, format_exception(type(error), error, error.__traceback__)


class _RealTask:
    """A job in a real process: it takes its usual time, and its process dies of it if it must."""

    def __init__(self, func: Callable[..., Any], seconds: float, dies: bool) -> None:
        self.func = func
        self._seconds = seconds
        self._dies = dies

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        time.sleep(self._seconds)
        if self._dies:
            os._exit(1)
        return self.func(*args, **kwargs)


def _checked_cost(seconds_per_byte: Any) -> float:
    if is_seconds(seconds_per_byte):
        return float(seconds_per_byte)
    raise UsageError(
        f"seconds_per_byte={seconds_per_byte!r} must be a number of seconds, 0 or more, and finite"
    )


def _with_parts(function: Any, **parts: Any) -> Any:
    """The same function, which knows other things by these names of its module."""
    same = FunctionType(
        function.__code__, {**vars(process), **parts}, function.__name__, function.__defaults__
    )
    same.__kwdefaults__ = function.__kwdefaults__
    return same


_begin_with_our_parts = _with_parts(
    inspect.unwrap(ProcessPoolExecutor.__init__),
    _SafeQueue=CallQueue,
    _ThreadWakeup=Inbox,
    os=LARGE_MACHINE,
)

# Stock pools, and pools that were made elsewhere, in a world.

_settled: dict[int, tuple[ProcessPoolExecutor, type, dict[str, Any]]] = {}


def become_virtual(pool: ProcessPoolExecutor) -> VirtualProcessPool:
    """From now on a stock pool, or one of a class derived from it, is a virtual one, too."""
    kind: Any = type(pool)
    if not issubclass(kind, VirtualProcessPool):
        pool.__class__ = _virtual(kind)
    virtual: Any = pool
    return virtual  # type: ignore[no-any-return]


def settle(pool: ProcessPoolExecutor, agent: Agent) -> VirtualProcessPool:
    """Let `pool` have insides that belong to the world of `agent`, until `restore`."""
    insides = vars(pool)
    if not _is_at_home(pool, agent):
        fresh = VirtualProcessPool.__new__(VirtualProcessPool)
        fresh.begin(agent, *[insides[name] for name in _OPTIONS])
        # Another thread may have done the same meanwhile.
        if not _is_at_home(pool, agent):
            restore(pool)
            before = {name: insides.get(name, _ABSENT) for name in vars(fresh)}
            _settled[id(pool)] = (pool, type(pool), before)
            insides.update(vars(fresh))
    return become_virtual(pool)


def _is_at_home(pool: ProcessPoolExecutor, agent: Agent) -> bool:
    world = vars(pool).get("_world")
    return world is not None and world() is agent.baton


def restore(pool: ProcessPoolExecutor | None = None) -> None:
    """Give `pool`, or every pool, the insides that it had before it was used in a world."""
    for number in list(_settled) if pool is None else [id(pool)]:
        if number in _settled:
            settled, kind, before = _settled.pop(number)
            settled.__class__ = kind
            for name, value in before.items():
                if value is _ABSENT:
                    del vars(settled)[name]
                else:
                    vars(settled)[name] = value


@functools.cache
def _virtual(kind: Any) -> Any:
    """A virtual pool that is called as the class `kind` is, and has its methods."""
    bases = (VirtualProcessPool,) if kind is ProcessPoolExecutor else (kind, VirtualProcessPool)
    names = ("__module__", "__qualname__", "__doc__")
    return type(kind.__name__, bases, {name: getattr(kind, name) for name in names})
