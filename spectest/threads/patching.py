"""While a run lasts, `threading`, `queue`, `time` and `concurrent.futures` are the world's.

What Python code looks up in a module is exchanged in the module: `threading` itself builds all its
classes on a few functions of `_thread`, and takes these instead. What a module has imported by name
(`from threading import Lock`, `from time import sleep`) is exchanged in its globals. Code outside
of a world, another thread of the process for instance, gets the real things by the same names.
"""

from __future__ import annotations

import _thread
import functools
import itertools
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, _base
from contextlib import contextmanager
from importlib import _bootstrap
from types import ModuleType, SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

from spectest.source.lines import USER, kind_of_file
from spectest.threads import clock, starting
from spectest.threads.adoption import AdoptedLocks, is_machinery
from spectest.threads.agents import WorldEnded, current
from spectest.threads.carriers import Carriers
from spectest.threads.locks import QuietLock, VirtualLock, VirtualRLock, real_lock, real_rlock
from spectest.threads.simple_queue import VirtualSimpleQueue, real_simple_queue
from spectest.threads.watchdog import Watchdog

__all__ = ["LARGE_MACHINE", "Installation", "installed"]

_ABSENT = object()
_PROCESSORS = 28

LARGE_MACHINE = SimpleNamespace(
    **{
        **vars(os),
        "cpu_count": lambda: _PROCESSORS,
        "process_cpu_count": lambda: _PROCESSORS,
    }
)
"""What pools see as `os`: their usual size is the same on every machine, and stock's largest."""

_ATTEMPT = 10  # An attempt that fails has as many choice points of its own, for its locks.

# By name in the module; what a module has imported is recognised by its identity.
_IN_THREAD: dict[str, Any] = {
    "allocate_lock": VirtualLock,
    "allocate": VirtualLock,
    "LockType": VirtualLock,
    "lock": VirtualLock,
    "RLock": VirtualRLock,
    "_count": starting.count,
    "start_new_thread": starting.start_new_thread,
    "start_new": starting.start_new_thread,
    "start_joinable_thread": starting.start_joinable_thread,
    "_set_sentinel": starting.set_sentinel,
    "_ThreadHandle": starting.VirtualHandle,
}
_IN_THREADING: dict[str, Any] = {
    "_allocate_lock": QuietLock,
    "_CRLock": VirtualRLock,
    "_set_sentinel": starting.set_sentinel,
    "_start_new_thread": starting.start_for_thread,
    "_start_joinable_thread": starting.start_joinable_thread,
    "_ThreadHandle": starting.VirtualHandle,
}


# Questions that programs ask again and again until the answer is not this one any more.
_LOOKS: tuple[tuple[type, str, bool], ...] = (
    (threading.Event, "is_set", False),
    (threading.Thread, "is_alive", True),
    (queue.Queue, "empty", True),
    (queue.Queue, "full", True),
    (Future, "done", False),
    (Future, "running", False),
)


# Of modules of libraries, which change little: how many names they had, which of them were to be
# exchanged, and whether there were locks to wrap.
_looked_at: WeakKeyDictionary[ModuleType, tuple[int, tuple[str, ...], bool]] = WeakKeyDictionary()


class Installation:
    """What was exchanged. `carriers` and `watchdog` serve all worlds of one installation."""

    def __init__(self) -> None:
        self.carriers = Carriers()
        self.watchdog = Watchdog()
        self.locks = AdoptedLocks()
        self._before: list[tuple[Any, str, Any]] = []
        self._exchanged: list[tuple[Any, Any]] = []
        self._by_name: dict[int, Any] = {}
        self._modules = 0
        self._seen: set[int] = set()
        self._programs: dict[int, object] = {}

    def install(self) -> None:
        """Exchange everything."""
        self._exchanged = [
            (threading.Lock, VirtualLock),
            (real_lock, VirtualLock),
            (type(real_lock()), VirtualLock),
            (real_rlock, VirtualRLock),
            (real_simple_queue, VirtualSimpleQueue),
            (_thread.start_new_thread, starting.start_new_thread),
            (time.sleep, clock.sleep),
            *((getattr(time, name), ours) for name, ours in clock.CLOCKS.items()),
        ]
        self._by_name = self.locks.exchanged = {id(real): ours for real, ours in self._exchanged}
        # The import system keeps its real locks; while it holds one, there are no choice points.
        self._put(_bootstrap, "_thread", SimpleNamespace(**vars(_thread)))
        for name, ours in _IN_THREAD.items():
            self._put(_thread, name, ours)
        for name, ours in _IN_THREADING.items():
            self._put(threading, name, ours)
        self._put(threading, "excepthook", _judging(threading.excepthook))
        self._put(_base, "id", hash)
        self._put(Future, "__hash__", _future_hash)
        self._put(threading.Thread, "__hash__", _thread_hash)
        for cls, name, vain in _LOOKS:
            self._put(cls, name, _looking(getattr(cls, name), vain))
        for cls, name, attempt in _ATTEMPTS:
            self._put(cls, name, functools.wraps(getattr(cls, name))(attempt))
        self._put(ThreadPoolExecutor, "submit", _submit)
        self._put(sys.modules[ThreadPoolExecutor.__module__], "os", LARGE_MACHINE)
        self._put(ThreadPoolExecutor, "_counter", None)
        self._put(threading, "_counter", None)
        _base.LOGGER.addFilter(_worth_logging)
        self.begin_world()
        self._put(time, "sleep", clock.sleep)
        for name, ours in clock.CLOCKS.items():
            self._put(time, name, ours)
        self.look_around()

    def begin_world(self, program: Any = None) -> None:
        """Names are counted from the beginning in each world; what `program` holds is wrapped."""
        if program is not None and id(program) not in self._programs:
            self._programs[id(program)] = program
            self.locks.adopt_program(program)
        threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
        ThreadPoolExecutor._counter = itertools.count().__next__  # type: ignore[attr-defined]

    def look_around(self) -> None:
        """Exchange what modules have imported by name, and wrap their locks; new ones only."""
        if self._modules == len(sys.modules):
            return
        self._modules = len(sys.modules)
        for name, module in list(sys.modules.items()):
            if id(module) in self._seen:
                continue
            self._seen.add(id(module))
            if type(module) is ModuleType and not is_machinery(name):
                self._exchange_in(module)

    def _exchange_in(self, module: ModuleType) -> None:
        namespace, by_name = vars(module), self._by_name
        size, names, has_locks = _looked_at.get(module, (-1, (), True))
        if size != len(namespace):
            names, has_locks = tuple(n for n, v in namespace.items() if id(v) in by_name), True
        for name in names:
            if id(namespace.get(name)) in by_name:
                self._put(module, name, by_name[id(namespace[name])])
        has_locks = has_locks and self.locks.adopt(module)
        if kind_of_file(getattr(module, "__file__", None) or "<built in>") != USER:
            _looked_at[module] = (len(namespace), names, has_locks)

    def _put(self, owner: Any, name: str, value: Any) -> None:
        before = vars(owner).get(name, _ABSENT)
        if before is _ABSENT and owner in (_thread, threading):
            return  # Another version of Python has it.
        self._before.append((owner, name, before))
        setattr(owner, name, value)

    def uninstall(self) -> None:
        """Put everything back, in modules imported meanwhile as well."""
        self.look_back()
        while self._before:
            owner, name, before = self._before.pop()
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        _base.LOGGER.removeFilter(_worth_logging)
        self.locks.restore()
        self.watchdog.end()
        self.carriers.end()

    def look_back(self) -> None:
        """Modules that were imported during the run have imported what is ours."""
        real = {id(ours): before for before, ours in reversed(self._exchanged)}
        for module in list(sys.modules.values()):
            if id(module) in self._seen or not isinstance(module, ModuleType):
                continue
            namespace = vars(module)
            for name in [name for name, value in namespace.items() if id(value) in real]:
                namespace[name] = real[id(namespace[name])]


