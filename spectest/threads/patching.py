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
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, _base
from contextlib import contextmanager
from importlib import _bootstrap
from types import SimpleNamespace
from typing import Any

from spectest.ambient import forget_types
from spectest.threads import starting, surroundings
from spectest.threads.agents import WorldEnded, current
from spectest.threads.carriers import Carriers
from spectest.threads.exchange import Exchange
from spectest.threads.locks import QuietLock, VirtualLock, VirtualRLock, real_lock, real_rlock
from spectest.threads.simple_queue import VirtualSimpleQueue, real_simple_queue
from spectest.threads.watchdog import Watchdog

__all__ = ["LARGE_MACHINE", "Installation", "installed"]

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


class Installation(Exchange):
    """What was exchanged. `carriers` and `watchdog` serve all worlds of one installation."""

    def __init__(self) -> None:
        super().__init__()
        self.carriers = Carriers()
        self.watchdog = Watchdog()
        self._programs: dict[int, object] = {}

    def install(self) -> None:
        """Exchange everything."""
        for real, ours in (
            (threading.Lock, VirtualLock),
            (real_lock, VirtualLock),
            (type(real_lock()), VirtualLock),
            (real_rlock, VirtualRLock),
            (real_simple_queue, VirtualSimpleQueue),
            (_thread.start_new_thread, starting.start_new_thread),
        ):
            self.stand_ins.add(real, ours)
        # The import system keeps its real locks; while it holds one, there are no choice points.
        self.put(_bootstrap, "_thread", SimpleNamespace(**vars(_thread)))
        for owner, names in ((_thread, _IN_THREAD), (threading, _IN_THREADING)):
            for name, ours in names.items():
                if hasattr(owner, name):  # Versions of Python differ.
                    self.put(owner, name, ours)
        self.put(threading, "excepthook", _judging(threading.excepthook))
        self.put(_base, "id", hash)
        self.put(Future, "__hash__", _future_hash)
        self.put(threading.Thread, "__hash__", _thread_hash)
        for cls, name, vain in _LOOKS:
            self.put(cls, name, _looking(getattr(cls, name), vain))
        for cls, name, attempt in _ATTEMPTS:
            self.put(cls, name, functools.wraps(getattr(cls, name))(attempt))
        self.put(ThreadPoolExecutor, "submit", _submit)
        self.put(sys.modules[ThreadPoolExecutor.__module__], "os", LARGE_MACHINE)
        self.put(ThreadPoolExecutor, "_counter", None)
        self.put(threading, "_counter", None)
        _base.LOGGER.addFilter(_worth_logging)
        surroundings.FREEZERS.install(self.put)
        self.begin_world()
        self.put_all(surroundings.STAND_INS)
        self.look_around()

    def begin_world(self, program: Any = None) -> None:
        """Names are counted from the beginning in each world; what `program` holds is wrapped."""
        if program is not None and id(program) not in self._programs:
            self._programs[id(program)] = program
            self.locks.adopt_program(program)
        threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
        ThreadPoolExecutor._counter = itertools.count().__next__  # type: ignore[attr-defined]

    def uninstall(self) -> None:
        """Put everything back, in modules imported meanwhile as well."""
        self.restore()
        forget_types()
        surroundings.FREEZERS.uninstall()
        _base.LOGGER.removeFilter(_worth_logging)
        self.locks.restore()
        self.watchdog.end()
        self.carriers.end()


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