_installation: Installation | None = None


@contextmanager
def installed() -> Iterator[Installation]:
    """While the outermost of these blocks lasts, everything is exchanged."""
    global _installation
    if _installation is not None:
        _installation.look_around()
        yield _installation
        return
    _installation = Installation()
    try:
        _installation.install()
        yield _installation
    finally:
        try:
            _installation.uninstall()
        finally:
            _installation = None


def _looking(real: Callable[[Any], bool], vain: bool) -> Callable[[Any], bool]:
    @functools.wraps(real)
    def look(self: Any) -> bool:
        answer = real(self)
        if answer is vain:
            _look_in_vain()
            return real(self)
        return answer

    return look


def _look_in_vain(weight: int = 1) -> None:
    agent = current()
    if agent is not None:
        agent.baton.look_in_vain(agent, weight)


# Whoever does not want to wait for a queue or a semaphore will perhaps try again.

_real_get, _real_put = queue.Queue.get, queue.Queue.put
_real_acquire = threading.Semaphore.acquire


def get(self: queue.Queue[Any], block: bool = True, timeout: float | None = None) -> Any:
    """`queue.Queue.get`."""
    try:
        return _real_get(self, block, timeout)
    except queue.Empty:
        if not block or timeout == 0:
            _look_in_vain(_ATTEMPT)
        raise


def put(
    self: queue.Queue[Any], item: Any, block: bool = True, timeout: float | None = None
) -> None:
    """`queue.Queue.put`."""
    try:
        _real_put(self, item, block, timeout)
    except queue.Full:
        if not block or timeout == 0:
            _look_in_vain(_ATTEMPT)
        raise


def acquire(self: threading.Semaphore, blocking: bool = True, timeout: float | None = None) -> bool:
    """`threading.Semaphore.acquire`."""
    taken = _real_acquire(self, blocking, timeout)
    if not taken and not blocking:
        _look_in_vain(_ATTEMPT)
    return taken


_ATTEMPTS: tuple[tuple[type, str, Callable[..., Any]], ...] = (
    (queue.Queue, "get", get),
    (queue.Queue, "put", put),
    (threading.Semaphore, "acquire", acquire),
)


def _worth_logging(record: logging.LogRecord) -> bool:
    """A worker of a pool logs whatever ends it; the end of its world is no news."""
    return not (record.exc_info and record.exc_info[0] is WorldEnded)


def _future_hash(future: Any) -> int:
    return _number(future, "future")


def _thread_hash(thread: Any) -> int:
    return _number(thread, "thread")


def _number(thing: Any, kind: str) -> int:
    """Things made in a world hash by their number of creation, as tasks do."""
    number: int | None = vars(thing).get("_virtual_hash")
    if number is not None:
        return number
    agent = current()
    if agent is None:
        return object.__hash__(thing)
    number = vars(thing)["_virtual_hash"] = agent.baton.next_hash(kind)
    return number


_real_submit = ThreadPoolExecutor.submit


def _submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    agent = current()
    if agent is not None:
        agent.baton.pools.adopt(self)
    return _real_submit(self, fn, *args, **kwargs)


_submit.__doc__ = _real_submit.__doc__


def _judging(before: Callable[[Any], object]) -> Callable[[Any], None]:
    """The hook for exceptions that end a thread: in a world they are kept for its judgement."""

    def excepthook(args: Any, /) -> None:
        agent = current()
        if agent is None:
            before(args)
        elif not issubclass(args.exc_type, SystemExit | WorldEnded):
            agent.baton.failed(agent, args.exc_value)

    return excepthook
